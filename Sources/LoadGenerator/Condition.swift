/// A bound on one figure of a run, such as `p99<1ms` or `errors<=0.1%`.
public struct Condition: Sendable, Equatable, CustomStringConvertible {
    enum Metric: Sendable, Equatable {
        case percentile(Double)
        case mean
        case maximum
        /// A number of requests, or a share of all.
        case errors(isShare: Bool)
        /// Arrivals that could not be sent.
        case unsent(isShare: Bool)
        case decisionsPerSecond
    }

    let metric: Metric
    let comparison: String
    /// In nanoseconds, as a number or a share, as the metric wants.
    let limit: Double
    public let description: String

    /// `METRIC OPERATOR NUMBER UNIT`; throws a usage error that says what is wrong.
    public init(_ text: String) throws(LoadError) {
        let compact = text.filter { $0 != " " }
        guard let start = compact.firstIndex(where: { $0 == "<" || $0 == ">" }) else {
            throw .usage("\(text): a condition compares with <, <=, > or >=, as in p99<1ms")
        }
        var rest = compact[start...]
        let comparison = rest.hasPrefix("<=") || rest.hasPrefix(">=") ? String(rest.prefix(2)) : String(rest.prefix(1))
        rest = rest.dropFirst(comparison.count)
        let unit = rest.drop { $0.isNumber || $0 == "." }
        guard let number = Double(rest.prefix(rest.count - unit.count)), number.isFinite else {
            throw .usage("\(text): there is no number behind \(comparison)")
        }
        let name = String(compact[..<start])
        guard let metric = Self.metric(name, isShare: unit == "%") else {
            throw .usage("\(text): \(name) is none of pNN, mean, max, errors, unsent, tx/s")
        }
        guard let scale = Self.scale(metric, unit: String(unit)) else {
            throw .usage("\(text): \(metric.isTime ? "a time ends in ns, us, ms or s" : "the unit \(unit) does not fit \(name)")")
        }
        self.metric = metric
        self.comparison = comparison
        limit = number * scale
        description = compact
    }

    private static func metric(_ name: String, isShare: Bool) -> Metric? {
        switch name {
        case "mean": return .mean
        case "max": return .maximum
        case "errors": return .errors(isShare: isShare)
        case "unsent": return .unsent(isShare: isShare)
        case "tx/s": return .decisionsPerSecond
        default:
            guard name.hasPrefix("p"), let percent = Double(name.dropFirst()), percent > 0, percent <= 100 else { return nil }
            return .percentile(percent)
        }
    }

    /// What a number in `unit` is to be multiplied with; nil when the unit does not fit.
    private static func scale(_ metric: Metric, unit: String) -> Double? {
        switch (metric.isTime, unit) {
        case (true, "ns"): 1
        case (true, "us"), (true, "µs"): 1e3
        case (true, "ms"): 1e6
        case (true, "s"): 1e9
        case (false, ""): 1
        case (false, "%"): metric == .decisionsPerSecond ? nil : 0.01
        default: nil
        }
    }

    /// Whether it says something of errors: then these alone do not fail a run.
    public var isAboutErrors: Bool { if case .errors = metric { true } else { false } }

    /// Whether the figures of a run fulfil it. Without any reply a latency is without bound.
    func holds(_ report: LoadReport) -> Bool {
        let value = value(report)
        switch comparison {
        case "<": return value < limit
        case "<=": return value <= limit
        case ">": return value > limit
        default: return value >= limit
        }
    }

    func value(_ report: LoadReport) -> Double {
        if metric.isTime, report.latencies.totalCount == 0 { return .infinity }
        switch metric {
        case .percentile(let percent): return Double(report.latencies.valueAtPercentile(percent))
        case .mean: return report.latencies.mean
        case .maximum: return Double(report.latencies.max)
        case .errors(let isShare): return Self.count(report.errorCount, of: report.repliesTotal + report.errorCount, isShare)
        case .unsent(let isShare): return Self.count(report.arrivalsUnsent, of: report.arrivalsDue, isShare)
        case .decisionsPerSecond: return report.decisionsPerSecond
        }
    }

    /// The figure as people read it, in the unit of the metric.
    func actual(_ report: LoadReport) -> String {
        let value = value(report)
        guard value.isFinite else { return "no reply" }
        switch metric {
        case .percentile, .mean, .maximum: return Format.duration(UInt64(value))
        case .errors(isShare: true), .unsent(isShare: true): return Format.fixed(value * 100, 3) + " %"
        case .errors, .unsent, .decisionsPerSecond: return Format.count(UInt64(value.rounded()))
        }
    }

    private static func count(_ count: UInt64, of total: UInt64, _ isShare: Bool) -> Double {
        isShare ? (total > 0 ? Double(count) / Double(total) : 0) : Double(count)
    }
}

extension Condition.Metric {
    var isTime: Bool {
        switch self {
        case .percentile, .mean, .maximum: true
        case .errors, .unsent, .decisionsPerSecond: false
        }
    }
}
