import Wire

/// Records whose bytes depend on their number alone, so that "bit for bit" can be checked without keeping them.
struct SimulatedRecords {
    /// A record takes no more.
    static let byteCountMax = 5_000
    /// Few enough that each belongs to several decisions.
    private static let transactionCount: UInt64 = 24
    /// Whether decisions are made under a transaction id.
    let haveTransactions: Bool
    private var known: [UInt64: [UInt8]] = [:]

    init(haveTransactions: Bool) { self.haveTransactions = haveTransactions }

    static var transactionIDs: [String] { (0..<transactionCount).map { "transaction-\($0)" } }

    func transactionID(_ sequence: UInt64) -> String {
        haveTransactions ? "transaction-\(sequence % Self.transactionCount)" : ""
    }

    /// Mostly small; some are large, so that a segment of the smallest size is soon full.
    mutating func bytes(_ sequence: UInt64) -> [UInt8] {
        if let bytes = known[sequence] { return bytes }
        var generator = SeededGenerator(seed: sequence)
        var record = AuditRecord()
        record.sequence = sequence
        record.bundle = "cards"
        record.version = 7
        // With retention there are to be segments that go.
        let isLarge = Int.random(in: 0..<(haveTransactions ? 2 : 6), using: &generator) == 0
        // A word at a time: bits of every kind, which do not compress.
        let words = isLarge ? Int.random(in: 100...600, using: &generator) : Int.random(in: 2...20, using: &generator)
        record.features32.reserveCapacity(words * 8)
        for _ in 0..<words {
            withUnsafeBytes(of: generator.next()) { record.features32.append(contentsOf: $0) }
        }
        record.requestID = sequence &* 31
        record.transactionID = transactionID(sequence)
        let bytes = record.encoded()
        precondition(bytes.count <= Self.byteCountMax, "record of \(bytes.count) bytes")
        known[sequence] = bytes
        return bytes
    }
}
