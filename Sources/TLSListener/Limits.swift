import NIOCore

/// The maxima of the TLS loop that nobody configures, each with its reason.
enum Limits {
    /// The beat of timeouts; they fire up to one beat late.
    static let tickNanoseconds: UInt64 = 100_000_000
    /// Connections accepted in a turn: a storm of connects must not starve the connected.
    static let acceptCountPerTurnMax: UInt = 32
    static let backlog: Int32 = 4_096
    /// Answers of other threads that wait for the loop, in bytes; as for the loops of `Reactor`.
    static let postedByteCountMax = 256 << 20
    /// How long a connection that we have finished waits for the peer's own end (close_notify), as for plain ones.
    static let lingerTime = TimeAmount.seconds(1)
    /// A larger buffer of replies is given back after it is sent.
    static let keptByteCountMax = 1 << 20
    /// The least that a loop's table of connections is made for.
    static let slotCountMin = 64
    /// A certificate chain, a key or a bundle of authorities: the largest public ones have some 250 KiB.
    static let fileByteCountMax = 8 << 20
}
