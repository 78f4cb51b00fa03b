import Testing
import Wire

@testable import LoadGenerator

@Suite struct TallyTests {
    @Test func decisionsAreCountedByOutcomeAndVersion() throws {
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 1, outcome: .approve, version: 1, sequence: 1), &tally)
        try Samples.take(Samples.decision(id: 2, outcome: .decline, version: 2, sequence: 2), &tally)
        try Samples.take(Samples.decision(id: 3, outcome: .decline, version: 1, sequence: 3), &tally)
        #expect(tally.outcomes == [0, 1, 0, 2])
        #expect(tally.observations[0].versions.map(\.number) == [1, 2])
        #expect(tally.observations[0].versions.map(\.decisionCount) == [2, 1])
        #expect(tally.takeNewVersions().map(\.number) == [1, 2])
        #expect(tally.takeNewVersions().isEmpty)
        #expect(tally.sequences.count == 3)
        #expect(tally.decisionsTotal == 3)
        #expect(tally.errors.total == 0)
    }

    @Test func decisionsWithoutARecordAreNoRepeatedSequence() throws {
        var tally = Tally(plan: Samples.plan())
        for id in 1...3 { try Samples.take(Samples.decision(id: UInt64(id), sequence: 0), &tally) }
        try Samples.take(Samples.decision(id: 4, sequence: 1), &tally)
        #expect(tally.unrecorded == 3)
        #expect(tally.sequences.count == 1)
        #expect(tally.sequences.repeated == 0)
    }

    @Test func errorRepliesAreCountedByStatusAndReason() throws {
        var tally = Tally(plan: Samples.plan())
        for id in 0..<3 { #expect(try Samples.take(Samples.refusal(id: UInt64(id)), &tally) == 0) }
        try Samples.take(Samples.refusal(id: 9, status: .notFound, reason: "UNKNOWN_BUNDLE"), &tally)
        #expect(
            tally.errors.counts == [
                .init(status: "RESOURCE_EXHAUSTED", reason: "IN_FLIGHT"): 3,
                .init(status: "NOT_FOUND", reason: "UNKNOWN_BUNDLE"): 1,
            ])
        #expect(tally.repliesTotal == 0)
        #expect(tally.latency.totalCount == 0)
    }

    @Test func kindsOfErrorsAreBounded() {
        var errors = ErrorCounts()
        for kind in 0..<1_000 { errors.add(.init(status: "INTERNAL", reason: "R\(kind)")) }
        #expect(errors.counts.count <= LoadLimits.errorKindCountMax + 1)
        #expect(errors.total == 1_000)
    }

    @Test func warmUpIsCheckedButNotMeasured() throws {
        var plan = Samples.plan()
        plan.measureFromNanoseconds = 1_000
        var tally = Tally(plan: plan)
        let early = InFlight.Request(intendedNanoseconds: 999, sentNanoseconds: 999)
        let late = InFlight.Request(intendedNanoseconds: 1_000, sentNanoseconds: 1_000)
        try Samples.take(Samples.decision(id: 1, sequence: 1), &tally, early, now: 5_000)
        try Samples.take(Samples.decision(id: 2, sequence: 2), &tally, late, now: 6_000)
        #expect(tally.repliesTotal == 2)
        #expect(tally.repliesMeasured == 1)
        #expect(tally.latency.totalCount == 1)
        #expect(tally.latency.max >= 5_000 && tally.latency.max < 5_010)
        #expect(tally.sequences.count == 2)
        #expect(tally.lastReplyNanoseconds == 6_000)
    }

    @Test func anHourIsTheLongestLatency() throws {
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 1), &tally, now: .max)
        #expect(tally.latency.totalCount == 1)
    }

    @Test func replyOfAnotherKindIsAnError() throws {
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.batch(id: 1, scores: [1], sequence: 1), &tally)
        try Samples.take(Reply(id: 2, body: .setAlias(previousVersion: 1, version: 2)), &tally)
        #expect(tally.errors.counts == [ErrorCounts.wrongResult: 2])
    }

    @Test func batchOfAnotherRowCountIsAnError() throws {
        let plan = Samples.plan(rowsPerRequest: 2)
        var tally = Tally(plan: plan)
        #expect(try Samples.take(Samples.batch(id: 1, scores: [1, 2], sequence: 1), &tally) == 2)
        #expect(try Samples.take(Samples.batch(id: 2, scores: [1, 2, 3], sequence: 3), &tally) == 0)
        #expect(try Samples.take(Samples.decision(id: 3, sequence: 9), &tally) == 0)
        #expect(tally.errors.counts == [ErrorCounts.wrongResult: 2])
        #expect(tally.decisionsTotal == 2)
        #expect(tally.repliesTotal == 1)
        #expect(tally.sequences.count == 2)
    }

    @Test func repeatedSequencesAndForeignNamesAreCounted() throws {
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 1, sequence: 7), &tally)
        try Samples.take(Samples.decision(id: 2, sequence: 7), &tally)
        try Samples.take(Samples.decision(id: 3, sequence: 8, bundle: "card"), &tally)
        try Samples.take(Samples.decision(id: 4, sequence: 9, bundle: "cardz"), &tally)
        #expect(tally.sequences.repeated == 1)
        #expect(tally.wrongBundle == 2)
    }

    @Test func lostConnectionsAreErrorsUnlessTolerated() {
        var strict = Tally(plan: Samples.plan())
        strict.addDisconnect(inFlight: 5, overdue: 2, isTolerated: false)
        #expect(strict.errors.counts == [ErrorCounts.timeout: 2, ErrorCounts.connectionLost: 3])
        strict.addDisconnect(inFlight: 0, overdue: 0, isTolerated: false)
        #expect(strict.errors.counts[ErrorCounts.connectionLost] == 4)
        var tolerant = Tally(plan: Samples.plan())
        tolerant.addDisconnect(inFlight: 5, overdue: 0, isTolerated: true)
        #expect(tolerant.errors.total == 0)
        #expect(tolerant.requestsLost == 5)
        #expect(tolerant.disconnects == 1)
    }

    @Test func intervalHoldsWhatCameSinceTheLast() throws {
        var plan = Samples.plan()
        plan.hasProgress = true
        var tally = Tally(plan: plan)
        try Samples.take(Samples.decision(id: 1, sequence: 1), &tally, now: 1_000_000)
        try Samples.take(Samples.refusal(id: 2), &tally)
        let first = tally.takeInterval()
        #expect(first.decisions == 1)
        #expect(first.errors == 1)
        #expect(first.latency.totalCount == 1)
        #expect(tally.takeInterval().decisions == 0)
    }
}
