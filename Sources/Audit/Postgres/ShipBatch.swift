/// Whole blocks of the journal that go to PostgreSQL in one transaction.
struct ShipBatch {
    /// Days that its rows may go to: those of its first block, whose tables are there.
    let partitions: Set<DecisionPartition>
    /// The header of the last block.
    private(set) var last: BlockHeader
    /// Decisions in them.
    private(set) var rowCount = 0
    /// Bytes they take in the journal.
    private(set) var byteCount = 0

    init(_ first: JournalBlock, partitions: Set<DecisionPartition>) {
        self.partitions = partitions
        last = first.header
        append(first)
    }

    /// The number after the last one.
    var nextSequence: UInt64 { last.lastSequence + 1 }

    func hasRoom(for block: JournalBlock) -> Bool { rowCount + block.recordCount <= AuditLimits.copyRecordCountMax }

    mutating func append(_ block: JournalBlock) {
        last = block.header
        byteCount += BlockHeader.byteCount + block.header.storedByteCount
        if block.header.kind == .records { rowCount += block.recordCount }
    }
}
