import Wire

/// Whole blocks of the journal that go to PostgreSQL in one transaction.
struct ShipBatch {
    private(set) var blocks: [JournalBlock] = []
    /// Decisions in them.
    private(set) var rowCount = 0
    /// Bytes they take in the journal.
    private(set) var byteCount = 0

    var isEmpty: Bool { blocks.isEmpty }

    /// The number after the last one.
    var nextSequence: UInt64 { (blocks.last?.header.lastSequence ?? 0) + 1 }

    func hasRoom(for block: JournalBlock) -> Bool {
        isEmpty || rowCount + block.recordCount <= AuditLimits.copyRecordCountMax
    }

    mutating func append(_ block: JournalBlock) {
        blocks.append(block)
        byteCount += BlockHeader.byteCount + block.header.storedByteCount
        if block.header.kind == .records { rowCount += block.recordCount }
    }

    /// The rows of the block at `index` in COPY's format.
    func rows(_ index: Int, _ encoder: inout CopyEncoder, _ arena: MessageArena) -> [UInt8] {
        let block = blocks[index]
        guard block.header.kind == .records else { return [] }
        for index in 0..<block.recordCount {
            unsafe block.withRecord(index) { bytes in
                // A record that can't be decoded has a row all the same, told by the time of its block.
                var undecodable = AuditRecord()
                undecodable.timeNanoseconds = block.header.timeNanoseconds
                let record = unsafe AuditRecord.decode(bytes, arena: arena) ?? undecodable
                unsafe encoder.append(sequence: block.sequence(index), record, raw: bytes)
                arena.reset()
            }
        }
        return encoder.take()
    }
}
