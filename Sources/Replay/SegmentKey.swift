import ModelBundle
import Platform
import Wire

/// By what a backtest groups decisions.
public enum SegmentKey: Sendable {
    case caller
    case alias
    case version
    case day
    case hour
    case feature(FeatureBins)

    /// - Parameter name: `caller`, `alias`, `version`, `day`, `hour`, or a feature of the challenger.
    public init(_ name: String, challenger: Bundle) throws(ReplayError) {
        switch name {
        case "caller": self = .caller
        case "alias": self = .alias
        case "version": self = .version
        case "day": self = .day
        case "hour": self = .hour
        default:
            guard let index = challenger.schema.features.firstIndex(where: { $0.name == name }) else {
                throw .segmentUnknown(name)
            }
            self = .feature(FeatureBins(index, challenger))
        }
    }

    /// The group's name, and its place among the others.
    func group(_ record: borrowing AuditRecordView, _ row: UnsafeRawPointer, isNarrow: Bool) -> (name: String, order: Int) {
        switch self {
        case .caller: (unsafe Self.text(record.caller), 0)
        case .alias: (unsafe Self.text(record.alias), 0)
        case .version: ("\(record.version)", Int(record.version))
        case .day:
            (
                String(UTCTimestamp.text(unixNanoseconds: record.timeNanoseconds, digitCount: 0).prefix(10)),
                Int(record.timeNanoseconds / 86_400_000_000_000)
            )
        case .hour: Self.hour(record.timeNanoseconds)
        case .feature(let bins):
            // Safety: the row has the challenger's features in its precision, and the bins' feature is one of them.
            bins.group(
                isNarrow
                    ? unsafe Double(row.load(fromByteOffset: 4 * bins.feature, as: Float.self))
                    : unsafe row.load(fromByteOffset: 8 * bins.feature, as: Double.self))
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        unsafe bytes.isEmpty ? "(none)" : String(decoding: bytes, as: UTF8.self)
    }

    private static func hour(_ nanoseconds: Int64) -> (String, Int) {
        let hour = Int(nanoseconds / 3_600_000_000_000 % 24)
        return ("\(hour < 10 ? "0" : "")\(hour):00", hour)
    }
}

/// Intervals of a feature's values: fifths of the challenger's golden rows, or single values where these have few.
public struct FeatureBins: Sendable {
    let feature: Int
    /// Ascending; empty: each value is a group of its own.
    private let edges: [Double]
    /// One more than edges.
    private let names: [String]

    private static let distinctCountMax = 12

    init(_ feature: Int, _ challenger: Bundle) {
        self.feature = feature
        let width = challenger.featureCount
        let golden = challenger.goldenFeatures
        let values = stride(from: feature, to: golden.count, by: width).map { golden[$0] }.filter { !$0.isNaN }.sorted()
        guard Set(values).count > Self.distinctCountMax else {
            (edges, names) = ([], [])
            return
        }
        var edges: [Double] = []
        for fifth in 1..<5 {
            let edge = values[values.count * fifth / 5]
            if edges.last.map({ edge > $0 }) ?? true { edges.append(edge) }
        }
        self.edges = edges
        names = (0...edges.count).map { index in
            let low = index > 0 ? shortNumber(edges[index - 1]) : nil
            let high = index < edges.count ? shortNumber(edges[index]) : nil
            if let low, let high { return "\(low) to \(high)" }
            return low.map { "from \($0)" } ?? high.map { "below \($0)" } ?? "all"
        }
    }

    func group(_ value: Double) -> (name: String, order: Int) {
        if value.isNaN { return ("missing", .max) }
        guard !edges.isEmpty else {
            return (shortNumber(value), value.magnitude < 1e15 ? Int(value * 1000) : 0)
        }
        let index = edges.firstIndex { value < $0 } ?? edges.count
        return (names[index], index)
    }
}

/// Four significant digits at most, without an exponent where that is short.
public func shortNumber(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    var scale = 1.0
    while value.magnitude * scale < 1000, scale < 1e12 { scale *= 10 }
    let rounded = value.magnitude >= 1000 ? value.rounded() : (value * scale).rounded() / scale
    let text = "\(rounded)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
