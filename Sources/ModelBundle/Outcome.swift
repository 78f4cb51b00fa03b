/// What a decision says about its transaction; the raw values are those of the wire.
public enum Outcome: UInt8, Sendable, CaseIterable {
    case approve = 1
    case review = 2
    case decline = 3
}

/// How a score becomes an outcome.
public struct OutcomePolicy: Sendable, Equatable {
    /// The index of the output that is compared with the thresholds.
    public let decidingOutput: Int
    /// From this score on the outcome is review; only an infinite score reaches +infinity.
    public let reviewThreshold: Double
    /// From this score on the outcome is decline; not below `reviewThreshold`.
    public let declineThreshold: Double

    public init(decidingOutput: Int, reviewThreshold: Double, declineThreshold: Double) {
        self.decidingOutput = decidingOutput
        self.reviewThreshold = reviewThreshold
        self.declineThreshold = declineThreshold
    }

    /// Every score is approved: the default where a score's scale is not known.
    public static let approveAll = OutcomePolicy(decidingOutput: 0, reviewThreshold: .infinity, declineThreshold: .infinity)
    /// The default for probabilities.
    public static let probability = OutcomePolicy(decidingOutput: 0, reviewThreshold: 0.5, declineThreshold: 0.9)
    /// The same for log-odds.
    public static let logOdds = OutcomePolicy(decidingOutput: 0, reviewThreshold: 0, declineThreshold: 2.1972245773362196)

    /// Decline from `declineThreshold` on, review from `reviewThreshold` on, else approve; NaN is reviewed.
    @inlinable
    public func outcome(score: Double) -> Outcome {
        if score >= declineThreshold { return .decline }
        if score < reviewThreshold { return .approve }
        return .review
    }

    /// Checks that the thresholds are in order and the deciding output exists.
    func check(outputCount: Int) throws(BundleError) {
        guard (0..<outputCount).contains(decidingOutput) else {
            throw .decidingOutputOutOfRange(output: decidingOutput, outputCount: outputCount)
        }
        // NaN fails every comparison; minus infinity would turn "never" into "always".
        guard reviewThreshold > -.infinity, declineThreshold >= reviewThreshold else { throw .thresholdsOutOfOrder }
    }
}
