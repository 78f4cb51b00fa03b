import Glibc

/// The moments at which one thread's arrivals are meant, in their order. The same for the same profile and seed.
///
/// Arrivals are placed on the scale of expected counts and carried over to time by the profile: there a constant rate is the
/// whole numbers, a Poisson process has exponential gaps of mean 1, whatever the rate does over time.
struct ArrivalStream {
    private let stages: [LoadProfile.Stage]
    private let arrivals: LoadProfile.Arrivals
    private let startNanoseconds: UInt64
    /// This thread takes arrivals `share`, `share + shareCount`, … of the process; of a Poisson process an independent part.
    private let share: Int
    private let shareCount: Int

    private var generator: SplitMix
    private var index: UInt64 = 0
    /// Place of the last Poisson arrival on the scale of expected counts.
    private var place = 0.0
    private var stage = 0
    /// Arrivals and seconds before the stage.
    private var stageFirst = 0.0
    private var stageSeconds = 0.0

    init(_ profile: LoadProfile, startNanoseconds: UInt64, share: Int = 0, shareCount: Int = 1, seed: UInt64 = 1) {
        stages = profile.stages
        arrivals = profile.arrivals
        self.startNanoseconds = startNanoseconds
        self.share = share
        self.shareCount = shareCount
        // Far apart, so that threads are independent of each other.
        generator = SplitMix(seed: seed &+ UInt64(share) &* 0x5851_f42d_4c95_7f2d)
    }

    /// The next moment; nil when the profile is over.
    mutating func next() -> UInt64? {
        let place = nextPlace()
        while stage < stages.count, place - stageFirst >= stages[stage].arrivalCount {
            stageFirst += stages[stage].arrivalCount
            stageSeconds += stages[stage].seconds
            stage += 1
        }
        guard stage < stages.count else { return nil }
        let seconds = stageSeconds + stages[stage].seconds(untilArrivals: place - stageFirst)
        return startNanoseconds &+ UInt64(seconds * 1e9)
    }

    private mutating func nextPlace() -> Double {
        switch arrivals {
        case .constant:
            defer { index += 1 }
            return Double(index &* UInt64(shareCount) &+ UInt64(share))
        case .poisson:
            // In (0, 1]: its logarithm is finite.
            let uniform = (Double(generator.next() >> 11) + 1) * 0x1p-53
            place -= log(uniform) * Double(shareCount)
            return place
        }
    }
}
