/// Where the console's answers come from: the server fills in three closures, and the console knows nothing else of it.
///
/// They are called on the console's threads, a few times a second at most, concurrently with scoring; each returns a copy
/// of what holds at that moment and must not wait for the hot path.
public struct ConsoleSource: Sendable {
    /// May this server get traffic, and if not, why.
    public var readiness: @Sendable () -> ReadinessReport
    /// Every figure of the server, taken now.
    public var metrics: @Sendable () -> MetricsSnapshot
    /// Every version in the registry, admitted and refused.
    public var models: @Sendable () -> [ModelReport]

    public init(
        readiness: @escaping @Sendable () -> ReadinessReport,
        metrics: @escaping @Sendable () -> MetricsSnapshot,
        models: @escaping @Sendable () -> [ModelReport]
    ) {
        self.readiness = readiness
        self.metrics = metrics
        self.models = models
    }
}
