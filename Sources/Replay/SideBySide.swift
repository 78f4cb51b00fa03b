import Decision
import ModelBundle
import Wire

/// One decision as it was recorded beside the same decision made anew.
public struct SideBySide: Sendable {
    public struct Line: Sendable {
        public let name: String
        public let recorded: String
        public let recomputed: String
        public let isEqual: Bool

        init(_ name: String, _ recorded: String, _ recomputed: String, isEqual: Bool) {
            (self.name, self.recorded, self.recomputed, self.isEqual) = (name, recorded, recomputed, isEqual)
        }
    }

    public let record: AuditRecord
    public let lines: [Line]

    public var differing: [Line] { lines.filter { !$0.isEqual } }

    /// `batch` has the record's features in row `row`, scored.
    init(
        _ record: AuditRecord, _ batch: BatchMemory, row: Int, derived: UnsafeRawPointer?, problem: String?,
        _ reasoning: Reasoning
    ) {
        self.record = record
        let bundle = batch.bundle
        let features = batch.features(batch.rowCountMax).row(row, featureCount: bundle.featureCount)
        let outputs = unsafe UnsafeBufferPointer(
            start: batch.outputs + row * bundle.outputCount, count: bundle.outputCount)
        let decided = unsafe DecisionEngine.judge(outputs.baseAddress!, policy: bundle.policy)
        var lines: [Line] = []
        if let problem { lines.append(Line("transaction", "recorded", problem, isEqual: false)) }
        let anew = unsafe derived.map { unsafe Self.values($0, bundle) }
        for index in 0..<bundle.featureCount {
            let value = features.value(index)
            let other = anew?[index] ?? value
            lines.append(
                Line(
                    "feature \(bundle.schema.features[index].name)", bits(value), bits(other),
                    isEqual: value.bitPattern == other.bitPattern))
        }
        let recordedOutputs = Self.doubles(record.scores)
        for index in 0..<max(outputs.count, recordedOutputs.count) {
            let own = recordedOutputs.indices.contains(index) ? recordedOutputs[index] : nil
            let other = unsafe outputs.indices.contains(index) ? outputs[index] : nil
            lines.append(
                Line(
                    "output \(index)", own.map(bits) ?? "none", other.map(bits) ?? "none",
                    isEqual: own?.bitPattern == other?.bitPattern))
        }
        lines.append(
            Line("score", bits(record.score), bits(decided.score), isEqual: record.score.bitPattern == decided.score.bitPattern))
        lines.append(Self.line("outcome", record.outcome.name, "\(decided.outcome)"))
        lines.append(Self.line("stage", record.stage.name, decided.stage.name))
        lines += unsafe Self.reasonLines(record, decided, features, outputs, reasoning)
        self.lines = lines
    }

    /// A record that the bundle can't score.
    init(_ record: AuditRecord, unscorableBy bundle: Bundle) {
        self.record = record
        let recorded =
            record.features64.isEmpty ? "\(record.features32.count / 4) x float32" : "\(record.features64.count / 8) x float64"
        lines = [Line("features", recorded, "\(bundle.featureCount) x \(bundle.precision)", isEqual: false)]
    }

    private static func reasonLines(
        _ record: AuditRecord, _ decided: ScoredDecision, _ features: FeatureRows, _ outputs: UnsafeBufferPointer<Double>,
        _ reasoning: Reasoning
    ) -> [Line] {
        let policy = decided.reason.map { [ReasonMessage($0)] } ?? []
        let recordedPolicy = record.reasons.filter { $0.feature.isEmpty }
        let contributions = record.reasons.filter { !$0.feature.isEmpty }
        let isClose = unsafe reasoning.compare(contributions, features, outputs: outputs) != .different
        let anew = unsafe reasoning.reasons(contributions.count, features, outputs: outputs)
        return pairs(recordedPolicy, policy) { $0.isSame(as: $1) }
            + pairs(contributions, anew) { isClose || $0.isSame(as: $1) }
    }

    private static func pairs(
        _ recorded: [ReasonMessage], _ anew: [ReasonMessage], _ isEqual: (ReasonMessage, ReasonMessage) -> Bool
    ) -> [Line] {
        (0..<max(recorded.count, anew.count)).map { index in
            guard recorded.indices.contains(index), anew.indices.contains(index) else {
                return Line(
                    "reason", recorded.indices.contains(index) ? recorded[index].line : "none",
                    anew.indices.contains(index) ? anew[index].line : "none", isEqual: false)
            }
            return Line("reason", recorded[index].line, anew[index].line, isEqual: isEqual(recorded[index], anew[index]))
        }
    }

    private static func line(_ name: String, _ recorded: String, _ recomputed: String) -> Line {
        Line(name, recorded, recomputed, isEqual: recorded == recomputed)
    }

    private static func values(_ row: UnsafeRawPointer, _ bundle: Bundle) -> [Double] {
        (0..<bundle.featureCount).map { index in
            // Safety: the row has the bundle's features in its precision.
            bundle.precision == .float32
                ? unsafe Double(row.load(fromByteOffset: 4 * index, as: Float.self))
                : unsafe row.load(fromByteOffset: 8 * index, as: Double.self)
        }
    }

    private static func doubles(_ bytes: [UInt8]) -> [Double] {
        stride(from: 0, through: bytes.count - 8, by: 8).map { offset in
            Double(bitPattern: (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64($1 * 8) })
        }
    }
}

/// A number and its bits.
private func bits(_ value: Double) -> String {
    let digits = String(value.bitPattern, radix: 16)
    return "\(value) (0x\(String(repeating: "0", count: 16 - digits.count))\(digits))"
}

extension ReasonMessage {
    init(_ reason: ReasonFields) {
        self.init(code: "\(reason.code)", value: reason.value, threshold: reason.threshold)
    }

    fileprivate var line: String {
        feature.isEmpty
            ? "\(code) \(bits(value)) >= \(threshold)" : "\(code) \(feature) = \(value), contribution \(bits(contribution))"
    }
}
