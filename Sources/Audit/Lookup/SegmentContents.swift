import Platform

/// One block of a segment as look-ups know it.
struct BlockSummary: Sendable, Equatable {
    let firstSequence: UInt64
    let lastSequence: UInt64
    /// Where it begins in the segment's file.
    let offset: Int
    /// Hash of each record's transaction id, 0 where there is none; empty for a void; nil: not gathered.
    var hashes: [UInt64]?

    func contains(_ sequence: UInt64) -> Bool { sequence >= firstSequence && sequence <= lastSequence }
}

/// What an index is made from: the blocks of one segment, in order.
struct SegmentContents: Sendable {
    let firstSequence: UInt64
    let hash: TransactionHash
    var blocks: [BlockSummary] = []
    /// Blocks that begin before this offset are not in `blocks` (a restarted server goes on with a segment that has some already).
    var startOffset = SegmentHeader.byteCount
    /// Where the last block ends, and its SHA-256.
    var endOffset = SegmentHeader.byteCount
    var lastHash = SHA256Digest.zero

    /// Everything that an index needs is here.
    var isComplete: Bool { startOffset == SegmentHeader.byteCount && !blocks.contains { $0.hashes == nil } }

    var hashCount: Int { blocks.reduce(0) { $0 + ($1.hashes?.count ?? 0) } }

    /// The block that holds `sequence`, by halving; nil: none of `blocks` does.
    func block(with sequence: UInt64) -> BlockSummary? {
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].firstSequence <= sequence { low = middle + 1 } else { high = middle }
        }
        guard low > 0, blocks[low - 1].contains(sequence) else { return nil }
        return blocks[low - 1]
    }
}

extension SegmentContents {
    /// Reads a segment from `offset` to its end (or to `endOffset`) and gathers what an index needs; places that can't be read are passed
    /// over. `isStopped` is asked before each block; nil: it said yes.
    static func scan(
        _ firstSequence: UInt64, _ storage: any JournalStorage, hash: TransactionHash, from offset: Int = SegmentHeader.byteCount,
        to endOffset: Int = .max, isStopped: () -> Bool = { false }
    ) throws(SystemError) -> SegmentContents? {
        let name = JournalDirectory.segmentName(firstSequence)
        var cursor = SegmentCursor(try storage.openForReading(name))
        cursor.offset = offset
        var contents = SegmentContents(firstSequence: firstSequence, hash: hash, startOffset: offset, endOffset: offset)
        while cursor.offset < endOffset {
            if isStopped() { return nil }
            guard case .block(let stored) = try cursor.read(checkingHash: false) else {
                guard let next = try cursor.nextGoodOffset() else { break }
                cursor.offset = next
                continue
            }
            cursor.offset = stored.endOffset
            guard let block = JournalBlock(stored, segment: name) else { continue }
            contents.append(stored.header, offset: stored.offset, hashes: hash.ofBlock(block))
        }
        return contents
    }

    mutating func append(_ header: BlockHeader, offset: Int, hashes: [UInt64]?) {
        blocks.append(
            BlockSummary(
                firstSequence: header.firstSequence, lastSequence: header.lastSequence, offset: offset, hashes: hashes))
        endOffset = offset + BlockHeader.byteCount + header.storedByteCount
        lastHash = header.hash
    }
}

extension TransactionHash {
    /// One hash a record; none for a void.
    func ofBlock(_ block: JournalBlock) -> [UInt64] {
        guard block.header.kind == .records else { return [] }
        return (0..<block.recordCount).map { index in
            // Safety: the record's bytes are used inside the closure only.
            unsafe block.withRecord(index) { unsafe ofRecord($0) }
        }
    }
}
