import ModelBundle
import Wire

/// The deciding output of one row, and what the bundle's policy makes of it.
public struct ScoredDecision {
    /// After the objective's transform; of a float32 bundle exactly a float32.
    public let score: Double
    public let outcome: Outcome
    public let stage: WireStage
    /// The threshold that the score met; nil when it met none.
    public let reason: ReasonFields?
}

/// Decides by the bundle's policy. Pure, and allocates nothing.
public enum DecisionEngine {
    /// What the policy makes of one row's outputs, `[outputCount]` of the bundle the policy is of.
    @inlinable
    public static func judge(_ outputs: UnsafePointer<Double>, policy: OutcomePolicy) -> ScoredDecision {
        // Safety: admission checked that the deciding output is one of the bundle's.
        let score = unsafe outputs[policy.decidingOutput]
        let outcome = policy.outcome(score: score)
        return ScoredDecision(score, outcome, .online, reason(score, outcome, policy))
    }

    /// A score that is not a number is reviewed without having met a threshold.
    @usableFromInline
    static func reason(_ score: Double, _ outcome: Outcome, _ policy: OutcomePolicy) -> ReasonFields? {
        switch outcome {
        case .approve: nil
        case .review:
            score.isNaN ? nil : ReasonFields(code: "SCORE_AT_LEAST_REVIEW", value: score, threshold: policy.reviewThreshold)
        case .decline: ReasonFields(code: "SCORE_AT_LEAST_DECLINE", value: score, threshold: policy.declineThreshold)
        }
    }
}

extension ScoredDecision {
    @usableFromInline
    init(_ score: Double, _ outcome: Outcome, _ stage: WireStage, _ reason: ReasonFields?) {
        (self.score, self.outcome, self.stage, self.reason) = (score, outcome, stage, reason)
    }
}
