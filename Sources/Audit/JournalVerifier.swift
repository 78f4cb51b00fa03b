import Platform
import Wire

/// One thing that is wrong with a journal, and where.
public struct JournalDamage: Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// The segment's header can't be read.
        case segmentHeader
        /// The segment belongs to another journal.
        case foreignSegment
        /// The segment's name or its header's first number isn't that of its first block.
        case segmentSequence(named: UInt64, found: UInt64)
        /// There is no readable block header where one should be; good blocks go on at `nextOffset`, if anywhere.
        case blockHeader(nextOffset: Int?)
        /// The block's bytes differ from what was written (its CRC-32C doesn't fit).
        case payloadChecksum
        /// The block was edited: its checksum fits, its SHA-256 doesn't.
        case blockHash
        /// The block doesn't follow the one before it: blocks were dropped, swapped, inserted or replaced here.
        case chainBroken
        /// Numbers are missing, doubled or out of order before this block.
        case sequence(expected: UInt64, found: UInt64)
        /// The block's records can't be taken apart.
        case payload
        /// The record with this number says another number, or isn't an AuditRecord.
        case record(sequence: UInt64)
        /// The last segment ends inside a block. After a crash the next start cuts it off.
        case tornTail(byteCount: Int)
        /// The journal was closed with more than is there.
        case tailMissing(closedBefore: UInt64, found: UInt64)
        /// The journal was closed with another last block.
        case tailReplaced
    }

    /// The segment's file name.
    public let segment: String
    /// Where in the segment, in bytes.
    public let offset: Int
    public let kind: Kind

    public var description: String { "\(segment) at byte \(offset): \(kind.text)" }
}

extension JournalDamage.Kind {
    var text: String {
        switch self {
        case .segmentHeader: "the segment's header is damaged"
        case .foreignSegment: "the segment belongs to another journal"
        case .segmentSequence(let named, let found): "the segment should begin with record \(named) and begins with \(found)"
        case .blockHeader(let next): "no block header is readable here" + (next.map { "; blocks go on at byte \($0)" } ?? "")
        case .payloadChecksum: "the block's bytes are damaged: the checksum doesn't fit"
        case .blockHash: "the block was altered: its SHA-256 doesn't fit"
        case .chainBroken: "the block doesn't follow the one before it: blocks were dropped, swapped, inserted or replaced"
        case .sequence(let expected, let found): "record \(expected) should follow and \(found) does"
        case .payload: "the block can't be taken apart into its records"
        case .record(let sequence): "record \(sequence) doesn't carry its own number"
        case .tornTail(let byteCount): "the last \(byteCount) bytes are an unfinished block"
        case .tailMissing(let closed, let found): "the journal was closed before record \(closed) and ends before \(found)"
        case .tailReplaced: "the journal was closed with another last block"
        }
    }
}

/// What a journal holds and what is wrong with it.
public struct JournalReport: Sendable, Equatable {
    public var identity: JournalIdentity
    public var segmentCount = 0
    public var blockCount = 0
    /// Decisions.
    public var recordCount = 0
    /// Numbers that belong to no decision.
    public var voids: [VoidRange] = []
    public var firstSequence: UInt64?
    public var lastSequence: UInt64?
    public var byteCount = 0
    /// Hash of the last block.
    public var tailHash: SHA256Digest?
    /// A server has the journal open; what it was writing at the time isn't looked at.
    public var isLive = false
    public var wasClosedCleanly = false
    /// In the order of their places; the first thousand.
    public var damages: [JournalDamage] = []
    public var damageCount = 0

    public var isSound: Bool { damageCount == 0 }
}

/// Checks every checksum, the chain of hashes and the density of numbers of a whole journal.
public struct JournalVerifier {
    private let storage: any JournalStorage
    private var report: JournalReport
    private var previousHash: SHA256Digest?
    private var nextSequence: UInt64?
    private let marker: CleanMarker?
    private let arena = MessageArena(byteCount: 64 << 10)

    /// Reads the whole journal with the memory of one block.
    public static func verify(_ directory: String) throws(AuditError) -> JournalReport {
        let isLive = JournalLock.isHeld(path: "\(directory)/\(JournalDirectory.lockName)")
        return try verify(storage: DiskStorage(directory: directory), path: directory, isLive: isLive)
    }

    static func verify(storage: any JournalStorage, path: String, isLive: Bool) throws(AuditError) -> JournalReport {
        guard let identity = try JournalDirectory.identity(storage, path: path) else { throw .noJournal(path: path) }
        var verifier = JournalVerifier(storage: storage, identity: identity, isLive: isLive)
        do {
            try verifier.run()
        } catch {
            throw .system(error)
        }
        return verifier.report
    }

    private init(storage: any JournalStorage, identity: JournalIdentity, isLive: Bool) {
        self.storage = storage
        report = JournalReport(identity: identity)
        report.isLive = isLive
        // A running server removes the marker first thing.
        marker = isLive ? nil : try? JournalDirectory.cleanMarker(storage)
        report.wasClosedCleanly = marker != nil
    }

