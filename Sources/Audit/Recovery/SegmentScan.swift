import Platform

/// What one pass over a segment finds: how far it can be gone on with, and whether something in between is amiss.
struct SegmentScan {
    /// nil: it is damaged.
    let header: SegmentHeader?
    /// After the last good block; nil when there is neither a header nor a good block.
    private(set) var end: JournalEnd?
    /// Where that block ends.
    private(set) var endOffset = SegmentHeader.byteCount
    /// Places that can't be read or don't follow what is before them, with good blocks behind them.
    private(set) var damageCount = 0

    /// - Parameter first: the number in the segment's name.
    init(_ file: any JournalFile, first: UInt64) throws(SystemError) {
        var cursor = SegmentCursor(file)
        header = try cursor.segmentHeader()
        if let header { end = JournalEnd(nextSequence: first, hash: header.previousHash, segment: nil) }
        // A fault counts once there is a good block behind it: otherwise it is the end of an unfinished write.
        var isFaulty = header == nil
        while true {
            switch try cursor.read(checkingHash: true) {
            case .block(let block):
                cursor.offset = block.endOffset
                // Blocks of an earlier use of the same room on the disk say numbers that the journal has passed.
                guard block.header.lastSequence >= end?.nextSequence ?? first else {
                    isFaulty = true
                    continue
                }
                if isFaulty || !follows(block.header) { damageCount += 1 }
                isFaulty = false
                end = JournalEnd(
                    nextSequence: block.header.lastSequence + 1, hash: block.successorHash ?? block.header.hash, segment: nil)
                endOffset = block.endOffset
            case .end: return
            case .incomplete, .damaged:
                guard let next = try cursor.nextGoodOffset() else { return }
                isFaulty = true
                cursor.offset = next
            }
        }
    }

    private func follows(_ block: BlockHeader) -> Bool {
        end.map { block.firstSequence == $0.nextSequence && block.previousHash == $0.hash } ?? true
    }
}
