import Decision
import Forest
import ModelBundle
import Wire

/// Reasons computed anew, as the server computes them.
///
/// Safety: the memory is owned by this object, as long as the bundle's contributions, and freed by deinit.
@safe
final class Reasoning {
    private let bundle: Bundle
    private let width: Int
    private let contributions: UnsafeMutableBufferPointer<Double>
    private var scratch: ExplainerScratch

    init(_ bundle: Bundle) {
        self.bundle = bundle
        width = bundle.featureCount + 1
        unsafe contributions = .allocate(capacity: bundle.rawCount * width)
        scratch = ExplainerScratch(byteCount: bundle.explainerScratchByteCount)
    }

    deinit { unsafe contributions.deallocate() }

    /// How recorded contributions compare with those computed anew.
    enum Comparison {
        case equal
        /// Within `ReplayLimits.contributionTolerance`: another processor's kernel computed them.
        case close
        case different
    }

    /// What each feature adds to the deciding raw score of one row, `[featureCount]`.
    private func shares(_ row: FeatureRows, outputs: UnsafeBufferPointer<Double>) -> UnsafeBufferPointer<Double> {
        // Safety: the buffer has the width of one row.
        unsafe row.contributions(of: bundle, rowCount: 1, into: contributions.baseAddress!, scratch: &scratch)
        let deciding = unsafe bundle.decidingRaw(outputs: outputs)
        return unsafe UnsafeBufferPointer(rebasing: contributions[deciding * width..<(deciding + 1) * width - 1])
    }

    /// The strongest `count` contributions.
    func reasons(_ count: Int, _ row: FeatureRows, outputs: UnsafeBufferPointer<Double>) -> [ReasonMessage] {
        guard count > 0, bundle.explains else { return [] }
        return unsafe strongest(count, shares(row, outputs: outputs)).map { feature in
            let description = bundle.schema.features[feature]
            return unsafe ReasonMessage(
                code: "FEATURE", feature: description.name, value: row.value(feature),
                contribution: contributions[deciding(outputs) * width + feature], text: description.reason)
        }
    }

    private func deciding(_ outputs: UnsafeBufferPointer<Double>) -> Int { unsafe bundle.decidingRaw(outputs: outputs) }

    private func strongest(_ count: Int, _ shares: UnsafeBufferPointer<Double>) -> [Int] {
        var chosen = [UInt32](repeating: 0, count: count)
        var span = chosen.mutableSpan
        let found = unsafe Explainer.topReasons(shares.span, into: &span)
        return chosen[..<found].map { Int($0) }
    }

    /// Compares recorded contributions, strongest first, with those of the row.
    func compare(_ recorded: [ReasonMessage], _ row: FeatureRows, outputs: UnsafeBufferPointer<Double>) -> Comparison {
        let expected = unsafe reasons(recorded.count, row, outputs: outputs)
        if zip(recorded, expected).allSatisfy({ $0.isSame(as: $1) }), recorded.count == expected.count { return .equal }
        guard bundle.explains, recorded.count == expected.count else { return .different }
        let largest = expected.reduce(0) { max($0, $1.contribution.magnitude) }
        let tolerance = ReplayLimits.contributionTolerance * largest
        for (own, other) in zip(recorded, expected) {
            // Two features whose contributions are next to equal may have changed places, but each must have its own value.
            guard let feature = bundle.schema.features.firstIndex(where: { $0.name == own.feature }) else { return .different }
            let share = unsafe contributions[deciding(outputs) * width + feature]
            guard own.code == "FEATURE", own.text == bundle.schema.features[feature].reason,
                own.value.isSame(as: row.value(feature)),
                (own.contribution - share).magnitude <= tolerance,
                (own.contribution.magnitude - other.contribution.magnitude).magnitude <= tolerance
            else { return .different }
        }
        return .close
    }
}

extension ReasonMessage {
    /// Bit for bit.
    func isSame(as other: ReasonMessage) -> Bool {
        code == other.code && feature == other.feature && text == other.text && value.isSame(as: other.value)
            && threshold.isSame(as: other.threshold) && contribution.isSame(as: other.contribution)
    }
}

extension Double {
    /// Bit for bit, but for the sign of zero, which a field of a message does not keep.
    fileprivate func isSame(as other: Double) -> Bool { bitPattern == other.bitPattern || (self == 0 && other == 0) }
}
