/// Whole blocks of the journal that go to PostgreSQL in one transaction; their rows are in the encoder.
struct ShipBatch {
    /// The header of the last block.
    private(set) var last: BlockHeader?
    /// Decisions in them.
    private(set) var rowCount = 0
    /// Bytes they take in the journal.
    private(set) var byteCount = 0

    var isEmpty: Bool { last == nil }

    /// The number after the last one.
    var nextSequence: UInt64 { (last?.lastSequence ?? 0) + 1 }

    func hasRoom(for block: JournalBlock, _ encoder: borrowing CopyEncoder) -> Bool {
        if isEmpty { return true }
        return rowCount + block.recordCount <= AuditLimits.copyRecordCountMax
            && encoder.partitions.count <= AuditLimits.partitionsOfBlockMax
    }

    mutating func append(_ block: JournalBlock, _ encoder: inout CopyEncoder) {
        last = block.header
        byteCount += BlockHeader.byteCount + block.header.storedByteCount
        guard block.header.kind == .records else { return }
        rowCount += block.recordCount
        encoder.append(block)
    }
}
