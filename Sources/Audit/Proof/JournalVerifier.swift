import Glibc
import Platform
import Wire

/// Checks every checksum, the chain of hashes and the density of numbers of a whole journal, and holds its signed checkpoints against it.
public struct JournalVerifier {
    private let storage: any JournalStorage
    private var report: JournalReport
    private var proof: ProofVerifier
    private var checkpoints: CheckpointWalk
    /// What the next block must name as its predecessor; nil: what stood before can't be read.
    private var previousHash: SHA256Digest?
    private var nextSequence: UInt64?
    /// Repairs met, by the hash of their blocks.
    private var repairs: Set<SHA256Digest> = []
    private let marker: CleanMarker?
    private let arena = MessageArena(byteCount: 64 << 10)

    /// Reads the whole journal with the memory of one block.
    ///
    /// - Parameters:
    ///   - keys: those whose signatures count; empty: all that are whole do.
    ///   - checkpoints: ones that were kept elsewhere.
    public static func verify(
        _ directory: String, keys: [Ed25519PublicKey] = [], checkpoints: [CheckpointLine] = []
    ) throws(AuditError) -> JournalReport {
        let isLive = JournalLock.isHeld(path: "\(directory)/\(JournalDirectory.lockName)")
        return try verify(
            storage: DiskStorage(directory: directory), path: directory, isLive: isLive, keys: keys, checkpoints: checkpoints)
    }

    static func verify(
        storage: any JournalStorage, path: String, isLive: Bool, keys: [Ed25519PublicKey] = [], checkpoints: [CheckpointLine] = []
    ) throws(AuditError) -> JournalReport {
        guard let identity = try JournalDirectory.identity(storage, path: path) else { throw .noJournal(path: path) }
        var attempts = 1
        while true {
            do throws(SystemError) {
                var verifier = try JournalVerifier(storage, identity, isLive, keys, checkpoints)
                try verifier.run(mayHaveRetired: isLive && attempts < AuditLimits.verifyAttemptCountMax)
                return verifier.report
            } catch {
                // A running server retires segments between being listed and being opened.
                guard isLive, error.code == ENOENT, attempts < AuditLimits.verifyAttemptCountMax else { throw .system(error) }
                attempts += 1
            }
        }
    }

    private init(
        _ storage: any JournalStorage, _ identity: JournalIdentity, _ isLive: Bool, _ keys: [Ed25519PublicKey],
        _ outside: [CheckpointLine]
    ) throws(SystemError) {
        self.storage = storage
        report = JournalReport(identity: identity)
        report.isLive = isLive
        report.hasTrustedKeys = !keys.isEmpty
        // A running server removes the marker first thing.
        marker = isLive ? nil : try? JournalDirectory.cleanMarker(storage)
        report.wasClosedCleanly = marker != nil
        proof = try ProofVerifier(storage, identity: identity, trusted: keys, outside: outside, isLive: isLive)
        checkpoints = try CheckpointWalk(proof)
        report.retirement = proof.retirement
        report.keys = proof.keys
        report.gaps = proof.gaps
        report.damages = proof.damages
        report.damageCount = proof.damageCount
    }

    private mutating func run(mayHaveRetired: Bool) throws(SystemError) {
        // What the proof covers was written before the proof was read, so it is among the segments that are listed after it.
        let segments = try JournalDirectory.segments(storage)
        if let first = segments.first, first > proof.retirement?.segment ?? 1 {
            // The running server may have retired it between the two.
            if mayHaveRetired { throw SystemError(operation: "open", path: JournalDirectory.segmentName(1), code: ENOENT) }
            noteBeginning(first)
        }
        for (index, first) in segments.enumerated() {
            try verify(first, isFirst: index == 0, isLast: index == segments.count - 1)
        }
        checkMarker(lastSegment: segments.last)
        try checkEnd(lastSegment: segments.last)
    }

    /// A journal begins with record 1, or where retention says that it does.
    private mutating func noteBeginning(_ first: UInt64) {
        let expected = proof.retirement?.segment ?? 1
        note(.beginningMissing(expected: expected, found: first), JournalDirectory.segmentName(first), 0, expected...first - 1)
    }

    private mutating func verify(_ first: UInt64, isFirst: Bool, isLast: Bool) throws(SystemError) {
        let name = JournalDirectory.segmentName(first)
        var cursor = SegmentCursor(try storage.openForReading(name))
        report.segmentCount += 1
        try checkHeader(try cursor.segmentHeader(), first: first, name: name, isFirst: isFirst)
        var isFirstBlock = true
        while true {
            switch try cursor.read(checkingHash: false) {
            case .block(let block):
                if isFirstBlock, block.header.firstSequence != first {
                    note(.segmentSequence(named: first, found: block.header.firstSequence), name, cursor.offset)
                }
                isFirstBlock = false
                try check(block, name)
                cursor.offset = block.endOffset
            case .end:
                report.byteCount += cursor.offset
                return
            case .incomplete, .damaged:
                if try !passOver(&cursor, name, isLast: isLast) { return }
            }
        }
    }

