import Forest
import ModelBundle
import Testing
import Wire

@testable import Session

/// The features that moved a score, asked for with `explain`.
@Suite struct ReasonTests {
    /// Two classes of weights: the second decides.
    private func bench(_ transform: Transform, decidingOutput: Int) throws -> SessionBench {
        let draft = BundleDraft(
            name: "weights", objective: "linear",
            schema: FeatureSchema(features: [
                .init(name: "a"), .init(name: "b", reason: "b is unusual"), .init(name: "c"), .init(name: "d"),
            ]), policy: OutcomePolicy(decidingOutput: decidingOutput, reviewThreshold: 100, declineThreshold: 200),
            ensemble: TreeEnsemble(
                featureCount: 4, featurePrecision: .float64, sumPrecision: .float64, baseMargins: [0, 0.5], transform: transform,
                trees: []), linear: LinearModel(weights: [1, 1, 1, 1, 2, -3, 0.5, 0]))
        let bench = try SessionBench()
        try bench.push(draft.serialized())
        return bench
    }

    private func reasons(_ bench: SessionBench, _ features: [Double], explain: UInt32) throws -> [ReasonMessage] {
        var request = ScoreRequest(model: ModelReference(bundle: "weights"), input: .features64(features))
        request.explain = explain
        let reply = try bench.ask(.score(request))
        guard case .decision(let decision)? = reply.body else { throw NoDecision(reply: reply) }
        #expect(try bench.record(decision.auditSequence).reasons.map(\.feature) == decision.reasons.map(\.feature))
        return decision.reasons
    }

    @Test func theStrongestFeaturesOfTheDecidingScoreComeFirst() throws {
        let bench = try bench(Transform(.identity), decidingOutput: 1)
        let b = ReasonMessage(code: "FEATURE", feature: "b", value: 2, contribution: -6, text: "b is unusual")
        let a = ReasonMessage(code: "FEATURE", feature: "a", value: 1.5, contribution: 3)
        let c = ReasonMessage(code: "FEATURE", feature: "c", value: 4, contribution: 2)
        #expect(try reasons(bench, [1.5, 2, 4, 9], explain: 1) == [b])
        #expect(try reasons(bench, [1.5, 2, 4, 9], explain: 2) == [b, a])
        // What adds nothing is no reason, however many are asked for.
        #expect(try reasons(bench, [1.5, 2, 4, 9], explain: 32) == [b, a, c])
        #expect(try reasons(bench, [1.5, 2, 4, 9], explain: 0) == [])
        #expect(try reasons(bench, [.nan, .nan, 4, .nan], explain: 32) == [c])
    }

    @Test func theBestClassIsExplained() throws {
        let bench = try bench(Transform(.argmax), decidingOutput: 0)
        // Class 0 has 1 for each feature, class 1 weighs a most.
        #expect(try reasons(bench, [1, 1, 1, 2], explain: 1).map(\.contribution) == [2])
        #expect(try reasons(bench, [5, 0, 1, 2], explain: 1).map(\.contribution) == [10])
    }

    @Test func reasonsFollowThePolicys() throws {
        let bench = try bench(Transform(.identity), decidingOutput: 1)
        let reasons = try reasons(bench, [60, 0, 0, 0], explain: 3)
        #expect(reasons.map(\.code) == ["SCORE_AT_LEAST_REVIEW", "FEATURE"])
        #expect(reasons.last?.contribution == 120)
    }

    @Test func aBundleThatCannotExplainSaysSoAndRecordsNothing() throws {
        let bench = try SessionBench()
        let reply = try bench.score([1, 2, 3]) { $0.explain = 3 }
        #expect(reply.status == .failedPrecondition)
        #expect(reply.error?.reason == "EXPLAIN_UNSUPPORTED")
        #expect(bench.trail.status.lastSequence == 0)
    }
}
