import Glibc
import Platform
import Synchronization
import Testing
import Wire

@testable import Audit

/// A server's audit trail driven step by step on one thread, so that a crash can be taken at every point between two steps: an image of all
/// files, from which a new start must find every acknowledged record once.
final class SteppedTrail: @unchecked Sendable {
    let directory = TemporaryDirectory()
    let storage: FaultStorage
    let opening: TrailOpening
    let pump: JournalPump
    var producers: [AuditProducer]
    /// Numbers whose commit has returned: a reply may have left.
    let acknowledged = Mutex<Set<UInt64>>([])
    let images = Mutex<[(image: TemporaryDirectory, acknowledged: Set<UInt64>)]>([])
    /// Appended and not yet committed, by worker.
    private var waiting: [Int: [UInt64]] = [:]
    private var now: UInt64 = 1_000_000_000

    init(workerCount: Int) throws {
        storage = FaultStorage(directory.journal)
        let configuration = directory.configuration(workerCount: workerCount)
        opening = try TrailOpening(configuration, storage: storage)
        pump = try JournalPump(
            memory: opening.memory, writer: opening.writer, configuration: configuration,
            health: TrailHealth(opening.memory) { _ in }, syncWake: EventSignal())
        let states = ProducerStates(opening.memory)
        producers = (0..<workerCount).map {
            AuditProducer(states: states, worker: $0)
        }
    }

    func takeImage() {
        let known = acknowledged.withLock { $0 }
        if let image = try? directory.crashImage() { images.withLock { $0.append((image, known)) } }
    }

    /// One step of a worker or of the journal; `crash` is asked at every point within it.
    func step(_ generator: inout SeededGenerator, crash: () -> Bool) throws {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0...5: put(Int.random(in: 0..<producers.count, using: &generator), &generator, crash)
        case 6:
            now += UInt64.random(in: 0...200_000_000, using: &generator)
            if crash() { storage.plan.withLock { $0.onTornWrite = { [unowned self] in takeImage() } } }
            _ = try pump.look(now: now)
            storage.plan.withLock { $0.onTornWrite = nil }
        default: try opening.writer.tail.synchronize()
        }
        if crash() { takeImage() }
    }

    private func put(_ worker: Int, _ generator: inout SeededGenerator, _ crash: () -> Bool) {
        let count = Int.random(in: 1...4, using: &generator)
        guard let first = producers[worker].reserve(count: count, byteCountMax: 400) else { return }
        if crash() { takeImage() }
        for sequence in first..<first + UInt64(count) where Int.random(in: 0..<20, using: &generator) > 0 {
            producers[worker].append(sequence: sequence) { buffer in
                let bytes = makeRecord(sequence)
                buffer.copyBytes(from: bytes)
                if crash() { takeImage() }
                return bytes.count
            }
            waiting[worker, default: []].append(sequence)
            if crash() { takeImage() }
        }
        // Now and then one commit covers two reservations.
        if Int.random(in: 0..<10, using: &generator) == 0 { return }
        producers[worker].commit()
        acknowledged.withLock { $0.formUnion(waiting.removeValue(forKey: worker) ?? []) }
    }
}

