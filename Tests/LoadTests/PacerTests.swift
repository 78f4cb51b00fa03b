import Testing

@testable import LoadGenerator

@Suite struct PacerTests {
    private static let hour = 3_600.0

    private func pacer(
        _ stages: [LoadProfile.Stage], start: UInt64 = 0, lateNanosecondsMax: UInt64 = .max
    ) -> Pacer {
        Pacer(
            ArrivalStream(LoadProfile(stages: stages), startNanoseconds: start), lateNanosecondsMax: lateNanosecondsMax)
    }

    private func pacer(rate: Double, seconds: Double = hour, start: UInt64 = 0, lateNanosecondsMax: UInt64 = .max) -> Pacer {
        pacer([.init(ratePerSecond: rate, seconds: seconds)], start: start, lateNanosecondsMax: lateNanosecondsMax)
    }

    @Test func arrivalsFallDueAtAConstantRate() {
        var pacer = pacer(rate: 1_000_000, start: 1_000)
        #expect(pacer.take(nowNanoseconds: 999) == nil)
        #expect(pacer.take(nowNanoseconds: 3_500) == 1_000)
        #expect(pacer.take(nowNanoseconds: 3_500) == 2_000)
        #expect(pacer.take(nowNanoseconds: 3_500) == 3_000)
        #expect(pacer.take(nowNanoseconds: 3_500) == nil)
        #expect(pacer.wait(nowNanoseconds: 3_500) == 500)
        #expect(pacer.wait(nowNanoseconds: 9_000) == 0)
        #expect(pacer.taken == 3)
    }

    @Test func whatIsTooLateIsGivenUpAndCounted() {
        var pacer = pacer(rate: 1_000, lateNanosecondsMax: 100_000_000)
        pacer.trim(nowNanoseconds: 100_000_000)
        #expect(pacer.skipped == 0)
        pacer.trim(nowNanoseconds: 999_500_000)
        #expect(pacer.skipped == 900)
        #expect(pacer.take(nowNanoseconds: 999_500_000) == 900_000_000)
        pacer.trim(nowNanoseconds: 999_500_000)
        #expect(pacer.skipped == 900)
    }

    @Test func whatWasDueAtTheEndIsCountedAsGivenUp() {
        var pacer = pacer(rate: 1_000, seconds: 2)
        for _ in 0..<10 { _ = pacer.take(nowNanoseconds: 1_000_000_000) }
        pacer.skip(before: 1_000_000_000)
        #expect(pacer.taken == 10)
        #expect(pacer.skipped == 990)
        #expect(!pacer.isFinished)
    }

    @Test func nothingIsMeantForTheEndOrLater() {
        var pacer = pacer(rate: 1_000, seconds: 0.003)
        for _ in 0..<3 { #expect(pacer.take(nowNanoseconds: .max / 2) != nil) }
        #expect(pacer.take(nowNanoseconds: .max / 2) == nil)
        #expect(pacer.isFinished)
        #expect(pacer.wait(nowNanoseconds: 0) == nil)
    }

    /// A server that answers in 1 ms, and stands still for a second: with one connection every request that was meant for that
    /// second waits, and is charged for it.
    @Test func latencyOfAnOpenLoopCountsFromTheIntendedTime() throws {
        var plan = Samples.plan()
        plan.isOpenLoop = true
        var tally = Tally(plan: plan)
        var pacer = pacer(rate: 100, seconds: 3)
        var now: UInt64 = 0
        var sequence: UInt64 = 0
        while !pacer.isFinished {
            now += pacer.wait(nowNanoseconds: now) ?? 0
            let sent = now
            let taken = pacer.take(nowNanoseconds: now)
            let intended = try #require(taken)
            let isStall = intended == 1_000_000_000
            now += isStall ? 1_000_000_000 : 1_000_000
            sequence += 1
            let request = InFlight.Request(intendedNanoseconds: intended, sentNanoseconds: sent)
            try Samples.take(Samples.decision(id: sequence, sequence: sequence), &tally, request, now: now)
        }
        #expect(tally.repliesMeasured == 300)
        let latency = LoadReport.Latency(tally.latency)
        let service = LoadReport.Latency(try #require(tally.service))
        // The stalled second holds about a hundred of three hundred arrivals: from sending only one of them looks slow.
        #expect(service.p99 < 2_000_000)
        #expect(latency.p99 > 900_000_000)
        #expect(latency.p90 > 500_000_000)
        #expect(latency.max >= 1_000_000_000)
        #expect(latency.p50 < 2_000_000)
    }
}
