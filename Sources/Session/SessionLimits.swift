import Wire

/// What one connection may ask for; the server tells it in Hello.
public struct SessionLimits: Sendable {
    /// Largest payload of a request's frame.
    public var frameByteCountMax = WireLimits.frameByteCountMax
    /// Requests of one connection that wait for their reply. Only those that leave the loop (administration, audit look-ups, bundle
    /// pieces) ever wait: scores are answered in the turn that reads them, where the send buffer's limit holds a peer back.
    public var inFlightMax = 256
    public var batchRowCountMax = WireLimits.batchRowCountMax

    public init() {}
}
