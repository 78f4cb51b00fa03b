/// How many requests a second are meant to arrive over the time of an open loop: stages, one after another.
public struct LoadProfile: Sendable, Equatable {
    /// A time during which the rate is constant, or goes evenly from one to another.
    public struct Stage: Sendable, Equatable {
        public var fromPerSecond: Double
        public var toPerSecond: Double
        public var seconds: Double

        public init(fromPerSecond: Double, toPerSecond: Double, seconds: Double) {
            self.fromPerSecond = fromPerSecond
            self.toPerSecond = toPerSecond
            self.seconds = seconds
        }

        public init(ratePerSecond: Double, seconds: Double) {
            self.init(fromPerSecond: ratePerSecond, toPerSecond: ratePerSecond, seconds: seconds)
        }

        /// `RATE:SECONDS` or `FROM:TO:SECONDS`.
        public init(_ text: String) throws(LoadError) {
            let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
            switch (numbers.count, numbers.first ?? nil, numbers.dropFirst().first ?? nil, numbers.last ?? nil) {
            case (2, let rate?, _, let seconds?): self.init(ratePerSecond: rate, seconds: seconds)
            case (3, let from?, let to?, let seconds?): self.init(fromPerSecond: from, toPerSecond: to, seconds: seconds)
            default: throw .usage("\(text): a stage is RATE:SECONDS, a ramp FROM:TO:SECONDS")
            }
            try validate()
        }

        public var isRamp: Bool { fromPerSecond != toPerSecond }
        /// Arrivals that it brings, on average.
        var arrivalCount: Double { (fromPerSecond + toPerSecond) / 2 * seconds }

        /// Seconds into the stage until `count` arrivals are due.
        func seconds(untilArrivals count: Double) -> Double {
            guard isRamp else { return count / fromPerSecond }
            guard count > 0 else { return 0 }
            // The rate grows by `slope` a second: count = from * t + slope / 2 * t^2. This form of the root loses no digits.
            let slope = (toPerSecond - fromPerSecond) / seconds
            let discriminant = max(0, fromPerSecond * fromPerSecond + 2 * slope * count)
            return min(seconds, 2 * count / (fromPerSecond + discriminant.squareRoot()))
        }

        func validate() throws(LoadError) {
            for rate in [fromPerSecond, toPerSecond] where !(0...LoadLimits.rateMax).contains(rate) {
                throw .usage("a stage's rate of \(rate) a second is outside 0 ... \(LoadLimits.rateMax)")
            }
            guard (0.001...LoadLimits.durationSecondsMax).contains(seconds) else {
                throw .usage("a stage's \(seconds) s are outside 0.001 ... \(LoadLimits.durationSecondsMax)")
            }
        }
    }

    /// How arrivals lie around the rate.
    public enum Arrivals: String, Sendable, CaseIterable {
        /// At even intervals.
        case constant
        /// Independent of each other, as those of many callers are: a Poisson process.
        case poisson
    }

    public var stages: [Stage]
    public var arrivals: Arrivals

    public init(stages: [Stage], arrivals: Arrivals = .constant) {
        self.stages = stages
        self.arrivals = arrivals
    }

    public var seconds: Double { stages.reduce(0) { $0 + $1.seconds } }
    var arrivalCount: Double { stages.reduce(0) { $0 + $1.arrivalCount } }
    /// The same, begun `seconds` earlier at the first rate.
    func warmedUp(seconds: Double) -> LoadProfile {
        guard seconds > 0, let first = stages.first else { return self }
        return LoadProfile(
            stages: [Stage(ratePerSecond: first.fromPerSecond, seconds: seconds)] + stages, arrivals: arrivals)
    }
}
