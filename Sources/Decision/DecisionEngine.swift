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

/// Scores validated features and decides by the bundle's policy. Pure, and allocates nothing.
public enum DecisionEngine {
    /// Decides one row.
    ///
    /// - Parameters:
    ///   - features: `[featureCount]`, NaN where missing, validated.
    ///   - raw: `[rawCount]`, receives the raw scores.
    ///   - outputs: `[outputCount]`, receives the outputs; another buffer than `raw`.
    public static func decide(
        _ features: UnsafePointer<Float>, bundle: Bundle, raw: UnsafeMutablePointer<Float>, outputs: UnsafeMutablePointer<Float>
    ) -> ScoredDecision {
        unsafe bundle.score32(features, raw: raw, outputs: outputs)
        return unsafe judge(outputs, policy: bundle.policy)
    }

    /// What the policy makes of one row's outputs, `[outputCount]` of the bundle the policy is of.
    @inlinable
    public static func judge(_ outputs: UnsafePointer<Float>, policy: OutcomePolicy) -> ScoredDecision {
        // Safety: admission checked that the deciding output is one of the bundle's.
        let score = unsafe Double(outputs[policy.decidingOutput])
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
