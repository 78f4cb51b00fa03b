import Platform
import Wire

/// What a search for one transaction id has found.
public struct TransactionRecords: Sendable {
    /// Newest first.
    public fileprivate(set) var records: [JournalRecord] = []
    /// Places that can't be read and may hold more.
    public fileprivate(set) var damageCount = 0
}

/// A search for one transaction id on its way through the segments, from the newest to the oldest.
struct TransactionSearch {
    private let id: [UInt8]
    private let limit: Int
    private let storage: any JournalStorage
    private let checksHash: Bool
    private(set) var found = TransactionRecords()
    /// The block read last: hits often lie together.
    private var block: (segment: UInt64, offset: Int, block: JournalBlock)?

    /// - Parameter checksHash: whether the SHA-256 of blocks that hold a hit is computed anew; the checksum always is.
    init(_ transactionID: [UInt8], limit: Int, storage: any JournalStorage, checksHash: Bool) {
        id = transactionID
        self.limit = limit
        self.storage = storage
        self.checksHash = checksHash
    }

    var isDone: Bool { found.records.count >= limit }

    /// The segment being written, or one closed a moment ago: the hashes are at hand, one a record.
    mutating func take(_ segment: SegmentContents) throws(SystemError) {
        let wanted = segment.hash(id)
        for summary in segment.blocks.reversed() where !isDone {
            guard let hashes = summary.hashes else {
                try take(segment.firstSequence, summary) { _ in true }
                continue
            }
            if hashes.contains(wanted) { try take(segment.firstSequence, summary) { hashes[$0] == wanted } }
        }
        if segment.startOffset > SegmentHeader.byteCount, !isDone {
            try scan(segment.firstSequence, to: segment.startOffset, isNewest: false)
        }
    }

    /// A closed segment with an index. After an error nothing of this segment has been taken.
    mutating func take(_ index: SegmentIndex) throws(IndexError) {
        let hash = index.header.hash(id)
        if let filter = index.filter, !filter.mayContain(hash) { return }
        if index.header.entryCount == 0 { return }
        let foundBefore = found
        var failure: IndexError?
        let opened = try index.open()
        do throws(IndexError) {
            try opened.forEachSequence(hash) { sequence throws(IndexError) in
                guard let offset = try opened.blockOffset(of: sequence) else { throw .damaged }
                let block: JournalBlock?
                do throws(SystemError) { block = try readBlock(index.firstSequence, offset) } catch { throw .system(error) }
                guard let block, sequence >= block.header.firstSequence, sequence <= block.header.lastSequence else {
                    // Where the journal itself is damaged, the index may name what can't be read any more.
                    found.damageCount += 1
                    return true
                }
                match(block, Int(sequence - block.header.firstSequence))
                return !isDone
            }
        } catch {
            failure = error
        }
        guard let failure else { return }
        found = foundBefore
        throw failure
    }

    /// A segment without an index, or the part of it before `endOffset`: every record is looked at.
    ///
    /// - Parameter isNewest: its end may be unfinished.
    mutating func scan(_ segment: UInt64, to endOffset: Int = .max, isNewest: Bool) throws(SystemError) {
        let name = JournalDirectory.segmentName(segment)
        var cursor = SegmentCursor(try storage.openForReading(name))
        // What is found last is the newest; no more than can be used is kept.
        var hits: [JournalRecord] = []
        while cursor.offset < endOffset {
            let reading = try cursor.read(checkingHash: checksHash)
            guard case .block(let stored) = reading else {
                let next = try cursor.nextGoodOffset()
                if next != nil || !isNewest, !reading.isEnd { found.damageCount += 1 }
                guard let next else { break }
                cursor.offset = next
                continue
            }
            cursor.offset = stored.endOffset
            guard stored.header.kind == .records else { continue }
            guard let block = JournalBlock(stored, segment: name) else {
                found.damageCount += 1
                continue
            }
            for index in 0..<block.recordCount where isHit(block, index) {
                hits.append(block.journalRecord(index))
                if hits.count > limit - found.records.count { hits.removeFirst() }
            }
        }
        found.records += hits.reversed()
    }

    private mutating func take(_ segment: UInt64, _ summary: BlockSummary, _ isCandidate: (Int) -> Bool) throws(SystemError) {
        guard let block = try readBlock(segment, summary.offset) else {
            found.damageCount += 1
            return
        }
        guard block.header.kind == .records else { return }
        for index in (0..<block.recordCount).reversed() where !isDone && isCandidate(index) { match(block, index) }
    }

    private mutating func readBlock(_ segment: UInt64, _ offset: Int) throws(SystemError) -> JournalBlock? {
        if let block, block.segment == segment, block.offset == offset { return block.block }
        guard let read = try SegmentCursor.block(segment, at: offset, storage, checkingHash: checksHash) else { return nil }
        block = (segment, offset, read)
        return read
    }

    private mutating func match(_ block: JournalBlock, _ index: Int) {
        if isHit(block, index) { found.records.append(block.journalRecord(index)) }
    }

    private func isHit(_ block: JournalBlock, _ index: Int) -> Bool {
        // Safety: the record's bytes are used inside the closure only.
        unsafe block.withRecord(index) { record in
            var view = AuditRecordView()
            return unsafe view.read(record) && view.transactionID.elementsEqual(id)
        }
    }
}
