/// How a client behaves.
public struct ClientConfiguration: Sendable {
    /// Told to the server; names the caller in the audit trail where a request does not.
    public var clientName = "assay-swift"
    public var clientVersion = ""
    /// Time limit of a call that names none; it also travels to the server as the request's deadline.
    public var timeout = Duration.seconds(5)
    public var connectTimeout = Duration.seconds(5)
    /// Large replies may come compressed.
    public var acceptsLZ4 = true
    /// Connections of a pool, 1-1,024; they are opened when they are needed.
    public var connectionCount = 1

    public init() {}
}
