/// Writes metrics in the Prometheus text exposition format 0.0.4: each family once with its HELP and TYPE, families and
/// series sorted, label values escaped, so that equal figures give equal bytes.
public struct PrometheusText: Sendable {
    /// The content type of what `text` returns.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// One label: name `[a-zA-Z_][a-zA-Z0-9_]*`, value any text.
    public typealias Label = (name: String, value: String)

    enum Kind: String {
        case counter, gauge, histogram
    }

    struct Family {
        let kind: Kind
        let help: String
        /// Rendered labels -> value; a histogram's value has its own shape.
        var values: [String: Double] = [:]
        var histograms: [String: Histogram] = [:]
    }

    /// Observations counted by their upper bounds.
    public struct Histogram: Sendable, Equatable {
        /// Ascending, in the metric's unit; +Inf is implied.
        public var upperBounds: [Double]
        /// How many observations fell into each bucket (not cumulative): one more than bounds, the last one above them all.
        public var counts: [UInt64]
        /// Sum of all observations, in the metric's unit.
        public var sum: Double

        /// - Precondition: `counts` has one entry more than `upperBounds`, and the bounds ascend.
        public init(upperBounds: [Double], counts: [UInt64], sum: Double) {
            precondition(counts.count == upperBounds.count + 1, "\(counts.count) counts for \(upperBounds.count) bounds")
            precondition(zip(upperBounds, upperBounds.dropFirst()).allSatisfy(<), "bounds do not ascend: \(upperBounds)")
            self.upperBounds = upperBounds
            self.counts = counts
            self.sum = sum
        }
    }

    private var families: [String: Family] = [:]

    public init() {}

    /// Adds to a counter's series; the name ends in `_total`.
    public mutating func counter(_ name: String, help: String, _ value: Double, labels: [Label] = []) {
        precondition(name.hasSuffix("_total"), "a counter's name ends in _total: \(name)")
        family(name, .counter, help)
        families[name]?.values[Self.rendered(labels), default: 0] += value
    }

    /// Adds to a counter's series.
    public mutating func counter(_ name: String, help: String, _ value: UInt64, labels: [Label] = []) {
        counter(name, help: help, Double(value), labels: labels)
    }

    /// Sets a gauge's series; the last value stands.
    public mutating func gauge(_ name: String, help: String, _ value: Double, labels: [Label] = []) {
        family(name, .gauge, help)
        families[name]?.values[Self.rendered(labels)] = value
    }

    /// Sets a gauge's series.
    public mutating func gauge(_ name: String, help: String, _ value: UInt64, labels: [Label] = []) {
        gauge(name, help: help, Double(value), labels: labels)
    }

    /// Sets a histogram's series; the last one stands.
    public mutating func histogram(_ name: String, help: String, _ value: Histogram, labels: [Label] = []) {
        precondition(!labels.contains { $0.name == "le" }, "the label le belongs to the buckets")
        family(name, .histogram, help)
        families[name]?.histograms[Self.rendered(labels)] = value
    }

    /// Declares a family that may have no series yet: it is written with HELP and TYPE only.
    private mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        precondition(Self.isName(name), "not a metric name: \(name)")
        if let known = families[name] {
            precondition(known.kind == kind && known.help == help, "\(name) is declared twice, differently")
        } else {
            families[name] = Family(kind: kind, help: help)
        }
    }

    /// Everything added so far.
    public var text: String {
        var output = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            output += "# HELP \(name) \(Self.escapedHelp(family.help))\n# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, value) in family.values.sorted(by: { $0.key < $1.key }) {
                Self.appendSample(&output, name, labels, Self.rendered(value))
            }
            for (labels, histogram) in family.histograms.sorted(by: { $0.key < $1.key }) {
                Self.append(&output, name, labels, histogram)
            }
        }
        return output
    }

    private static func append(_ output: inout String, _ name: String, _ labels: String, _ histogram: Histogram) {
        var cumulative: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            cumulative += count
            let bound = index < histogram.upperBounds.count ? histogram.upperBounds[index] : .infinity
            let le = "le=\"\(rendered(bound))\""
            appendSample(&output, name + "_bucket", labels.isEmpty ? le : "\(labels),\(le)", String(cumulative))
        }
        appendSample(&output, name + "_sum", labels, rendered(histogram.sum))
        appendSample(&output, name + "_count", labels, String(cumulative))
    }

    private static func appendSample(_ output: inout String, _ name: String, _ labels: String, _ value: String) {
        output += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }
}

// How names, labels and numbers are spelled.
extension PrometheusText {
    /// Shortest text that reads back as the same number; whole numbers without a fraction.
    static func rendered(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), value.magnitude < 1e15 { return String(whole) }
        return "\(value)"
    }

    static func rendered(_ labels: [Label]) -> String {
        labels.map { label in
            precondition(isName(label.name) && !label.name.contains(":"), "not a label name: \(label.name)")
            return "\(label.name)=\"\(escapedLabel(label.value))\""
        }.joined(separator: ",")
    }

    static func escapedLabel(_ value: String) -> String {
        escaped(value, quote: true)
    }

    static func escapedHelp(_ value: String) -> String {
        escaped(value, quote: false)
    }

    private static func escaped(_ value: String, quote: Bool) -> String {
        var output = ""
        // By scalars: as a Character, "\r\n" is one and would slip through.
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\"" where quote: output += "\\\""
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"): true
            default: false
            }
        }
    }
}
