import ModelBundle

/// What a backtest does.
public struct BacktestPlan: Sendable {
    public var challenger: Bundle
    /// Decisions by the bundle of this name are scored with the challenger.
    public var name: String
    public var window = JournalWindow()
    /// The challenger's thresholds, unless others are to be tried.
    public var policy: OutcomePolicy
    public var segment: SegmentKey?
    public var costs: CostMatrix?
    /// Where the bundles that made the records are; features are matched by name then.
    public var shelf: BundleShelf?
    public var threadCount = 1
    /// Whether each block's SHA-256 is computed anew.
    public var checksHash = false
    /// Whether the engine alone is measured afterwards, on the same rows.
    public var measuresEngine = false
    /// Takes the flipped decisions as lines of CSV, in the order of the journal.
    public var takesFlips: (@Sendable ([UInt8]) -> Void)?
    public var progress: ReplayProgress?

    public init(_ challenger: Bundle) {
        self.challenger = challenger
        name = challenger.name
        policy = challenger.policy
    }
}

/// What errors and work cost, in any currency.
public struct CostMatrix: Sendable, Equatable {
    /// A fraudulent transaction that was approved.
    public var missed: Double
    /// An honest transaction that was declined.
    public var blocked: Double
    /// A review, however it ends.
    public var review: Double

    public init(missed: Double, blocked: Double, review: Double) {
        (self.missed, self.blocked, self.review) = (missed, blocked, review)
    }

    /// What is to be expected of an outcome, if `probability` is that of fraud.
    @inline(__always)
    func expected(_ outcome: Int, probability: Double) -> Double {
        outcome == 1 ? probability * missed : outcome == 2 ? review : (1 - probability) * blocked
    }
}
