import Testing

@testable import LoadGenerator

@Suite struct PacerTests {
    @Test func arrivalsFallDueAtAConstantRate() {
        var pacer = Pacer(startNanoseconds: 1_000, endNanoseconds: 1_000_000_000_000, ratePerSecond: 1_000_000)
        #expect(pacer.take(nowNanoseconds: 999) == nil)
        #expect(pacer.take(nowNanoseconds: 3_500) == 1_000)
        #expect(pacer.take(nowNanoseconds: 3_500) == 2_000)
        #expect(pacer.take(nowNanoseconds: 3_500) == 3_000)
        #expect(pacer.take(nowNanoseconds: 3_500) == nil)
        #expect(pacer.wait(nowNanoseconds: 3_500) == 500)
        #expect(pacer.wait(nowNanoseconds: 9_000) == 0)
    }

    @Test func roundingDoesNotAddUp() {
        // A third of a nanosecond is lost in each interval; after a day the time is still exact.
        let pacer = Pacer(startNanoseconds: 0, endNanoseconds: .max, ratePerSecond: 30_000)
        #expect(pacer.intendedNanoseconds(30_000) == 1_000_000_000)
        #expect(pacer.intendedNanoseconds(30_000 * 86_400) == 86_400_000_000_000)
    }

    @Test func sharesOfThreadsMakeUpTheWholeRate() {
        let whole = Pacer(startNanoseconds: 500, endNanoseconds: .max, ratePerSecond: 7_777)
        let shares = (0..<3).map {
            Pacer(startNanoseconds: 500, endNanoseconds: .max, ratePerSecond: 7_777, share: $0, shareCount: 3)
        }
        for index in 0..<UInt64(300) {
            #expect(shares[Int(index % 3)].intendedNanoseconds(index / 3) == whole.intendedNanoseconds(index))
        }
    }

    @Test(arguments: [1.0, 3.0, 999.0, 30_000.0, 1_234_567.0])
    func countOfDueArrivalsIsThatOfTheirTimes(rate: Double) {
        let seed: UInt64 = 42
        var generator = SeededGenerator(seed: seed)
        for share in 0..<2 {
            let pacer = Pacer(
                startNanoseconds: 10_000, endNanoseconds: 3_000_000_000, ratePerSecond: rate, share: share, shareCount: 2)
            for _ in 0..<200 {
                let now = UInt64.random(in: 0...4_000_000_000, using: &generator)
                let count = pacer.dueCount(nowNanoseconds: now)
                let until = min(now, 2_999_999_999)
                #expect(pacer.intendedNanoseconds(count) > until, "seed \(seed), now \(now)")
                if count > 0 { #expect(pacer.intendedNanoseconds(count - 1) <= until, "seed \(seed), now \(now)") }
            }
        }
    }

    @Test func backlogBeyondItsBoundIsGivenUpAndCounted() {
        var pacer = Pacer(startNanoseconds: 0, endNanoseconds: .max, ratePerSecond: 1_000)
        let now: UInt64 = 999_500_000
        #expect(pacer.backlog(nowNanoseconds: now) == 1_000)
        pacer.trim(nowNanoseconds: now, backlogLimit: 100)
        #expect(pacer.skipped == 900)
        #expect(pacer.backlog(nowNanoseconds: now) == 100)
        #expect(pacer.take(nowNanoseconds: now) == 900_000_000)
        pacer.trim(nowNanoseconds: now, backlogLimit: 100)
        #expect(pacer.skipped == 900)
    }

    @Test func nothingIsMeantForTheEndOrLater() {
        var pacer = Pacer(startNanoseconds: 0, endNanoseconds: 3_000_000, ratePerSecond: 1_000)
        for _ in 0..<3 { #expect(pacer.take(nowNanoseconds: .max / 2) != nil) }
        #expect(pacer.take(nowNanoseconds: .max / 2) == nil)
        #expect(pacer.isFinished)
        #expect(pacer.wait(nowNanoseconds: 0) == nil)
        #expect(pacer.dueCount(nowNanoseconds: .max / 2) == 3)
    }

    /// A server that answers in 1 ms, and stands still for a second: with one connection every request that was meant for that
    /// second waits, and is charged for it.
    @Test func latencyOfAnOpenLoopCountsFromTheIntendedTime() throws {
        var plan = Samples.plan()
        plan.isOpenLoop = true
        var tally = Tally(plan: plan)
        var pacer = Pacer(startNanoseconds: 0, endNanoseconds: 3_000_000_000, ratePerSecond: 100)
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
