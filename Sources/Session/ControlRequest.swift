import Wire

/// A request that needs files or waits for others, so that it must not be answered on the loop.
public struct ControlRequest: Sendable {
    public let id: UInt64
    public let body: RequestBody
    /// Who asks, for the history of the registry: the name given in Hello.
    public let caller: String
    /// The reply may be compressed.
    public let acceptsLZ4: Bool
    /// Unix microseconds; 0: none.
    public let deadlineMicroseconds: Int64
}

/// What a session needs from the server around it. Called on the loop's thread: the reads must be quick.
public protocol SessionServices: Sendable {
    var serverVersion: String { get }
    /// 16 bytes.
    var serverID: [UInt8] { get }

    func health() -> HealthMessage
    func stats() -> StatsMessage
    func models() -> [ModelVersionMessage]
}
