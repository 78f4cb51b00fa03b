import Platform

/// What a run does.
public struct LoadConfiguration: Sendable, Equatable {
    public enum Durability: String, Sendable {
        case memory, disk
    }

    public var server: ServerAddress
    public var bundle: String
    /// Empty: the server's default (`champion`).
    public var alias = ""
    /// 0: by alias.
    public var version: UInt32 = 0

    /// Rows from an .npy or .csv file; nil: the bundle's golden rows, or random ones where it has none.
    public var rowsPath: String?
    /// Typed transactions, one JSON object a line; nil: rows.
    public var transactionsPath: String?

    public var connectionCount = 1
    /// Requests in flight on each connection. In an open loop the most that may wait there.
    public var depth = 1
    /// Requests a second of the whole run; nil: closed loop.
    public var ratePerSecond: Double?
    /// How long to send, without the warm-up; nil: until `requestCount`.
    public var durationSeconds: Double? = 10
    /// Sent before it, checked but not measured.
    public var warmupSeconds = 0.0
    /// Most requests to send; nil: as many as the time allows.
    public var requestCount: UInt64?
    /// Rows of one request; above 1 it is a ScoreBatch.
    public var rowsPerRequest = 1
    /// Milliseconds that the server has for each request; nil: no deadline.
    public var deadlineMilliseconds: Double?

    /// What the reply to each request waits for; nil: as the server is set.
    public var durability: Durability?

    public var verifies = false
    /// Where verification finds bundles before it asks the server for them: a registry directory.
    public var registryPath: String?

    public var threadCount = 1
    public var seed: UInt64 = 1
    /// A request without a reply for this long has failed, and its connection with it.
    public var timeoutSeconds = 10.0
    public var connectTimeoutSeconds = 5.0

    public var acknowledgementsPath: String?
    /// Lost connections, and the requests in flight on them, are no errors.
    public var toleratesDisconnect = false
    /// Lost connections are opened again.
    public var reconnects = false

    public init(server: ServerAddress, bundle: String) {
        self.server = server
        self.bundle = bundle
    }

    public var isOpenLoop: Bool { ratePerSecond != nil }

    /// Checks ranges and combinations.
    public func validate() throws(LoadError) {
        try Self.check("connections", connectionCount, 1...LoadLimits.connectionCountMax)
        try Self.check("depth", depth, 1...LoadLimits.depthMax)
        try Self.check("threads", threadCount, 1...LoadLimits.threadCountMax)
        try Self.check("batch", rowsPerRequest, 1...LoadLimits.batchRowCountMax)
        try Self.check("warmup", warmupSeconds, 0...LoadLimits.durationSecondsMax)
        try Self.check("timeout", timeoutSeconds, 0.001...3_600)
        if let ratePerSecond { try Self.check("rate", ratePerSecond, 0.001...LoadLimits.rateMax) }
        if let durationSeconds { try Self.check("duration", durationSeconds, 0.001...LoadLimits.durationSecondsMax) }
        if let deadlineMilliseconds { try Self.check("deadline", deadlineMilliseconds, 0.001...3_600_000) }
        if let requestCount, requestCount == 0 { throw .usage("--requests must be at least 1") }
        guard durationSeconds != nil || requestCount != nil else { throw .usage("a run needs --duration or --requests") }
        guard !bundle.isEmpty else { throw .usage("--bundle names the bundle to score with") }
        guard rowsPath == nil || transactionsPath == nil else { throw .usage("--rows and --transactions exclude each other") }
        guard transactionsPath == nil || rowsPerRequest == 1 else {
            throw .usage("--transactions are sent one by one: a batch holds feature rows only")
        }
        guard threadCount <= connectionCount else { throw .usage("more --threads than --connections") }
    }

    private static func check<Value: Comparable>(_ option: String, _ value: Value, _ range: ClosedRange<Value>) throws(LoadError)
    {
        guard range.contains(value) else {
            throw .usage("--\(option) \(value) is outside \(range.lowerBound) ... \(range.upperBound)")
        }
    }
}
