import Testing

@testable import LoadGenerator

@Suite struct TimelineTests {
    private func tally(bundleCount: Int = 1) -> TimelineTally {
        TimelineTally(startNanoseconds: 1_000, intervalNanoseconds: 100_000_000, bundleCount: bundleCount)
    }

    @Test func bucketsAreAsNarrowAsPromised() {
        let seed: UInt64 = 11
        var generator = SeededGenerator(seed: seed)
        for bits in 0..<41 {
            for _ in 0..<50 {
                let value = UInt64.random(in: (1 << bits)...(2 << bits - 1), using: &generator)
                let middle = CompactHistogram.value(ofBucket: CompactHistogram.bucket(of: value))
                let error = middle > value ? middle - value : value - middle
                #expect(Double(error) <= Double(value) / 127, "seed \(seed), value \(value)")
            }
        }
        for value in 0..<UInt64(2_000) {
            let step = CompactHistogram.bucket(of: value + 1) - CompactHistogram.bucket(of: value)
            #expect(step == 0 || step == 1)
        }
        #expect(CompactHistogram.bucket(of: latencyNanosecondsMax) == CompactHistogram.bucketCount - 1)
    }

    @Test func intervalsHoldWhatCameInThem() {
        var tally = tally()
        for index in 0..<1_000 { tally.take(elapsed: UInt64(index), decisions: 2, now: 1_000 + UInt64(index)) }
        tally.takeErrors(3, now: 100_001_000)
        tally.take(elapsed: 5_000_000, decisions: 1, now: 350_001_000)
        tally.finish()
        let timeline = Timeline([tally], bundleNames: ["cards"])
        #expect(timeline.points.map(\.decisionsPerSecond) == [20_000, 0, 0, 10])
        #expect(timeline.points.map(\.errors) == [0, 3, 0, 0])
        #expect(timeline.points.map { ($0.seconds * 10).rounded() } == [0, 1, 2, 3])
        #expect((490...510).contains(timeline.points[0].p50))
        #expect((980...1_000).contains(timeline.points[0].p99))
        #expect(timeline.points[0].max == 999)
        #expect(timeline.points[2].p99 == 0)
        #expect(timeline.points[3].max == 5_000_000)
    }

    @Test func threadsAddUp() {
        var (a, b) = (tally(), tally())
        for _ in 0..<99 { a.take(elapsed: 100, decisions: 1, now: 2_000) }
        b.take(elapsed: 1_000_000, decisions: 1, now: 2_000)
        a.finish()
        b.finish()
        let point = Timeline([a, b], bundleNames: ["cards"]).points[0]
        #expect(point.decisionsPerSecond == 1_000)
        #expect(point.p50 == 100)
        #expect(point.p99 == 100)
        #expect((990_000...1_010_000).contains(point.p999))
        #expect(point.max == 1_000_000)
    }

    @Test func changesOfVersionAreMarked() {
        var (a, b) = (tally(bundleCount: 2), tally(bundleCount: 2))
        for (version, now) in [(1, 2_000), (1, 3_000), (2, 500_001_000), (1, 500_002_000), (2, 500_003_000), (1, 900_001_000)] {
            a.take(version: UInt32(version), bundle: 0, now: UInt64(now))
            b.take(version: UInt32(version), bundle: 0, now: UInt64(now))
        }
        b.take(version: 7, bundle: 1, now: 2_000)
        let marks = Timeline([a, b], bundleNames: ["cards", "bitcoin"]).marks
        #expect(marks.map(\.text) == ["cards 2", "cards 1"])
        #expect(marks.map { ($0.seconds * 10).rounded() } == [5, 9])
    }

    @Test func aLongRunHasLongerIntervals() {
        var configuration = LoadConfiguration(server: .tcp(host: "localhost", port: 1), bundle: "cards")
        #expect(configuration.timelineIntervalNanoseconds == 100_000_000)
        configuration.durationSeconds = 300
        #expect(configuration.timelineIntervalNanoseconds == 100_000_000)
        configuration.durationSeconds = 3_600
        #expect(configuration.timelineIntervalNanoseconds == 1_200_000_000)
        configuration.durationSeconds = nil
        #expect(configuration.timelineIntervalNanoseconds == 100_000_000)
    }
}
