/// The figures of about one second, for a terminal.
public struct ProgressLine: Sendable {
    public var elapsedSeconds: Double
    public var decisionsPerSecond: Double
    public var p50Nanoseconds: UInt64 = 0
    public var p99Nanoseconds: UInt64 = 0
    public var errorCount: UInt64
    public var versions: [UInt32]

    init(
        _ interval: (latency: LatencyHistogram?, decisions: UInt64, errors: UInt64), versions: [UInt32], seconds: Double,
        elapsedSeconds: Double
    ) {
        self.elapsedSeconds = elapsedSeconds
        decisionsPerSecond = Double(interval.decisions) / seconds
        if let latency = interval.latency, latency.totalCount > 0 {
            p50Nanoseconds = latency.valueAtPercentile(50)
            p99Nanoseconds = latency.valueAtPercentile(99)
        }
        errorCount = interval.errors
        self.versions = versions
    }

    /// One line of at most about 100 columns.
    public var text: String {
        let rate = Format.count(UInt64(decisionsPerSecond.rounded()))
        let seen = versions.suffix(4).map(String.init).joined(separator: " ")
        return "\(Format.fixed(elapsedSeconds, 0)) s  \(rate) tx/s  p50 \(Format.duration(p50Nanoseconds))"
            + "  p99 \(Format.duration(p99Nanoseconds))  errors \(Format.count(errorCount))"
            + "  versions \(versions.count > 4 ? "… " : "")\(seen)"
    }
}