@Suite struct CrashTests {
    /// Opens a crash image, closes it, and holds the journal against what was acknowledged.
    func expectRecovered(_ image: TemporaryDirectory, _ acknowledged: Set<UInt64>, workerCount: Int, _ note: String) throws {
        let trail = try AuditTrail.open(image.configuration(workerCount: workerCount), logger: quietLogger)
        let cause = trail.recovery.voids.first { $0.cause != .processDied }
        #expect(cause == nil, "\(note)")
        trail.close()
        let report = try JournalVerifier.verify(image.journal)
        #expect(report.isSound, "\(note): \(report.damages)")
        let records = try allRecords(image.journal)
        let found = records.filter { !$0.isVoid }
        #expect(found.allSatisfy { $0.bytes == makeRecord($0.sequence) }, "\(note)")
        #expect(acknowledged.isSubset(of: found.map(\.sequence)), "\(note)")
        #expect(Set(found.map(\.sequence)).count == found.count, "\(note)")
        // A second start finds nothing to do.
        let again = try AuditTrail.open(image.configuration(workerCount: workerCount), logger: quietLogger)
        #expect(again.recovery.wasClean, "\(note)")
        again.close()
        #expect(try JournalVerifier.verify(image.journal).lastSequence == report.lastSequence, "\(note)")
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func acknowledgedRecordsSurviveACrashAtAnyPoint(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let workerCount = Int.random(in: 1...3, using: &generator)
        let trail = try SteppedTrail(workerCount: workerCount)
        var chance = SeededGenerator(seed: seed &* 77)
        for _ in 0..<300 {
            try trail.step(&generator) { UInt64.random(in: 0..<120, using: &chance) == 0 }
        }
        trail.takeImage()
        let images = trail.images.withLock { $0 }
        #expect(images.count > 1)
        for (index, (image, acknowledged)) in images.enumerated() {
            try expectRecovered(image, acknowledged, workerCount: workerCount, "seed \(seed) image \(index)")
        }
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func crashDuringRecoveryIsHarmlessAtEveryOperation(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &* 1001)
        let trail = try SteppedTrail(workerCount: 2)
        for _ in 0..<300 { try trail.step(&generator) { false } }
        // Half a block at the end, as a killed write leaves it.
        trail.storage.plan.withLock { $0.onTornWrite = { [unowned trail] in trail.takeImage() } }
        _ = try trail.pump.look(now: .max / 2)
        trail.takeImage()
        for (image, acknowledged) in trail.images.withLock({ $0 }) {
            for operation in 0..<80 {
                let copy = try image.crashImage()
                let storage = FaultStorage(copy.journal)
                storage.plan.withLock { $0.diesAt = operation }
                let opened = try? TrailOpening(copy.configuration(workerCount: 2), storage: storage)
                if opened != nil {
                    #expect(operation > 3)
                    break
                }
                try expectRecovered(copy, acknowledged, workerCount: 2, "seed \(seed), died at operation \(operation)")
            }
        }
    }

    @Test func lostRingMakesTheNumbersJump() throws {
        let trail = try SteppedTrail(workerCount: 1)
        for _ in 0..<20 { _ = trail.producers[0].put() }
        _ = try trail.pump.look(now: 1 << 40)
        for _ in 0..<5 { _ = trail.producers[0].put() }
        let image = try trail.directory.crashImage()
        // The machine was restarted: tmpfs is empty.
        try File.removeTree(image.ring)
        for round in 1...3 as ClosedRange<UInt64> {
            let reopened = try AuditTrail.open(image.configuration(), logger: quietLogger)
            if round == 1 {
                #expect(reopened.recovery.voids == [VoidRange(first: 21, last: 1 << 32 - 1, cause: .memoryLost)])
            }
            let producer = reopened.producer(worker: 0)
            #expect(producer.put() == 1 << 32 + round - 1)
            reopened.close()
        }
        let report = try JournalVerifier.verify(image.journal)
        #expect(report.isSound && report.recordCount == 23 && report.voids.count == 1)
        #expect(try JournalReader.record(25, directory: image.journal)?.isVoid == true)
        #expect(try JournalReader.record(1 << 32 + 1, directory: image.journal)?.bytes == makeRecord(1 << 32 + 1))
    }

    /// Two losses once left a void of two spans as the only block of a segment; when its bits flipped, a third loss gave numbers again.
    @Test(arguments: [0, SegmentHeader.byteCount])
    func numbersAreNotGivenAgainWhenNothingButTheNamesOfSegmentsIsLeft(damageStart: Int) throws {
        var image = TemporaryDirectory()
        var highest: UInt64 = 0
        for loss in 0..<5 {
            if loss >= 2 {
                for name in try File.list(image.journal) where name.hasSuffix(JournalDirectory.segmentSuffix) {
                    var bytes = try File.read("\(image.journal)/\(name)")
                    for index in bytes.indices.dropFirst(damageStart) { bytes[index] ^= 0x55 }
                    try File.writeAtomically(bytes, to: "\(image.journal)/\(name)")
                }
            }
            let opening = try TrailOpening(image.configuration(), storage: DiskStorage(directory: image.journal))
            let producer = AuditProducer(states: ProducerStates(opening.memory), worker: 0)
            let first = try #require(producer.put())
            #expect(first > highest, "after \(loss) losses")
            for _ in 0..<10 { highest = try #require(producer.put()) }
            // The machine was restarted: the ring is gone, and with it all that was given.
            let next = try image.crashImage()
            try File.removeTree(next.ring)
            image = next
        }
    }

    /// What was given and lost may have been of the next span already.
    @Test func aLossShortlyBeforeTheEndOfASpanPassesTheNextSpanOver() throws {
        let span = AuditLimits.memoryLostSpan
        let image = TemporaryDirectory()
        let storage = DiskStorage(directory: image.journal)
        for (next, expected) in [(2, 1), (span / 2 - 1, 1), (span / 2, 2), (span - 1, 2), (span, 2)] as [(UInt64, UInt64)] {
            let recovery = JournalRecovery(storage: storage, identity: .random(), marker: nil)
            #expect(try recovery.sequenceAfterLoss(next) == expected * span, "\(next)")
        }
    }

    @Test func ringOfAnotherBootIsNotBelieved() throws {
        let trail = try SteppedTrail(workerCount: 1)
        for _ in 0..<20 { _ = trail.producers[0].put() }
        let image = try trail.directory.crashImage()
        let path = trail.opening.memory.path.replacing(trail.directory.path, with: image.path)
        var bytes = try File.read(path)
        bytes[40] ^= 1
        bytes.replaceSubrange(64..<68, with: withUnsafeBytes(of: bytes[..<64].withUnsafeBytes { crc32c($0) }) { [UInt8]($0) })
        try File.writeAtomically(bytes, to: path)
        let reopened = try AuditTrail.open(image.configuration(), logger: quietLogger)
        #expect(reopened.recovery.voids.first?.cause == .memoryLost)
        #expect(reopened.recovery.quarantined.count == 1)
        reopened.close()
        #expect(try JournalVerifier.verify(image.journal).isSound)
    }

    @Test func recordsThatTheDiskLostAreCalledLost() throws {
        let trail = try SteppedTrail(workerCount: 1)
        for _ in 0..<20 { _ = trail.producers[0].put() }
        _ = try trail.pump.look(now: 1 << 40)
        for _ in 0..<5 { _ = trail.producers[0].put() }
        let image = try trail.directory.crashImage()
        // The ring has freed 1-20, and the disk gives nothing of them back.
        let segment = "\(image.journal)/\(JournalDirectory.segmentName(1))"
        try File.writeAtomically(Array(File.read(segment).prefix(SegmentHeader.byteCount + 40)), to: segment)
        let reopened = try AuditTrail.open(image.configuration(), logger: quietLogger)
        #expect(reopened.recovery.voids == [VoidRange(first: 1, last: 20, cause: .memoryLost)])
        #expect(reopened.recovery.drainedCount == 5 && reopened.recovery.cutByteCount == 40)
        reopened.close()
        let report = try JournalVerifier.verify(image.journal)
        #expect(report.isSound && report.recordCount == 5)
    }

    @Test func unreadableSegmentIsMovedAsideAndItsNumbersAreNotUsedAgain() throws {
        let trail = try SteppedTrail(workerCount: 1)
        for _ in 0..<20 { _ = trail.producers[0].put() }
        _ = try trail.pump.look(now: 1 << 40)
        let image = try trail.directory.crashImage()
        try File.removeTree(image.ring)
        let segment = "\(image.journal)/\(JournalDirectory.segmentName(1))"
        try File.writeAtomically([UInt8](repeating: 7, count: 5000), to: segment)
        let reopened = try AuditTrail.open(image.configuration(), logger: quietLogger)
        #expect(reopened.recovery.quarantined.count == 1)
        let producer = reopened.producer(worker: 0)
        #expect((producer.put() ?? 0) >= 2 << 32)
        reopened.close()
        #expect(try JournalVerifier.verify(image.journal).isSound)
        #expect(try File.list("\(image.journal)/quarantine").count == 1)
    }

    @Test func damagedRingLosesOnlyWhatCantBeReadAndKeepsTheBytes() throws {
        let trail = try SteppedTrail(workerCount: 2)
        for _ in 0..<10 {
            _ = trail.producers[0].put()
            _ = trail.producers[1].put()
        }
        let image = try trail.directory.crashImage()
        let path = trail.opening.memory.path.replacing(trail.directory.path, with: image.path)
        var bytes = try File.read(path)
        bytes[RingLayout.dataOffset(workerCount: 2) + 500] ^= 0xff
        try File.writeAtomically(bytes, to: path)
        let reopened = try AuditTrail.open(image.configuration(workerCount: 2), logger: quietLogger)
        #expect(reopened.recovery.quarantined.count == 1)
        #expect(reopened.recovery.voids.allSatisfy { $0.cause == .memoryLost } && !reopened.recovery.voids.isEmpty)
        reopened.close()
        let records = try allRecords(image.journal).filter { !$0.isVoid }.map(\.sequence)
        // Worker 1 took the even numbers.
        #expect(Set((1...10).map { UInt64(2 * $0) }).isSubset(of: records))
        #expect(try JournalVerifier.verify(image.journal).isSound)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func serverKilledUnderLoadLosesNothingAcknowledged(round: UInt64) throws {
        let directory = TemporaryDirectory()
        let program = File.directory(of: try File.link("/proc/self/exe")) + "/audit-crash-child"
        try #require(File.exists(program), "\(program) is not built")
        var acknowledged: Set<UInt64> = []
        var generator = SeededGenerator(seed: round)
        // Several lives of one journal, each ended by SIGKILL.
        for life in 1...3 {
            let child = try ChildProcess([program, directory.journal, directory.ring, "2"])
            #expect(eventually { child.outputByteCount > 800 })
            usleep(UInt32.random(in: 0...100_000, using: &generator))
            child.kill9()
            let replies = child.output()
            #expect(acknowledged.isDisjoint(with: replies), "life \(life)")
            acknowledged.formUnion(replies)
        }
        var configuration = directory.configuration(workerCount: 2)
        configuration.ringByteCount = 256 << 10
        let trail = try AuditTrail.open(configuration, logger: quietLogger)
        trail.close()
        let report = try JournalVerifier.verify(directory.journal)
        #expect(report.isSound, "\(report.damages)")
        #expect(report.voids.allSatisfy { $0.cause == .processDied })
        let records = try allRecords(directory.journal).filter { !$0.isVoid }.map(\.sequence)
        #expect(acknowledged.isSubset(of: records))
        #expect(Set(records).count == records.count)
        print("kill \(round): acknowledged \(acknowledged.count), journal \(records.count), voids \(report.voids.count)")
    }
}

/// A child whose standard output is read to the end after it is gone.
final class ChildProcess {
    private var process: pid_t = 0
    private let path: String

    init(_ command: [String]) throws {
        path = "/tmp/assay-child-\(getpid())-\(Clock.monotonicNanoseconds())"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { (text: String) in strdup(text) }
        arguments.append(nil)
        defer { for pointer in arguments { free(pointer) } }
        let code = posix_spawn(&process, command[0], &actions, nil, &arguments, environ)
        guard code == 0 else { throw SystemError(operation: "posix_spawn", path: command[0], code: code) }
    }

    func kill9() {
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    var outputByteCount: Int { (try? File.byteCount(path)) ?? 0 }

    /// The numbers that the child wrote; a torn last one doesn't count.
    func output() -> [UInt64] {
        defer { unlink(path) }
        let bytes = (try? File.read(path)) ?? []
        return (0..<bytes.count / 8).map { index in
            (0..<8).reduce(0) { $0 | UInt64(bytes[index * 8 + $1]) << (8 * $1) }
        }
    }
}

extension File {
    /// Where a symbolic link points.
    static func link(_ path: String) throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { throw SystemError(operation: "readlink", path: path, code: errno) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
