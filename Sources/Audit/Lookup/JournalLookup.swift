import Platform

/// Finds decisions in a journal's directory, also in one that a server is writing. Uses the indexes that are there and good, reads the other
/// segments as a whole, and writes nothing.
public struct JournalLookup: Sendable {
    private let lookup: DecisionLookup

    public init(directory: String) throws(AuditError) {
        try self.init(storage: DiskStorage(directory: directory), path: directory)
    }

    init(storage: any JournalStorage, path: String) throws(AuditError) {
        guard let identity = try JournalDirectory.identity(storage, path: path) else { throw .noJournal(path: path) }
        do throws(SystemError) {
            let segments = try JournalDirectory.segments(storage)
            lookup = DecisionLookup(
                storage: storage, path: path,
                catalogue: SegmentCatalogue(storage: storage, identity: identity, segments: segments, filterByteCountMax: 0),
                live: nil)
        } catch {
            throw .system(error)
        }
    }

    /// The record with one number, or the void that covers it; nil: the journal doesn't have it.
    public func record(sequence: UInt64) throws(AuditError) -> JournalRecord? { try lookup.record(sequence) }

    /// Up to `limit` (1 or more) decisions made under a transaction id, the newest first.
    public func records(transactionID: String, limit: Int) throws(AuditError) -> [JournalRecord] {
        try lookup.records(transactionID: transactionID, limit: limit)
    }

    /// The same, and how much of the journal could not be read on the way.
    ///
    /// - Parameter checksHash: whether the SHA-256 of blocks that are read is computed anew; checksums always are.
    public func search(
        transactionID: [UInt8], limit: Int, checksHash: Bool
    ) throws(AuditError) -> TransactionRecords {
        try lookup.search(transactionID, limit: limit, checksHash: checksHash)
    }
}
