/// What travels at most. A peer that goes beyond gets a typed error, never memory.
public enum WireLimits {
    /// Largest payload of one frame, default: 1,000 rows of 1,000 float32 features, or a bundle piece, with room to spare.
    public static let frameByteCountMax = 4 << 20
    /// The smallest limit that a server may be configured with: one row of 4,096 float64 features and its envelope.
    public static let frameByteCountMin = 64 << 10

    /// Memory that one decoded message may take. protobuf-c makes a struct of up to 200 bytes from a submessage of 2 bytes, so a frame
    /// within its limit could otherwise ask for a hundred times its size.
    public static let arenaByteCountMax = 64 << 20

    /// Names of bundles and aliases.
    public static let nameByteCountMax = 64
    /// The caller's id of a transaction.
    public static let transactionIDByteCountMax = 128
    /// The caller's name.
    public static let callerByteCountMax = 64
    /// Rows of one ScoreBatch.
    public static let batchRowCountMax = 10_000
    /// Replies smaller than this are never compressed: they fit a packet or two anyway.
    public static let compressByteCountMin = 4096
}
