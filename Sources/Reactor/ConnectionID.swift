/// Names one connection for as long as it lives and nothing afterwards: a stale id is recognised and does no harm.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    /// Index of the loop it lives on.
    public let loop: UInt16
    /// Place in that loop's table, below `connectionCountMax`; used again after the connection's end.
    public let slot: UInt32
    /// Tells the connections of one slot apart.
    public let generation: UInt32

    public init(loop: UInt16, slot: UInt32, generation: UInt32) {
        self.loop = loop
        self.slot = slot
        self.generation = generation
    }

    public var description: String { "\(loop)/\(slot).\(generation)" }
}

/// Where the other end of a connection is.
public enum PeerAddress: UInt8, Sendable {
    case unix, loopback, network
}