    private mutating func checkHeader(_ header: SegmentHeader?, first: UInt64, name: String, isFirst: Bool) throws(SystemError) {
        guard let header else {
            if isFirst { nextSequence = first }
            return note(.segmentHeader, name, 0)
        }
        if header.identity != report.identity { note(.foreignSegment, name, 0) }
        if header.firstSequence != first { note(.segmentSequence(named: first, found: header.firstSequence), name, 0) }
        guard isFirst else {
            if let previousHash, header.previousHash != previousHash { note(.chainBroken, name, 0) }
            return
        }
        if first == 1, header.previousHash != report.identity.genesis { note(.chainBroken, name, 0) }
        // For what retention took away, its word stands.
        if let retirement = proof.retirement, retirement.segment == first, header.previousHash != retirement.hash {
            note(.chainBroken, name, 0)
        }
        if first > 1 { try check(through: first - 1...first - 1, hash: header.previousHash, name, 0) }
        previousHash = header.previousHash
        nextSequence = first
    }

    private mutating func check(_ block: StoredBlock, _ name: String) throws(SystemError) {
        let header = block.header
        let range = header.firstSequence...header.lastSequence
        if !block.hasGoodHash { note(.blockHash, name, block.offset, range) }
        if let previousHash, header.previousHash != previousHash { note(.chainBroken, name, block.offset, range) }
        if let nextSequence, header.firstSequence != nextSequence {
            let missing = header.firstSequence > nextSequence ? nextSequence...header.firstSequence - 1 : range
            note(.sequence(expected: nextSequence, found: header.firstSequence), name, block.offset, missing)
        }
        checkRecords(block, name)
        if header.kind == .repair {
            repairs.insert(header.hash)
            if proof.repairs[header.hash] == nil { note(.repairUnrecorded, name, block.offset, range) }
        }
        try check(through: range, hash: header.kind == .repair ? nil : header.hash, name, block.offset)
        if let retirement = proof.retirement, retirement.sequence == header.lastSequence, retirement.hash != block.successorHash {
            note(.chainBroken, name, block.endOffset, range)
        }
        previousHash = block.successorHash
        nextSequence = header.lastSequence + 1
        report.blockCount += 1
        report.firstSequence = report.firstSequence ?? header.firstSequence
        report.lastSequence = header.lastSequence
        report.tailHash = previousHash
    }

    /// Holds the checkpoints for these numbers against the hash of the block that ends them.
    private mutating func check(
        through range: ClosedRange<UInt64>, hash: SHA256Digest?, _ name: String, _ offset: Int
    ) throws(SystemError) {
        let before = checkpoints.last?.sequence ?? 0
        guard let contradicted = try checkpoints.take(first: range.lowerBound, last: range.upperBound, hash: hash) else { return }
        note(
            .checkpointContradicted(index: contradicted.index), name, offset,
            min(before + 1, contradicted.sequence)...contradicted.sequence)
    }

    private mutating func checkRecords(_ stored: StoredBlock, _ name: String) {
        let range = stored.header.firstSequence...stored.header.lastSequence
        guard let block = JournalBlock(stored, segment: name) else { return note(.payload, name, stored.offset, range) }
        for index in 0..<block.recordCount {
            let record = unsafe block.withRecord(index) { unsafe AuditRecord.decode($0, arena: arena) }
            arena.reset()
            let sequence = block.sequence(index)
            guard let record, record.sequence == sequence, Self.isExpected(record.voidRange, block.header) else {
                note(.record(sequence: sequence), name, stored.offset, sequence...sequence)
                continue
            }
            if let range = record.voidRange { report.voids.append(range) } else { report.recordCount += 1 }
        }
    }

    /// Whether a block's records are what its header says.
    static func isWhole(_ stored: StoredBlock) -> Bool {
        guard let block = JournalBlock(stored, segment: "") else { return false }
        let arena = MessageArena(byteCount: 64 << 10)
        return (0..<block.recordCount).allSatisfy { index in
            let record = unsafe block.withRecord(index) { unsafe AuditRecord.decode($0, arena: arena) }
            arena.reset()
            return record.map { $0.sequence == block.sequence(index) && isExpected($0.voidRange, stored.header) } ?? false
        }
    }

