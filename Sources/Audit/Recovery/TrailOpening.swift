import Platform
import Wire

/// The steps from a directory of unknown state to a trail that takes records. Every step leaves files from which the same steps lead to
/// the same end, so a crash anywhere in between is harmless.
struct TrailOpening {
    let journalLock: JournalLock
    let ringLock: JournalLock
    let identity: JournalIdentity
    let memory: RingMemory
    let writer: JournalWriter
    let proof: ProofLog
    let report: RecoveryReport

    init(_ configuration: AuditConfiguration, storage: any JournalStorage, key: Ed25519PrivateKey? = nil) throws(AuditError) {
        do {
            let directory = configuration.journalDirectory
            try Self.makeDirectory(directory)
            try File.createDirectory(configuration.ringDirectory)
            guard let lock = try JournalLock(path: "\(directory)/\(JournalDirectory.lockName)") else {
                throw AuditError.journalInUse(path: directory)
            }
            journalLock = lock
            identity = try Self.identity(storage, directory)
            // A copy of the journal has the same identity, so it would take the same ring.
            let ringPath = "\(configuration.ringDirectory)/assay-\(identity).ring"
            guard let lock = try JournalLock(path: "\(ringPath).lock") else { throw AuditError.ringInUse(path: ringPath) }
            ringLock = lock
            (memory, writer, proof, report) = try Self.recover(configuration, storage, identity, ringPath, key)
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as JournalWriteError {
            throw .system(error.systemError)
        } catch let error as AuditError {
            throw error
        } catch {
            preconditionFailure("unexpected error \(error)")
        }
    }

    /// A new journal's directory, durable: nothing in it is when the way to it isn't.
    private static func makeDirectory(_ path: String) throws(SystemError) {
        if File.isDirectory(path) { return }
        let parent = File.directory(of: path)
        if parent != path { try makeDirectory(parent) }
        try File.createDirectory(path)
        try File.synchronizeDirectory(parent)
    }

    /// The journal's identity; a new journal gets one, and starts as if closed cleanly.
    private static func identity(_ storage: any JournalStorage, _ path: String) throws -> JournalIdentity {
        if let identity = try JournalDirectory.identity(storage, path: path) { return identity }
        guard try JournalDirectory.segments(storage).isEmpty else {
            throw AuditError.identityDamaged(path: "\(path)/\(JournalDirectory.identityName)")
        }
        let identity = storage.newIdentity()
        try JournalDirectory.writeCleanMarker(CleanMarker(nextSequence: 1, hash: identity.genesis), storage)
        try JournalDirectory.writeIdentity(identity, storage)
        return identity
    }

    private static func recover(
        _ configuration: AuditConfiguration, _ storage: any JournalStorage, _ identity: JournalIdentity, _ ringPath: String,
        _ key: Ed25519PrivateKey?
    ) throws -> (RingMemory, JournalWriter, ProofLog, RecoveryReport) {
        let marker = try JournalDirectory.cleanMarker(storage)
        var recovery = JournalRecovery(storage: storage, identity: identity, marker: marker)
        let stamp = RingStamp(identity: identity, bootID: RingStamp.bootID())
        let ring = try usableRing(ringPath, stamp, &recovery)
        recovery.isMemoryKept = ring != nil
        let proof = try ProofLog(storage: storage, identity: identity, key: key) { try recovery.save($0, as: $1) }
        recovery.beginning = proof.lastRetirement.map { CleanMarker(nextSequence: $0.segment, hash: $0.hash) }
        let end = try recovery.run()
        let writer = JournalWriter(
            storage: storage, identity: identity, end: end, segmentByteCount: configuration.segmentByteCount,
            blockByteCount: configuration.blockByteCount)
        try recovery.salvage(into: writer)
        var report = RecoveryReport()
        if let ring {
            var rest = RingRecovery(ring, into: writer)
            try rest.drain()
            for (worker, bytes) in rest.damaged {
                try recovery.save(bytes, as: "ring-\(worker).\(Self.checksum(bytes)).damaged")
            }
            report.drainedCount = rest.drainedCount
            report.voids = rest.voids
            report.wasClean = marker != nil && rest.drainedCount == 0 && rest.voids.isEmpty
        } else if let marker, marker.nextSequence >= writer.nextSequence {
            report.wasClean = marker.nextSequence == writer.nextSequence
            try void(before: marker.nextSequence, writer, &report)
        } else {
            try void(before: recovery.sequenceAfterLoss(writer.nextSequence), writer, &report)
        }
        // Numbers that a checkpoint covers were given, also when the journal's end was taken away since.
        if let signed = proof.lastCheckpoint?.sequence, signed >= writer.nextSequence {
            report.isBehindCheckpoint = true
            report.wasClean = false
            try void(before: signed + 1, writer, &report)
        }
        guard writer.nextSequence <= AuditLimits.sequenceMax else { throw AuditError.sequenceExhausted }
        try writer.tail.synchronize()
        try writer.beginSpan()
        try recovery.finishSalvage()
        report.voids = recovery.report.voids + report.voids
        report.cutByteCount = recovery.report.cutByteCount
        report.damageCount = recovery.report.damageCount
        report.quarantined = recovery.report.quarantined
        let memory = try freshRing(configuration, storage, writer, stamp, ringPath)
        return (memory, writer, proof, report)
    }

    /// The ring that a dead process left, when it belongs to this journal and to this run of the machine.
    private static func usableRing(_ path: String, _ stamp: RingStamp, _ recovery: inout JournalRecovery) throws -> RingMemory? {
        guard File.exists(path) else { return nil }
        if let ring = try RingMemory.map(path: path), ring.stamp == stamp { return ring }
        let bytes = try File.read(path)
        try recovery.save(bytes, as: "ring.\(checksum(bytes)).unusable")
        return nil
    }

    /// In a file's name: whoever saves the same bytes again saves them to the same file.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 { unsafe bytes.withUnsafeBytes { unsafe crc32c($0) } }

    private static func void(before next: UInt64, _ writer: JournalWriter, _ report: inout RecoveryReport) throws {
        guard next > writer.nextSequence else { return }
        report.voids.append(VoidRange(first: writer.nextSequence, last: next - 1, cause: .memoryLost))
        writer.appendVoid(through: next - 1, cause: .memoryLost)
        try writer.flush()
    }

    /// A new ring in place of the old one. Until it is there the marker says where the journal ends; once the marker is gone (durably), the
    /// first number may be given.
    private static func freshRing(
        _ configuration: AuditConfiguration, _ storage: any JournalStorage, _ writer: JournalWriter, _ stamp: RingStamp,
        _ path: String
    ) throws -> RingMemory {
        try JournalDirectory.writeCleanMarker(CleanMarker(nextSequence: writer.nextSequence, hash: writer.hash), storage)
        let memory = try RingMemory.create(
            path: path, stamp: stamp, workerCount: configuration.workerCount,
            ringByteCount: roundedToPowerOfTwo(configuration.ringByteCount), firstSequence: writer.nextSequence)
        try JournalDirectory.removeCleanMarker(storage)
        return memory
    }

    private static func roundedToPowerOfTwo(_ value: Int) -> Int {
        value.nonzeroBitCount == 1 ? value : 1 << (Int.bitWidth - value.leadingZeroBitCount)
    }
}
