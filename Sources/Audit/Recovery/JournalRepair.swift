import Platform
import Wire

/// Makes a damaged journal one that verifies, with the damage written down in it: blocks that are good stay as they are, byte for byte;
/// for the numbers that are missing a repair block says so; everything that is changed is copied to `quarantine/` first.
///
/// Whatever it is interrupted at, running it again ends in the same state: a source is removed only when all that replaces it is in place.
public struct JournalRepair {
    private static let stagedSuffix = ".repair"
    private static let copiedSuffix = ".copy"

    /// A segment to be written.
    private struct Output {
        var firstSequence: UInt64
        var previousHash: SHA256Digest
        var items: [RepairItem] = []
        var source: UInt64?
        var timeNanoseconds: Int64
    }

    private let storage: any JournalStorage
    private let identity: JournalIdentity
    private let key: Ed25519PrivateKey?
    private let now: Int64
    private let survey: RepairSurvey
    private let proof: ProofRepair
    private let plan: RepairPlan
    private let marker: CleanMarker?
    private var outputs: [Output] = []
    private var clean: Set<UInt64> = []
    /// Hash, segment and numbers of each repair block.
    private var repairs: [(hash: SHA256Digest, segment: UInt64, range: ClosedRange<UInt64>)] = []
    private var report = RepairReport()

    /// Repairs the journal in `directory`, or says what that would be.
    ///
    /// - Parameters:
    ///   - key: signs what is written down; nil: it isn't signed.
    ///   - trusted: keys whose signatures count; empty: all that are whole do.
    public static func repair(
        _ directory: String, key: Ed25519PrivateKey? = nil, trusted: [Ed25519PublicKey] = [], isDryRun: Bool = false
    ) throws(AuditError) -> RepairReport {
        let storage = DiskStorage(directory: directory)
        // Asked before the lock's file is made in a directory that is no journal.
        guard try JournalDirectory.identity(storage, path: directory) != nil else { throw .noJournal(path: directory) }
        let lock: JournalLock?
        do throws(SystemError) { lock = try JournalLock(path: "\(directory)/\(JournalDirectory.lockName)") } catch {
            throw .system(error)
        }
        guard let lock else { throw .journalInUse(path: directory) }
        defer { withExtendedLifetime(lock) {} }
        return try repair(storage: storage, path: directory, key: key, trusted: trusted, isDryRun: isDryRun)
    }

