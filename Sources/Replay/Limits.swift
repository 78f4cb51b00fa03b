/// The maxima of replay and backtest and where they come from.
public enum ReplayLimits {
    /// Rows that are scored together: more than enough for the batch kernels, and their numbers stay in the second-level cache.
    static let batchRowCountMax = 1024

    public static let threadCountMax = 256

    /// Differing records that a report shows in full; what follows is counted.
    static let differenceCountMax = 20

    /// How far a contribution may be from the recorded one where another processor's kernel computed that, relative to the row's largest:
    /// ten times what the kernels of one build differ by (`Tests/ForestTests/ExplainerTests.swift`).
    public static let contributionTolerance = 1e-10

    /// Segments of a backtest, each with two histograms of 12 KiB a thread.
    public static let segmentCountMax = 1_000

    /// Days of a backtest: a century.
    static let dayCountMax = 36_525

    /// Bundles that one journal's records may name; their digests are looked up one after another.
    static let bundleCountMax = 10_000

    /// Clocks may be set back, threads be held up, and a block is written a moment after its decisions: how much earlier and later than the
    /// window the journal is looked at.
    static let clockSlackNanoseconds: Int64 = 3_600_000_000_000

    /// Decisions on one transaction that are taken from the indexes, into memory (some 3 MB). Where there are more, the journal is read.
    static let transactionRecordCountMax = 10_000
}
