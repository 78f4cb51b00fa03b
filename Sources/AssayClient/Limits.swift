import Wire

/// Every bound of the client, with its reason.
enum ClientLimits {
    /// Largest reply that is read: what a server may be configured to send, and its envelope. Replies grow with batches.
    static let replyByteCountMax = 64 << 20
    /// Requests in flight on a connection to a server that does not say how many it allows.
    static let inFlightDefault = 256
    /// Calls that wait for their turn on one connection; more are refused at once, as the server would refuse them.
    static let waitingMax = 10_000
    /// Connections of one pool.
    static let connectionCountMax = 1_024
    /// Bytes asked for in one FetchBundle request; a server with a small frame limit (at least 64 KiB) gives less.
    static let fetchByteCount: UInt32 = 512 << 10
    /// Largest bundle that is fetched.
    static let bundleByteCountMax = 2 << 30
    /// The longest time limit of a call: a day. Longer ones are cut.
    static let timeoutSecondsMax: Int64 = 86_400
}
