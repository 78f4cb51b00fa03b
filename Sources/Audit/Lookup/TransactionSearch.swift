import Platform
import Wire

/// A search for one transaction id on its way through the segments, from the newest to the oldest.
struct TransactionSearch {
    private let transactionID: String
    private let id: [UInt8]
    private let limit: Int
    private let storage: any JournalStorage
    /// Newest first.
    private(set) var found: [JournalRecord] = []
    /// The block read last: hits often lie together.
    private var block: (segment: UInt64, offset: Int, block: JournalBlock)?

    init(_ transactionID: String, limit: Int, storage: any JournalStorage) {
        self.transactionID = transactionID
        id = Array(transactionID.utf8)
        self.limit = limit
        self.storage = storage
    }

    var isDone: Bool { found.count >= limit }

    /// The segment being written, or one closed a moment ago: the hashes are at hand, one a record.
    mutating func take(_ segment: SegmentContents) throws(SystemError) {
        let wanted = segment.hash(transactionID)
        for summary in segment.blocks.reversed() where !isDone {
            guard let hashes = summary.hashes else {
                try take(segment.firstSequence, summary) { _ in true }
                continue
            }
            if hashes.contains(wanted) { try take(segment.firstSequence, summary) { hashes[$0] == wanted } }
        }
        if segment.startOffset > SegmentHeader.byteCount, !isDone { try scan(segment.firstSequence, to: segment.startOffset) }
    }

    /// A closed segment with an index. After an error nothing of this segment has been taken.
    mutating func take(_ index: SegmentIndex) throws(IndexError) {
        let hash = index.header.hash(transactionID)
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
    mutating func scan(_ segment: UInt64, to endOffset: Int = .max) throws(SystemError) {
        let name = JournalDirectory.segmentName(segment)
        var cursor = SegmentCursor(try storage.openForReading(name))
        // What is found last is the newest; no more than can be used is kept.
        var hits: [JournalRecord] = []
        while cursor.offset < endOffset {
            guard case .block(let stored) = try cursor.read(checkingHash: false) else {
                guard let next = try cursor.nextGoodOffset() else { break }
                cursor.offset = next
                continue
            }
            cursor.offset = stored.endOffset
            guard stored.header.kind == .records, let block = JournalBlock(stored, segment: name) else { continue }
            for index in 0..<block.recordCount where isHit(block, index) {
                hits.append(block.journalRecord(index))
                if hits.count > limit - found.count { hits.removeFirst() }
            }
        }
        found += hits.reversed()
    }

    private mutating func take(_ segment: UInt64, _ summary: BlockSummary, _ isCandidate: (Int) -> Bool) throws(SystemError) {
        guard let block = try readBlock(segment, summary.offset), block.header.kind == .records else { return }
        for index in (0..<block.recordCount).reversed() where !isDone && isCandidate(index) { match(block, index) }
    }

    private mutating func readBlock(_ segment: UInt64, _ offset: Int) throws(SystemError) -> JournalBlock? {
        if let block, block.segment == segment, block.offset == offset { return block.block }
        guard let read = try SegmentCursor.block(segment, at: offset, storage) else { return nil }
        block = (segment, offset, read)
        return read
    }

    private mutating func match(_ block: JournalBlock, _ index: Int) {
        if isHit(block, index) { found.append(block.journalRecord(index)) }
    }

    private func isHit(_ block: JournalBlock, _ index: Int) -> Bool {
        // Safety: the record's bytes are used inside the closure only.
        unsafe block.withRecord(index) { record in
            var view = AuditRecordView()
            return unsafe view.read(record) && view.transactionID.elementsEqual(id)
        }
    }
}
