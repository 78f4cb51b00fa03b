import Testing

@testable import LoadGenerator

@Suite struct ArrivalStreamTests {
    private func all(
        _ stages: [LoadProfile.Stage], _ arrivals: LoadProfile.Arrivals = .constant, share: Int = 0, shareCount: Int = 1,
        seed: UInt64 = 1, start: UInt64 = 0
    ) -> [UInt64] {
        var stream = ArrivalStream(
            LoadProfile(stages: stages, arrivals: arrivals), startNanoseconds: start, share: share, shareCount: shareCount,
            seed: seed)
        var moments: [UInt64] = []
        while let moment = stream.next() { moments.append(moment) }
        return moments
    }

    @Test func roundingDoesNotAddUp() {
        // A third of a nanosecond is lost in each interval; at the end the time is still exact.
        let moments = all([.init(ratePerSecond: 30_000, seconds: 20.00001)])
        #expect(moments.count == 600_001)
        #expect(moments[30_000] == 1_000_000_000)
        #expect(moments[600_000] == 20_000_000_000)
    }

    @Test func sharesOfThreadsMakeUpTheWholeRate() {
        let stages = [
            LoadProfile.Stage(ratePerSecond: 7_777, seconds: 0.05), .init(fromPerSecond: 100, toPerSecond: 5_000, seconds: 0.1),
        ]
        let whole = all(stages, start: 500)
        let shares = (0..<3).map { all(stages, share: $0, shareCount: 3, start: 500) }
        #expect(shares.flatMap { $0 }.sorted() == whole)
    }

    @Test func stagesFollowEachOtherAtTheirRates() {
        let moments = all([
            .init(ratePerSecond: 100, seconds: 1), .init(ratePerSecond: 0, seconds: 2), .init(ratePerSecond: 1_000, seconds: 1),
        ])
        #expect(moments.count == 1_100)
        #expect(moments[99] == 990_000_000)
        #expect(moments[100] == 3_000_000_000)
        #expect(moments[1_099] == 3_999_000_000)
    }

    /// From 0 to 1,000 a second in 2 s: half of the thousand arrivals have come at sqrt(2) s, whatever way the ramp goes.
    @Test func rampGrowsEvenly() {
        let up = all([.init(fromPerSecond: 0, toPerSecond: 1_000, seconds: 2)])
        #expect(up.count == 1_000)
        #expect(up[0] == 0)
        #expect(up[500] == 1_414_213_562)
        #expect(zip(up, up.dropFirst()).allSatisfy { $0 < $1 })
        let down = all([.init(fromPerSecond: 1_000, toPerSecond: 0, seconds: 2)])
        #expect(down.count == 1_000)
        #expect(down[500] == 585_786_437)
        #expect(down[999] < 2_000_000_000)
    }

    /// Gaps of a Poisson process are exponential: their mean is 1 / rate and so is their standard deviation; a fixed seed makes
    /// the bounds safe.
    @Test func poissonArrivalsAreIndependentOfEachOther() {
        let moments = all([.init(ratePerSecond: 1_000, seconds: 100)], .poisson, seed: 7)
        let gaps = zip(moments, moments.dropFirst()).map { Double($1 - $0) / 1e6 }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(mean - 1) < 0.02)
        #expect(abs(variance.squareRoot() - 1) < 0.03)
        // Longer than the mean are exp(-1) of them.
        let long = Double(gaps.filter { $0 > 1 }.count) / Double(gaps.count)
        #expect(abs(long - 0.36788) < 0.01)
    }

    @Test func poissonArrivalsFollowStagesAndRamps() {
        let moments = all(
            [.init(ratePerSecond: 2_000, seconds: 10), .init(fromPerSecond: 0, toPerSecond: 2_000, seconds: 10)], .poisson)
        let first = moments.filter { $0 < 10_000_000_000 }.count
        let ramp = moments.filter { $0 >= 10_000_000_000 }
        // Five standard deviations around 20,000 and 10,000; a quarter of the ramp's arrivals come in its first half.
        #expect(abs(first - 20_000) < 710)
        #expect(abs(ramp.count - 10_000) < 500)
        let early = Double(ramp.filter { $0 < 15_000_000_000 }.count) / Double(ramp.count)
        #expect(abs(early - 0.25) < 0.03)
    }

    @Test func sameSeedGivesTheSameArrivalsAndThreadsDiffer() {
        let stages = [LoadProfile.Stage(ratePerSecond: 1_000, seconds: 1)]
        #expect(all(stages, .poisson, seed: 3) == all(stages, .poisson, seed: 3))
        #expect(all(stages, .poisson, seed: 3) != all(stages, .poisson, seed: 4))
        let (a, b) = (
            all(stages, .poisson, share: 0, shareCount: 2, seed: 3), all(stages, .poisson, share: 1, shareCount: 2, seed: 3)
        )
        #expect(Set(a).intersection(b).count < 5)
        #expect(abs(a.count + b.count - 1_000) < 160)
    }

    @Test func stagesAreReadFromText() throws {
        #expect(try LoadProfile.Stage("1000:5") == .init(ratePerSecond: 1_000, seconds: 5))
        #expect(try LoadProfile.Stage("0:2e3:1.5") == .init(fromPerSecond: 0, toPerSecond: 2_000, seconds: 1.5))
        for text in ["", "5", "1:2:3:4", "a:1", "1:b", ":1", "-1:5", "1:0", "1:-1", "nan:1", "inf:1", "1:1e9"] {
            #expect(throws: LoadError.self, "\(text)") { try LoadProfile.Stage(text) }
        }
    }
}
