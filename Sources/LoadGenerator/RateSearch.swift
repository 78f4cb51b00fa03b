/// Looks for the highest rate that holds: doubles until one fails, then halves the gap (on a logarithmic scale) until it is 5 %.
///
/// A pure value. A rate that fails is tried once more before it counts as failed: a machine's hiccup is no server's limit.
struct RateSearch {
    /// The search is over when the lowest failed rate is at most this many times the best one.
    static let precision = 1.05

    /// The highest rate that held; nil: none yet.
    private(set) var best: Double?
    private var lowestFailed: Double?
    private var stepCount = 0
    private var current: Double
    private var failedOnce = false

    init(start: Double) {
        current = Self.rounded(start)
    }

    /// The rate to try next; nil: the search is over.
    var next: Double? {
        guard stepCount < LoadLimits.probeCountMax, current >= Self.rateMin, current <= LoadLimits.rateMax else { return nil }
        if let best, let lowestFailed, lowestFailed <= best * Self.precision { return nil }
        return current
    }

    /// How `next` went.
    mutating func record(holds: Bool) {
        stepCount += 1
        if !holds, !failedOnce {
            failedOnce = true
            return
        }
        failedOnce = false
        if holds { best = current } else { lowestFailed = current }
        switch (best, lowestFailed) {
        case (let best?, let failed?): current = Self.rounded((best * failed).squareRoot(), between: best, failed)
        case (let best?, nil): current = Self.rounded(best * 2)
        default: current = Self.rounded(current / 4)
        }
    }

    private static let rateMin = 1.0

    /// Three significant digits: rates that people can repeat.
    private static func rounded(_ rate: Double) -> Double {
        var unit = 1.0
        while rate / unit >= 1_000 { unit *= 10 }
        return max(rateMin, (rate / unit).rounded() * unit)
    }

    /// The same, but never one of the bounds again.
    private static func rounded(_ rate: Double, between low: Double, _ high: Double) -> Double {
        let candidate = rounded(rate)
        return candidate > low && candidate < high ? candidate : rate
    }
}
