/// What the console allows itself and its callers: it is a side door, and never may it take memory or time from scoring.
public enum ConsoleLimits {
    /// Scrapers, probes and a few people with curl; a Prometheus pair plus a load balancer holds about ten open.
    public static let connectionCountMax = 64

    /// Header fields of one request together, in bytes: cookies of a proxy fit, an attack does not.
    public static let headerByteCountMax = 16 * 1024

    /// Header fields of one request.
    public static let headerCountMax = 64

    /// A connection that says nothing for so long is closed. Longer than the usual scrape interval (15 s), so that scrapers keep theirs.
    public static let idleSeconds: Int64 = 60

    /// How long `stop` waits for replies under way. They take milliseconds; a reader that has stalled for so long is cut.
    public static let stopSeconds: Int64 = 2

    /// Connections waiting to be accepted.
    public static let backlogCount = 64
}
