import Glibc
import Synchronization
import Testing

@testable import Replay

/// What a backtest computes with.
@Suite struct StatisticsTests {
    private func values(_ count: Int, seed: UInt64) -> [Double] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in pow(Double.random(in: 0...1, using: &generator), 6) }
    }

    @Test func quantilesAreWithinABucketOfTheSortedValues() {
        let values = self.values(10_000, seed: 1)
        let histogram = FineHistogram(bits: 6)
        for value in values { histogram.add(value) }
        let sorted = values.sorted()
        for share in [0.01, 0.25, 0.5, 0.9, 0.99] {
            let exact = sorted[Int((share * 10_000).rounded(.up)) - 1]
            let found = histogram.quantile(share) ?? .nan
            // What is below 2^-30 counts as zero.
            #expect((found - exact).magnitude <= max(exact / 32, 1e-9), "\(share): \(found) for \(exact)")
        }
        #expect(FineHistogram(bits: 6).quantile(0.5) == nil)
    }

    @Test func everyNumberFindsItsBucket() {
        let histogram = FineHistogram(bits: 4)
        let numbers = [0, -0.0, 1, -1, 0.3, -0.3, 1e-300, 1e300, -1e300, .infinity, -.infinity, .leastNonzeroMagnitude, 262_144]
        for number in numbers { histogram.add(number) }
        histogram.add(.nan)
        histogram.add(-.nan)
        #expect(histogram.total == UInt64(numbers.count))
        #expect(histogram.nanCount == 2)
        for index in 0..<histogram.bucketCount - 1 {
            #expect(histogram.range(index).upperBound <= histogram.range(index + 1).lowerBound)
        }
    }

    @Test func stabilityIndexIsZeroForTheSameAndGrowsWithTheDistance() throws {
        let one = FineHistogram(bits: 6)
        let same = FineHistogram(bits: 6)
        let moved = FineHistogram(bits: 6)
        let far = FineHistogram(bits: 6)
        for value in values(20_000, seed: 1) {
            one.add(value)
            same.add(value)
            moved.add(value * 1.3)
            far.add(value + 2)
        }
        #expect(one.stabilityIndex(of: same) == 0)
        let small = try #require(one.stabilityIndex(of: moved))
        let large = try #require(one.stabilityIndex(of: far))
        #expect(small > 0.001)
        #expect(large > 10 * small)
        #expect(one.stabilityIndex(of: FineHistogram(bits: 6)) == nil)
    }

    @Test func binsHoldEveryNumberOnce() {
        let histogram = FineHistogram(bits: 6)
        for value in values(5_000, seed: 3) { histogram.add(value) }
        histogram.add(7)
        let bins = histogram.binned(0...1, count: 40)
        #expect((bins.reduce(0, +) - 5001).magnitude < 1e-6)
    }

    @Test func fixedSumsDoNotDependOnTheOrder() {
        let values = self.values(10_000, seed: 4).map { $0 * 1000 - 300 } + [1e9, -1e30, .infinity, .nan, 1e13]
        var forward = FixedSum()
        var backward = FixedSum()
        for value in values { forward.add(value) }
        for value in values.reversed() { backward.add(value) }
        #expect(forward.value == backward.value)
        var half = FixedSum()
        for _ in 0..<3 { half.add(0.5) }
        #expect(half.value == 1.5)
    }

    @Test func piecesComeOutInTheirOrder() {
        let out = Mutex<[UInt8]>([])
        let pieces = OrderedPieces { piece in out.withLock { $0 += piece } }
        for index in [2, 0, 1, 4, 3] { pieces.take(index, [UInt8(index)]) }
        #expect(out.withLock { $0 } == [0, 1, 2, 3, 4])
    }

    @Test func shortNumbersAreShort() {
        #expect(
            [0, 1, 0.5, 0.000123456, 1234.56, -2.25, 1e6, 40].map(shortNumber) == [
                "0", "1", "0.5", "0.0001235", "1235", "-2.25", "1000000", "40",
            ])
    }
}
