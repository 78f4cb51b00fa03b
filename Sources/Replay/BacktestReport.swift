import Platform

/// What a backtest found.
public struct BacktestReport: Sendable {
    public var name: String
    public var challengerName: String
    public var challengerDigest: SHA256Digest
    public var reviewThreshold: Double
    public var declineThreshold: Double
    /// Decisions that were scored.
    public var count = 0
    /// Decisions of the window by other bundles.
    public var otherCount = 0
    /// Whose features were derived from the recorded transaction, because the challenger takes others than were recorded.
    public var derivedCount = 0
    /// Decisions whose transaction does not give the challenger's features; not scored.
    public var underivableCount = 0
    public var versions: [UInt32] = []
    /// Whether the features' names could be compared: false where the registry does not have a bundle, or none was given.
    public var comparedNames = true
    /// `[recorded][challenger]`: approve, review, decline.
    public var flips: [[Int]] = []
    public var days: [BacktestDay] = []
    public var recorded = ScoreDistribution()
    public var challenger = ScoreDistribution()
    /// Mean of |challenger - recorded|.
    public var meanDistance = 0.0
    public var stabilityIndex: Double?
    public var segments: [BacktestSegment] = []
    public var costs: BacktestCosts?
    public var voidCount = 0
    public var damageCount = 0
    public var bins = ScoreBins()
    public var speed = BacktestSpeed()

    public var flipCount: Int { count - (0..<3).reduce(0) { $0 + flips[$1][$1] } }
}

/// Outcomes of a day in UTC: approve, review, decline.
public struct BacktestDay: Sendable {
    public let daysSince1970: Int64
    public let recorded: [Int]
    public let challenger: [Int]

    /// `2026-11-21`
    public var text: String {
        String(UTCTimestamp.text(unixSeconds: daysSince1970 * 86_400, nanoseconds: 0, digitCount: 0).prefix(10))
    }

    public var recordedAlerts: Int { recorded[1] + recorded[2] }
    public var challengerAlerts: Int { challenger[1] + challenger[2] }
}

/// How scores are distributed.
public struct ScoreDistribution: Sendable {
    public static let shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    public var mean = 0.0
    /// At `shares`, to 1 % of their value.
    public var quantiles: [Double] = []
    public var nanCount = 0

    init() {}

    init(_ histogram: FineHistogram, sum: FixedSum) {
        let count = histogram.total
        mean = count > 0 ? sum.value / Double(count) : .nan
        quantiles = Self.shares.map { histogram.quantile($0) ?? .nan }
        nanCount = Int(histogram.nanCount)
    }
}

/// Scores counted in intervals of equal width, for pictures.
public struct ScoreBins: Sendable {
    public static let count = 40
    public var bounds = 0.0...1.0
    public var recorded: [Double] = []
    public var challenger: [Double] = []

    init() {}

    init(_ recorded: FineHistogram, _ challenger: FineHistogram) {
        let low = min(recorded.quantile(0) ?? 0, challenger.quantile(0) ?? 0)
        let high = max(recorded.quantile(1) ?? 1, challenger.quantile(1) ?? 1)
        if low < 0 || high > 1 { bounds = low...max(high, low.nextUp) }
        self.recorded = recorded.binned(bounds, count: Self.count)
        self.challenger = challenger.binned(bounds, count: Self.count)
    }
}

/// Decisions that have something in common.
public struct BacktestSegment: Sendable {
    public let name: String
    public let count: Int
    public let recordedAlerts: Int
    public let challengerAlerts: Int
    public let flipCount: Int
    public let recorded: ScoreDistribution
    public let challenger: ScoreDistribution
    public let stabilityIndex: Double?
}

/// Expected costs of the outcomes, if the one or the other model's score is the probability of fraud.
public struct BacktestCosts: Sendable {
    public var matrix: CostMatrix
    public var recordedByRecorded = 0.0
    public var challengerByRecorded = 0.0
    public var recordedByChallenger = 0.0
    public var challengerByChallenger = 0.0
    /// Scores outside 0 … 1: they are no probabilities, and the costs mean nothing.
    public var improbableCount = 0
}

/// How fast it went.
public struct BacktestSpeed: Sendable {
    public var threadCount = 1
    public var wallNanoseconds: UInt64 = 0
    public var processorNanoseconds: UInt64 = 0
    public var journalByteCount = 0
    public var checkedHash = true
    /// The engine alone on the same rows, batches of 1,000, one thread, for a row; nil: not measured.
    public var engineWallNanoseconds: Double?
    public var engineProcessorNanoseconds: Double?
}
