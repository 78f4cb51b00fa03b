import ModelBundle
import Testing
import Wire

@testable import Decision

@Suite struct FeatureValidationTests {
    private func refusal(_ row: [Float], required: Set<Int> = []) -> FeatureVectorError? {
        let schema = schema([DerivedFeature?](repeating: nil, count: row.count), required)
        let narrow: FeatureVectorError?
        do {
            try FeatureValidation.check(row, schema: schema)
            narrow = nil
        } catch { narrow = error }
        let wide: FeatureVectorError?
        do {
            try FeatureValidation.check(row.map(Double.init), schema: schema)
            wide = nil
        } catch { wide = error }
        #expect(narrow == wide)
        return narrow
    }

    @Test func finiteRowsPass() {
        #expect(refusal([]) == nil)
        #expect(
            refusal([0, -0.0, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude], required: [0, 1])
                == nil)
    }

    @Test(arguments: [1, 7, 8, 30, 63, 64, 65, 130]) func theOffendingFeatureIsNamedAtEveryPlace(count: Int) {
        for index in 0..<count {
            var row = [Float](repeating: 1, count: count)
            row[index] = .nan
            #expect(refusal(row) == nil)
            #expect(refusal(row, required: [index]) == .missing(feature: index))
            #expect(refusal(row, required: Set(0..<count).subtracting([index])) == nil)
            row[index] = .infinity
            #expect(refusal(row) == .infinite(feature: index))
            row[index] = -.infinity
            #expect(refusal(row) == .infinite(feature: index))
        }
    }

    @Test func signallingAndNegativeNaNsAreMissingToo() {
        #expect(refusal([-Float.nan], required: [0]) == .missing(feature: 0))
        #expect(refusal([Float(bitPattern: 0x7f80_0001)], required: [0]) == .missing(feature: 0))
    }

    @Test func theFirstOffenceIsReported() {
        #expect(refusal([0, .nan, .infinity], required: [1]) == .missing(feature: 1))
        #expect(refusal([0, .nan, .infinity]) == .infinite(feature: 2))
    }
}

@Suite struct DecisionEngineTests {
    private func judged(_ score: Double, _ policy: OutcomePolicy) -> ScoredDecision {
        DecisionEngine.judge([score], policy: policy)
    }

    @Test func thresholdsDecideAndAreTheReason() throws {
        let policy = OutcomePolicy(decidingOutput: 0, reviewThreshold: 0.5, declineThreshold: 0.75)
        #expect(judged(0.499, policy).outcome == .approve)
        #expect(judged(0.499, policy).reason?.value == nil)
        let review = judged(0.5, policy)
        #expect(review.outcome == .review && review.score == 0.5 && review.stage == .online)
        let reviewReason = try #require(review.reason)
        #expect(
            reviewReason.code.description == "SCORE_AT_LEAST_REVIEW" && reviewReason.value == 0.5 && reviewReason.threshold == 0.5
        )
        let decline = try #require(judged(0.8, policy).reason)
        #expect(judged(0.8, policy).outcome == .decline)
        #expect(
            decline.code.description == "SCORE_AT_LEAST_DECLINE" && decline.value == 0.8
                && decline.threshold == 0.75)
    }

    @Test func aScoreThatIsNoNumberIsReviewedWithoutAThreshold() {
        #expect(judged(.nan, .probability).outcome == .review)
        #expect(judged(.nan, .probability).reason?.value == nil)
    }

    @Test func theDecidingOutputDecides() {
        let policy = OutcomePolicy(decidingOutput: 2, reviewThreshold: 0.5, declineThreshold: 0.9)
        #expect(DecisionEngine.judge([0.99, 0.99, 0.1], policy: policy).outcome == .approve)
        #expect(DecisionEngine.judge([0, 0, 0.95], policy: policy).outcome == .decline)
    }
}
