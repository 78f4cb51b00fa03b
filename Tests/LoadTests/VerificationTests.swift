import Platform
import Testing
import Wire

@testable import LoadGenerator

/// Knows the scores by heart.
struct ListedOracle: ScoreOracle {
    var scores: [UInt32: (Int) -> ObservedScore]
    /// Rows asked for.
    var asked: [Int] = []

    init(_ scores: [UInt32: (Int) -> ObservedScore]) { self.scores = scores }

    mutating func scores(version: UInt32, digest: SHA256Digest, rows: [Int]) throws(LoadError) -> [ObservedScore] {
        guard let score = scores[version] else { throw .bundle("version \(version) is gone") }
        asked += rows
        return rows.map(score)
    }
}

@Suite struct VerificationTests {
    private let half = ObservedScore(scoreBits: 0.5.bitPattern, outcome: 1)

    @Test func equalScoresAreVerifiedAndEachIsRecomputedOnce() throws {
        var tally = Tally(plan: Samples.plan())
        for id in 0..<30 {
            let request = InFlight.Request(item: id % 3)
            try Samples.take(Samples.decision(id: UInt64(id), score: 0.5, sequence: UInt64(id)), &tally, request)
        }
        var oracle = ListedOracle([3: { _ in half }])
        let verification = Verification(tally.observations, &oracle)
        #expect(verification.verified == 30)
        #expect(verification.isClean)
        #expect(verification.recomputed == 3)
        #expect(oracle.asked == [0, 1, 2])
    }

    @Test func plantedMismatchIsFoundWhetherItComesFirstOrLater() throws {
        for position in [0, 1, 4] {
            var tally = Tally(plan: Samples.plan())
            for id in 0..<5 {
                let score = id == position ? 0.5.nextUp : 0.5
                try Samples.take(Samples.decision(id: UInt64(id), score: score, sequence: UInt64(id)), &tally)
            }
            var oracle = ListedOracle([3: { _ in half }])
            let verification = Verification(tally.observations, &oracle)
            #expect(verification.mismatches == 1, "planted at \(position)")
            #expect(verification.verified == 4)
            #expect(verification.notes.count == 1)
        }
    }

    @Test func everyReplyWithAWrongScoreCounts() throws {
        var tally = Tally(plan: Samples.plan())
        for id in 0..<5 { try Samples.take(Samples.decision(id: UInt64(id), score: 0.25, sequence: UInt64(id)), &tally) }
        var oracle = ListedOracle([3: { _ in half }])
        let verification = Verification(tally.observations, &oracle)
        #expect(verification.mismatches == 5)
        #expect(verification.verified == 0)
    }

    @Test func otherOutcomeOrZeroOfOtherSignIsAMismatch() throws {
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 1, score: 0.5, outcome: .review, sequence: 1), &tally)
        try Samples.take(Samples.decision(id: 2, score: 0, sequence: 2), &tally, InFlight.Request(item: 1))
        let zero = ObservedScore(scoreBits: (-0.0).bitPattern, outcome: 1)
        var oracle = ListedOracle([3: { $0 == 0 ? half : zero }])
        #expect(Verification(tally.observations, &oracle).mismatches == 2)
    }

    @Test func eachOfSeveralOutputsIsCompared() throws {
        let outputs = [0.1, 0.2, 0.7]
        let expected = ObservedScore(scoreBits: 0.7.bitPattern, outcome: 1, outputBits: outputs.map(\.bitPattern))
        for changed in 0..<3 {
            var tally = Tally(plan: Samples.plan())
            try Samples.take(Samples.decision(id: 1, score: 0.7, sequence: 1, scores: outputs), &tally)
            var other = outputs
            other[changed] = other[changed].nextDown
            try Samples.take(Samples.decision(id: 2, score: 0.7, sequence: 2, scores: other), &tally)
            try Samples.take(Samples.decision(id: 3, score: 0.7, sequence: 3), &tally)
            var oracle = ListedOracle([3: { _ in expected }])
            let verification = Verification(tally.observations, &oracle)
            #expect(verification.verified == 1)
            #expect(verification.mismatches == 2)
        }
    }

    @Test func rowsOfABatchAreComparedOneByOne() throws {
        let plan = Samples.plan(rowsPerRequest: 3)
        var tally = Tally(plan: plan)
        try Samples.take(Samples.batch(id: 1, scores: [0, 1, 2], sequence: 1), &tally, InFlight.Request(item: 4))
        var oracle = ListedOracle([3: { ObservedScore(scoreBits: Double($0 - 4).bitPattern, outcome: 1) }])
        #expect(Verification(tally.observations, &oracle).verified == 3)
        var shifted = ListedOracle([3: { ObservedScore(scoreBits: Double($0 - 5).bitPattern, outcome: 1) }])
        #expect(Verification(tally.observations, &shifted).mismatches == 3)
    }

    @Test func versionsAreComparedWithTheirOwnScores() throws {
        var tally = Tally(plan: Samples.plan())
        var digest = Samples.digest
        for id in 0..<10 {
            digest[0] = UInt8(id % 2)
            let reply = Samples.decision(
                id: UInt64(id), score: Double(id % 2), version: UInt32(1 + id % 2), sequence: UInt64(id), digest: digest)
            try Samples.take(reply, &tally)
        }
        var oracle = ListedOracle([
            1: { _ in ObservedScore(scoreBits: 0.0.bitPattern, outcome: 1) },
            2: { _ in ObservedScore(scoreBits: 1.0.bitPattern, outcome: 1) },
        ])
        let verification = Verification(tally.observations, &oracle)
        #expect(verification.verified == 10)
        #expect(verification.isClean)
    }

    @Test func versionWhoseBundleIsNotToBeHadIsUnverified() throws {
        var tally = Tally(plan: Samples.plan())
        for id in 0..<4 { try Samples.take(Samples.decision(id: UInt64(id), sequence: UInt64(id)), &tally) }
        var oracle = ListedOracle([:])
        let verification = Verification(tally.observations, &oracle)
        #expect(verification.unverified == 4)
        #expect(!verification.isClean)
    }

    @Test func otherDigestUnderOneVersionIsAMismatch() throws {
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 1, score: 0.5, sequence: 1), &tally)
        try Samples.take(Samples.decision(id: 2, score: 0.5, sequence: 2, digest: [UInt8](repeating: 9, count: 32)), &tally)
        try Samples.take(Samples.decision(id: 3, score: 0.5, sequence: 3, digest: []), &tally)
        var oracle = ListedOracle([3: { _ in half }])
        let verification = Verification(tally.observations, &oracle)
        #expect(verification.mismatches == 2)
        #expect(verification.verified == 1)
    }

    @Test func suspectsBeyondTheBoundStillCount() throws {
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 0, score: 0.5, sequence: 0), &tally)
        for id in 1...(LoadLimits.suspectCountMax + 10) {
            try Samples.take(Samples.decision(id: UInt64(id), score: 0.75, sequence: UInt64(id)), &tally)
        }
        #expect(tally.observations[0].suspects.count == LoadLimits.suspectCountMax)
        var oracle = ListedOracle([3: { _ in half }])
        #expect(Verification(tally.observations, &oracle).mismatches == UInt64(LoadLimits.suspectCountMax) + 10)
    }

    @Test func digestsSurviveTheirWords() {
        #expect(DigestWords(bytes: Samples.digest).bytes == Samples.digest)
        #expect(DigestWords(bytes: Samples.digest) != DigestWords(bytes: Samples.digest.reversed()))
    }
}
