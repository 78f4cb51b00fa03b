import Wire

/// What one connection may ask for; the server tells it in Hello.
public struct SessionLimits: Sendable {
    /// Largest payload of a request's frame.
    public var frameByteCountMax = WireLimits.frameByteCountMax
    /// Requests of one connection that wait for their reply. Only those that leave the loop (administration, audit look-ups, bundle
    /// pieces) or wait for the disk ever do: other scores are answered in the turn that reads them, where the send buffer's limit holds a peer back.
    public var inFlightMax = 256
    /// Bytes of replies that wait for the disk, on all connections of a loop. A worker at full speed (some 500,000 replies of 150 bytes a second)
    /// fills it in half a second, which a healthy disk never takes for a sync.
    public var heldByteCountMax = 32 << 20
    public var batchRowCountMax = WireLimits.batchRowCountMax
    /// Scores that have waited longer to be read are refused; 0: none is. What a healthy server never comes near, and callers still wait for.
    public var queueNanosecondsMax: UInt64 = 1_000_000_000

    public init() {}
}