    private static func isExpected(_ range: VoidRange?, _ header: BlockHeader) -> Bool {
        switch (header.kind, range) {
        case (.records, nil): true
        case (.void, let range?): range.first == header.firstSequence && range.last == header.lastSequence && range.chain.isEmpty
        case (.repair, let range?):
            range.first == header.firstSequence && range.last == header.lastSequence
                && range.chain.count == SHA256Digest.byteCount && range.cause == .damaged
        default: false
        }
    }

    /// At a place without a good block: notes it and goes on behind it; false: nothing follows in this segment.
    private mutating func passOver(_ cursor: inout SegmentCursor, _ name: String, isLast: Bool) throws(SystemError) -> Bool {
        // The running server may have completed the block meanwhile.
        let reading = try cursor.read(checkingHash: false)
        if case .block = reading { return true }
        let next = try cursor.nextGoodOffset()
        if next == nil, isLast, report.isLive {
            report.byteCount += cursor.offset
            return false
        }
        switch reading {
        case .damaged(.payloadChecksum):
            if let end = try noteDamagedPayload(cursor, name) {
                cursor.offset = end
                return true
            }
        case .incomplete where next == nil && isLast:
            note(.tornTail(byteCount: try cursor.file.byteCount() - cursor.offset), name, cursor.offset)
        default:
            var missing: ClosedRange<UInt64>?
            if let next, let nextSequence, let header = try header(cursor, at: next), header.firstSequence > nextSequence {
                missing = nextSequence...header.firstSequence - 1
            }
            note(.blockHeader(nextOffset: next), name, cursor.offset, missing)
            forget()
        }
        guard let next else {
            report.byteCount += try cursor.file.byteCount()
            return false
        }
        cursor.offset = next
        return true
    }

    /// The header is whole: where it is in its place, the chain and the numbers go on from it, and only the block itself is damaged. Returns
    /// where that ends, whatever comes there; nil: the header doesn't follow what is before it.
    private mutating func noteDamagedPayload(_ cursor: SegmentCursor, _ name: String) throws(SystemError) -> Int? {
        guard let header = try cursor.header() else {
            note(.payloadChecksum, name, cursor.offset)
            return nil
        }
        note(.payloadChecksum, name, cursor.offset, header.firstSequence...header.lastSequence)
        guard header.previousHash == previousHash, header.firstSequence == nextSequence, header.kind != .repair else {
            forget()
            return nil
        }
        try check(through: header.firstSequence...header.lastSequence, hash: header.hash, name, cursor.offset)
        previousHash = header.hash
        nextSequence = header.lastSequence + 1
        return cursor.offset + BlockHeader.byteCount + header.storedByteCount
    }

    private func header(_ cursor: SegmentCursor, at offset: Int) throws(SystemError) -> BlockHeader? {
        var cursor = cursor
        cursor.offset = offset
        return try cursor.header()
    }

    /// What follows unreadable bytes can't be held against what stood before them.
    private mutating func forget() {
        previousHash = nil
        nextSequence = nil
    }

    /// A journal that was closed cleanly must end where it was closed.
    private mutating func checkMarker(lastSegment: UInt64?) {
        guard let marker else { return }
        let name = JournalDirectory.segmentName(lastSegment ?? 1)
        let found = nextSequence ?? (report.lastSequence ?? 0) + 1
        if marker.nextSequence != found {
            let missing = marker.nextSequence > found ? found...marker.nextSequence - 1 : nil
            note(.tailMissing(closedBefore: marker.nextSequence, found: found), name, report.byteCount, missing)
        } else if marker.hash != previousHash ?? report.tailHash ?? report.identity.genesis {
            note(.tailReplaced, name, report.byteCount)
        }
    }

    /// What the proof tells of must have been met.
    private mutating func checkEnd(lastSegment: UInt64?) throws(SystemError) {
        let name = JournalDirectory.segmentName(lastSegment ?? 1)
        if let checkpoint = try checkpoints.rest() {
            let last = report.lastSequence ?? 0
            note(
                .cutAfterCheckpoint(through: checkpoint.sequence, last: last), name, report.byteCount,
                min(last + 1, checkpoint.sequence)...checkpoint.sequence)
        }
        for (hash, entry) in proof.repairs where !repairs.contains(hash) && entry.sequence >= proof.retirement?.segment ?? 1 {
            note(.repairMissing(index: entry.index), JournalDirectory.segmentName(entry.segment), 0)
        }
        report.checkpointCount = checkpoints.count
        report.checkpoint = checkpoints.last
    }

    private mutating func note(
        _ kind: JournalDamage.Kind, _ segment: String, _ offset: Int, _ records: ClosedRange<UInt64>? = nil
    ) {
        report.damageCount += 1
        guard report.damages.count < AuditLimits.damageCountMax else { return }
        report.damages.append(JournalDamage(segment: segment, offset: offset, kind: kind, records: records))
    }
}
