import Testing

@testable import LoadGenerator

@Suite struct RateSearchTests {
    /// Searches where every rate up to `limit` holds; returns the rates tried.
    private func search(from start: Double, limit: Double) -> (best: Double?, rates: [Double]) {
        var search = RateSearch(start: start)
        var rates: [Double] = []
        while let rate = search.next {
            rates.append(rate)
            search.record(holds: rate <= limit)
        }
        return (search.best, rates)
    }

    @Test(arguments: [(100.0, 84_321.0), (50_000, 84_321), (1_000_000, 84_321), (84_321, 84_321), (3, 7), (500, 20_000_000)])
    func findsTheLimitWithinFivePercent(start: Double, limit: Double) throws {
        let (best, rates) = search(from: start, limit: limit)
        let found = try #require(best)
        #expect(found <= limit)
        #expect(found * 1.06 >= limit || limit < 100, "\(rates)")
        #expect(rates.count <= LoadLimits.probeCountMax)
    }

    @Test func nothingHolds() {
        let (best, rates) = search(from: 1_000, limit: 0)
        #expect(best == nil)
        #expect(rates.last == 1)
        #expect(rates.count <= LoadLimits.probeCountMax)
    }

    @Test func everythingHolds() {
        let (best, rates) = search(from: 1_000, limit: .infinity)
        #expect((best ?? 0) > LoadLimits.rateMax / 2)
        #expect((best ?? .infinity) <= LoadLimits.rateMax)
        #expect(rates.count < 20)
    }

    @Test func oneHiccupIsNoLimit() {
        var search = RateSearch(start: 1_000)
        search.record(holds: false)
        #expect(search.next == 1_000)
        search.record(holds: true)
        #expect(search.best == 1_000)
        #expect(search.next == 2_000)
        search.record(holds: false)
        search.record(holds: false)
        #expect(search.next.map { (1_400...1_420).contains($0) } == true)
    }
}