    private mutating func run() throws(SystemError) {
        let segments = try JournalDirectory.segments(storage)
        for (index, first) in segments.enumerated() {
            try verify(first, isFirst: index == 0, isLast: index == segments.count - 1)
        }
        checkMarker(lastSegment: segments.last)
    }

    private mutating func verify(_ first: UInt64, isFirst: Bool, isLast: Bool) throws(SystemError) {
        let name = JournalDirectory.segmentName(first)
        var cursor = SegmentCursor(try storage.openForReading(name))
        report.segmentCount += 1
        checkHeader(try cursor.segmentHeader(), first: first, name: name, isFirst: isFirst)
        var isFirstBlock = true
        while true {
            switch try cursor.read(checkingHash: false) {
            case .block(let block):
                if isFirstBlock, block.header.firstSequence != first {
                    note(.segmentSequence(named: first, found: block.header.firstSequence), name, cursor.offset)
                }
                isFirstBlock = false
                check(block, name)
                cursor.offset = block.endOffset
            case .end:
                report.byteCount += cursor.offset
                return
            case .incomplete, .damaged:
                if try !passOver(&cursor, name, isLast: isLast) { return }
            }
        }
    }

    private mutating func checkHeader(_ header: SegmentHeader?, first: UInt64, name: String, isFirst: Bool) {
        guard let header else { return note(.segmentHeader, name, 0) }
        if header.identity != report.identity { note(.foreignSegment, name, 0) }
        if header.firstSequence != first { note(.segmentSequence(named: first, found: header.firstSequence), name, 0) }
        // Segments before the first one may have been retired by retention; then the header's word stands for them.
        if isFirst {
            if first == 1, header.previousHash != report.identity.genesis { note(.chainBroken, name, 0) }
            previousHash = header.previousHash
            nextSequence = first
        } else if let previousHash, header.previousHash != previousHash {
            note(.chainBroken, name, 0)
        }
    }

    private mutating func check(_ block: StoredBlock, _ name: String) {
        let header = block.header
        if !block.hasGoodHash { note(.blockHash, name, block.offset) }
        if let previousHash, header.previousHash != previousHash { note(.chainBroken, name, block.offset) }
        if let nextSequence, header.firstSequence != nextSequence {
            note(.sequence(expected: nextSequence, found: header.firstSequence), name, block.offset)
        }
        checkRecords(block, name)
        previousHash = header.hash
        nextSequence = header.lastSequence + 1
        report.blockCount += 1
        report.firstSequence = report.firstSequence ?? header.firstSequence
        report.lastSequence = header.lastSequence
        report.tailHash = header.hash
    }

    private mutating func checkRecords(_ stored: StoredBlock, _ name: String) {
        guard let block = JournalBlock(stored, segment: name) else { return note(.payload, name, stored.offset) }
        for index in 0..<block.recordCount {
            let record = unsafe block.withRecord(index) { unsafe AuditRecord.decode($0, arena: arena) }
            arena.reset()
            let sequence = block.sequence(index)
            guard let record, record.sequence == sequence, isExpected(record.voidRange, block.header) else {
                note(.record(sequence: sequence), name, stored.offset)
                continue
            }
            if let range = record.voidRange { report.voids.append(range) } else { report.recordCount += 1 }
        }
    }

    private func isExpected(_ range: VoidRange?, _ header: BlockHeader) -> Bool {
        switch (header.kind, range) {
        case (.records, nil): true
        case (.void, let range?): range.first == header.firstSequence && range.last == header.lastSequence
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
        case .damaged(.payloadChecksum): note(.payloadChecksum, name, cursor.offset)
        case .incomplete where next == nil && isLast:
            note(.tornTail(byteCount: try cursor.file.byteCount() - cursor.offset), name, cursor.offset)
        default: note(.blockHeader(nextOffset: next), name, cursor.offset)
        }
        guard let next else {
            report.byteCount += try cursor.file.byteCount()
            return false
        }
        cursor.offset = next
        return true
    }

    /// A journal that was closed cleanly must end where it was closed.
    private mutating func checkMarker(lastSegment: UInt64?) {
        guard let marker else { return }
        let name = JournalDirectory.segmentName(lastSegment ?? 1)
        let found = nextSequence ?? 1
        if marker.nextSequence != found {
            note(.tailMissing(closedBefore: marker.nextSequence, found: found), name, report.byteCount)
        } else if marker.hash != report.tailHash ?? previousHash ?? report.identity.genesis {
            note(.tailReplaced, name, report.byteCount)
        }
    }

    private mutating func note(_ kind: JournalDamage.Kind, _ segment: String, _ offset: Int) {
        report.damageCount += 1
        guard report.damages.count < AuditLimits.damageCountMax else { return }
        report.damages.append(JournalDamage(segment: segment, offset: offset, kind: kind))
    }
}
