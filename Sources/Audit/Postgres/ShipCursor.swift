import Platform

/// What the shipper believes of the cursor row in PostgreSQL, and how it judges what it finds there.
struct ShipCursor: Equatable {
    /// The next number to be shipped; nil: PostgreSQL hasn't been asked yet.
    private(set) var next: UInt64?
    /// Where the cursor is if the last COMMIT, whose answer never came, was done.
    private(set) var inDoubt: UInt64?

    /// Whether a cursor is another one than this process left.
    func isNews(_ cursor: UInt64) -> Bool { cursor != next && cursor != inDoubt }

    /// Takes over the cursor found after connecting. It may have gone back, when PostgreSQL was restored or a standby took over that
    /// lacked the last commits: rows and cursor went back together. It can't have gone on without another writer.
    mutating func found(_ cursor: UInt64) throws(PostgresProblem) {
        if let next, isNews(cursor), cursor > next { throw .secondWriter(expected: inDoubt ?? next, found: cursor) }
        next = cursor
        inDoubt = nil
    }

    /// A COMMIT that moves the cursor to `end` is about to be sent.
    mutating func committing(_ end: UInt64) { inDoubt = end }

    /// Its answer has come.
    mutating func committed() {
        next = inDoubt ?? next
        inDoubt = nil
    }

    /// Whether a cursor found at the first connection can be one that this journal left: the block before it must be the one whose hash is
    /// kept beside the cursor. `block` is the first block of the journal that holds number cursor - 1 or a later one.
    static func isOfThisHistory(_ cursor: UInt64, chain: SHA256Digest?, block: BlockHeader?) -> Bool {
        // Nothing shipped yet, or an administrator has set the cursor and taken the hash away.
        guard cursor > 1, let chain else { return true }
        guard let block else { return false }
        // The block is gone (unreadable, or retired): there is nothing to compare with.
        if block.firstSequence > cursor - 1 { return true }
        // The disk lost what PostgreSQL has, or it was damaged and repaired; none of these numbers was given again.
        if block.kind != .records, block.hash != chain { return true }
        return block.lastSequence == cursor - 1 && block.hash == chain
    }
}