    static func repair(
        storage: any JournalStorage, path: String, key: Ed25519PrivateKey? = nil, trusted: [Ed25519PublicKey] = [],
        isDryRun: Bool = false, now: Int64 = Clock.wallNanoseconds()
    ) throws(AuditError) -> RepairReport {
        guard let identity = try JournalDirectory.identity(storage, path: path) else { throw .noJournal(path: path) }
        do {
            var repair = try JournalRepair(storage, identity, key, trusted, now)
            if !isDryRun { try repair.apply() }
            return repair.report
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as JournalWriteError {
            throw .system(error.systemError)
        } catch {
            preconditionFailure("unexpected error \(error)")
        }
    }

    private init(
        _ storage: any JournalStorage, _ identity: JournalIdentity, _ key: Ed25519PrivateKey?, _ trusted: [Ed25519PublicKey],
        _ now: Int64
    ) throws(SystemError) {
        self.storage = storage
        self.identity = identity
        self.key = key
        self.now = now
        survey = try RepairSurvey(storage, identity: identity)
        proof = try ProofRepair(storage, identity: identity, trusted: trusted, key: key, now: now)
        marker = try JournalDirectory.cleanMarker(storage)
        let start = Self.start(survey, proof.retirement, identity)
        plan = RepairPlan(blocks: survey.blocks, start: start, checkpoints: proof.checkpoints, marker: marker)
        arrange(start.hash)
        foretell()
    }

    /// Where the journal begins: at its genesis, or where retention has cut it.
    private static func start(_ survey: RepairSurvey, _ retirement: ProofEntry?, _ identity: JournalIdentity) -> CleanMarker {
        guard let retirement else { return CleanMarker(nextSequence: 1, hash: identity.genesis) }
        // Segments that are retired and not yet removed are taken as they are.
        if let first = survey.blocks.min(by: { $0.header.firstSequence < $1.header.firstSequence })?.header,
            first.firstSequence < retirement.segment
        {
            return CleanMarker(nextSequence: first.firstSequence, hash: first.previousHash)
        }
        return CleanMarker(nextSequence: retirement.segment, hash: retirement.hash)
    }

    // MARK: What is to be done

    /// Sorts the items into segments that stay and segments that are written.
    private mutating func arrange(_ start: SHA256Digest) {
        var hash = start
        var rest = plan.items[...]
        while let item = rest.first {
            guard case .block(let block) = item else {
                add(rest.removeFirst(), source: nil, hash: hash)
                hash = item.successorHash
                continue
            }
            let run = rest.prefix { if case .block(let other) = $0 { other.segment == block.segment } else { false } }
            if isClean(block.segment, run, hash) {
                clean.insert(block.segment)
                outputs.append(
                    Output(firstSequence: block.segment, previousHash: hash, source: block.segment, timeNanoseconds: 0))
            } else {
                var before = hash
                for item in run {
                    add(item, source: block.segment, hash: before)
                    before = item.successorHash
                }
            }
            hash = run.last?.successorHash ?? hash
            rest = rest.dropFirst(run.count)
        }
        // Where segments stay, nothing is written; they only kept their neighbours apart.
        outputs.removeAll(where: \.items.isEmpty)
        // A segment that was begun and got no block yet is where the journal goes on.
        if let last = survey.segments.last, last.isWhole, last.blocks.isEmpty, last.firstSequence == plan.nextSequence,
            last.header?.previousHash == plan.hash
        {
            clean.insert(last.firstSequence)
        }
    }

    private func isClean(_ segment: UInt64, _ run: ArraySlice<RepairItem>, _ hash: SHA256Digest) -> Bool {
        guard let found = survey.segments.first(where: { $0.firstSequence == segment }), found.isWhole else { return false }
        return found.header?.previousHash == hash && found.blocks.map(RepairItem.block) == Array(run)
            && run.first?.first == segment
    }

    /// Adds to the segment being arranged, or begins the next one where the source changes.
    private mutating func add(_ item: RepairItem, source: UInt64?, hash: SHA256Digest) {
        var time = now
        if let source, let found = survey.segments.first(where: { $0.firstSequence == source })?.header {
            time = found.timeNanoseconds
        }
        let goesOn = outputs.last.map { !$0.items.isEmpty && (source == nil || $0.source == nil || $0.source == source) } ?? false
        if !goesOn { outputs.append(Output(firstSequence: item.first, previousHash: hash, timeNanoseconds: time)) }
        outputs[outputs.count - 1].items.append(item)
        if let source { outputs[outputs.count - 1].source = source }
        if case .block(let block) = item, block.header.kind == .repair {
            repairs.append((block.header.hash, outputs[outputs.count - 1].firstSequence, item.first...item.last))
        }
    }

    private var dirty: [UInt64] { survey.segments.map(\.firstSequence).filter { !clean.contains($0) } }

    private mutating func foretell() {
        for case .damaged(let range, _) in plan.items { report.damaged.append(range) }
        report.rewritten = outputs.map { JournalDirectory.segmentName($0.firstSequence) }
        let written = Set(outputs.map(\.firstSequence))
        report.removed = dirty.filter { !written.contains($0) }.map(JournalDirectory.segmentName)
        let copied = dirty.map(JournalDirectory.segmentName) + (proof.isNeeded ? [JournalDirectory.proofName] : [])
        report.quarantined = copied.map { "\(JournalDirectory.quarantineName)/\($0).\(now).damaged" }
        report.proofGapCount = proof.gapCount
        report.recordedCount = unrecorded(existing).count
        report.isMarkerRewritten = marker.map { $0 != CleanMarker(nextSequence: plan.nextSequence, hash: plan.hash) } ?? false
    }

    /// Repair blocks that the journal has already.
    private var existing: [(hash: SHA256Digest, segment: UInt64, range: ClosedRange<UInt64>)] {
        plan.items.compactMap { item in
            guard case .block(let block) = item, block.header.kind == .repair else { return nil }
            return (block.header.hash, block.segment, item.first...item.last)
        }
    }

    private func unrecorded(
        _ blocks: [(hash: SHA256Digest, segment: UInt64, range: ClosedRange<UInt64>)]
    ) -> [(hash: SHA256Digest, segment: UInt64, range: ClosedRange<UInt64>)] {
        let recorded = Set(proof.entries.filter { $0.kind == .repair }.map(\.hash))
        return blocks.filter { !recorded.contains($0.hash) }
    }

    // MARK: Doing it

    private mutating func apply() throws {
        if report.isEmpty { return }
        // What a run that was broken off left.
        for name in try storage.list("") where name.hasSuffix(Self.stagedSuffix) || name.hasSuffix(Self.copiedSuffix) {
            try storage.remove(name)
        }
        for index in outputs.indices { try write(outputs[index]) }
        for name in dirty.map(JournalDirectory.segmentName) { try quarantine(name) }
        for output in outputs {
            let name = JournalDirectory.segmentName(output.firstSequence)
            try storage.rename(name + Self.stagedSuffix, name)
        }
        try storage.synchronizeDirectory()
        for name in report.removed { try storage.remove(name) }
        // What was derived from the old bytes is made anew when it is missing.
        for first in dirty {
            let name = JournalDirectory.segmentName(first)
            let prefix = name.dropLast(JournalDirectory.segmentSuffix.count) + "."
            for other in try storage.list("") where other.hasPrefix(prefix) && !other.hasPrefix(name) {
                try storage.remove(other)
            }
        }
        try storage.synchronizeDirectory()
        try writeProof()
        if report.isMarkerRewritten {
            try JournalDirectory.writeCleanMarker(CleanMarker(nextSequence: plan.nextSequence, hash: plan.hash), storage)
        }
    }

    /// Writes a segment beside the one that it will replace.
    private mutating func write(_ output: Output) throws {
        let file = try storage.open(JournalDirectory.segmentName(output.firstSequence) + Self.stagedSuffix, create: true)
        let header = SegmentHeader(
            identity: identity, firstSequence: output.firstSequence, previousHash: output.previousHash,
            timeNanoseconds: output.timeNanoseconds)
        try file.write(at: 0, header.encoded)
        var offset = SegmentHeader.byteCount
        var hash = output.previousHash
        for item in output.items {
            let bytes: [UInt8]
            switch item {
            case .block(let block):
                let source = try storage.openForReading(JournalDirectory.segmentName(block.segment))
                bytes = try source.bytes(at: block.offset, count: block.endOffset - block.offset)
            case .damaged(let range, let chain):
                let (header, sealed) = repairBlock(range, chain: chain, previousHash: hash)
                bytes = sealed
                repairs.append((header.hash, output.firstSequence, range))
            }
            try file.write(at: offset, bytes)
            offset += bytes.count
            hash = item.successorHash
        }
        try file.synchronize()
    }

    private func repairBlock(
        _ range: ClosedRange<UInt64>, chain: SHA256Digest, previousHash: SHA256Digest
    ) -> (BlockHeader, [UInt8]) {
        var record = AuditRecord()
        record.sequence = range.lowerBound
        record.timeNanoseconds = now
        record.voidRange = VoidRange(first: range.lowerBound, last: range.upperBound, cause: .damaged, chain: chain.bytes)
        var builder = BlockBuilder()
        builder.append(void: record.encoded(), first: range.lowerBound, last: range.upperBound, kind: .repair)
        var bytes: [UInt8] = []
        let header = builder.seal(previousHash: previousHash, timeNanoseconds: now, into: &bytes)
        return (header, bytes)
    }

    /// Copies a file to the quarantine; the copy is whole and durable before this returns.
    private func quarantine(_ name: String) throws {
        let from = try storage.openForReading(name)
        let copy = try storage.open(name + Self.copiedSuffix, create: true)
        let byteCount = try from.byteCount()
        for offset in stride(from: 0, to: byteCount, by: AuditLimits.repairPieceByteCount) {
            try copy.write(at: offset, from.bytes(at: offset, count: min(AuditLimits.repairPieceByteCount, byteCount - offset)))
        }
        try copy.synchronize()
        try storage.move(name + Self.copiedSuffix, "\(JournalDirectory.quarantineName)/\(name).\(now).damaged")
    }

    private func writeProof() throws {
        if proof.isNeeded {
            try quarantine(JournalDirectory.proofName)
            try storage.replace(JournalDirectory.proofName, proof.entries.flatMap(\.encoded))
        }
        let unrecorded = unrecorded(repairs + existing.filter { found in !repairs.contains { $0.hash == found.hash } })
        if unrecorded.isEmpty { return }
        let log = try ProofLog(storage: storage, identity: identity, key: key) { _, _ in }
        for repair in unrecorded.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            try log.append(
                .repair, segment: repair.segment, sequence: repair.range.upperBound, count: repair.range.lowerBound,
                hash: repair.hash,
                timeNanoseconds: now)
        }
    }
}
