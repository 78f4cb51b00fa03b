/// xoshiro256** 1.0 of Blackman and Vigna, seeded by SplitMix64: the same numbers from the same seed on every machine and in
/// every version.
struct Xoshiro256: Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// The stream `stream` of a seed: each stream starts at four numbers that SplitMix64 makes of both.
    init(seed: UInt64, stream: UInt64) {
        var mixer = SplitMix64(state: seed)
        mixer = SplitMix64(state: mixer.next() ^ (stream &* 0xd134_2543_de82_ef95))
        state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
    }

    mutating func next() -> UInt64 {
        let result = Self.rotated(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotated(state.3, 45)
        return result
    }

    /// Any state but zeros, to be compared with the authors' own numbers.
    init(state: (UInt64, UInt64, UInt64, UInt64)) { self.state = state }

    private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

    /// A multiple of 2^-53 from 0 on, below 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number from 0 on, below `bound` > 0, each as likely: the high half of a product, with the few that would be too many
    /// drawn again.
    mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "no number is below \(bound)")
        let bound = UInt64(bound)
        while true {
            let product = next().multipliedFullWidth(by: bound)
            if product.low >= (0 &- bound) % bound { return Int(product.high) }
        }
    }

    /// `count` different numbers below `bound` >= `count`, by Floyd's method: one draw each, in no order that means anything.
    mutating func sample(_ count: Int, below bound: Int) -> [Int] {
        precondition(count <= bound, "\(count) different numbers below \(bound)")
        var chosen: [Int] = []
        chosen.reserveCapacity(count)
        var known: Set<Int> = []
        for last in (bound - count)..<bound {
            let drawn = below(last + 1)
            let number = known.contains(drawn) ? last : drawn
            known.insert(number)
            chosen.append(number)
        }
        return chosen
    }
}

/// SplitMix64 of Steele, Lea and Flood.
private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
