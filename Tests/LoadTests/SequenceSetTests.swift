import Testing

@testable import LoadGenerator

@Suite struct SequenceSetTests {
    @Test func repeatedNumbersAreCounted() {
        var set = SequenceSet()
        for number in [UInt64(0), 1, 32_767, 32_768, 1 << 32, .max] { set.insert(number) }
        #expect(set.count == 6)
        #expect(set.repeated == 0)
        for number in [UInt64(0), .max, 5] { set.insert(number) }
        #expect(set.count == 7)
        #expect(set.repeated == 2)
    }

    @Test func rangesAcrossPagesAreWhole() {
        var set = SequenceSet()
        set.insert(first: 32_000, count: 2_000)
        #expect(set.count == 2_000)
        set.insert(33_999)
        set.insert(34_000)
        #expect(set.repeated == 1)
        #expect(set.count == 2_001)
    }

    @Test func unionFindsNumbersOfBoth() {
        var a = SequenceSet()
        var b = SequenceSet()
        a.insert(first: 0, count: 100_000)
        b.insert(first: 99_990, count: 100_000)
        b.insert(99_990)
        a.formUnion(b)
        #expect(a.count == 199_990)
        #expect(a.repeated == 11)
        a.insert(150_000)
        #expect(a.repeated == 12)
    }

    @Test func agreesWithAPlainSet() {
        let seed: UInt64 = 5
        var generator = SeededGenerator(seed: seed)
        var set = SequenceSet()
        var plain: Set<UInt64> = []
        var repeated: UInt64 = 0
        for _ in 0..<20_000 {
            let number = UInt64.random(in: 0..<100_000, using: &generator) << UInt64.random(in: 0..<3, using: &generator)
            if !plain.insert(number).inserted { repeated += 1 }
            set.insert(number)
        }
        #expect(set.count == UInt64(plain.count), "seed \(seed)")
        #expect(set.repeated == repeated, "seed \(seed)")
    }

    @Test func scatteredNumbersFillNoMemoryWithoutBound() {
        var set = SequenceSet()
        let pages = UInt64(LoadLimits.sequencePageCountMax)
        // Two pages more than there may be; only a few are really touched, to keep the test small.
        #expect(pages * 4_096 <= 1 << 30)
        for page in 0..<UInt64(1_000) { set.insert(page << 40) }
        #expect(set.count == 1_000)
        #expect(set.unchecked == 0)
    }
}
