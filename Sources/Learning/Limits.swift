/// The bounds of what is trained here.
public enum LearningLimits {
    /// Ten times what anybody was seen to use; with `sampleCountMax` below it bounds a forest at some gigabytes.
    public static let treeCountMax = 10_000
    /// The trees of larger samples are no better at isolating, says the paper; 2^16 rows make trees of depth 16.
    public static let sampleCountMax = 1 << 16
    /// Rows whose scores are kept for the contamination: 16 GiB of rows of one feature.
    public static let rowCountMax = 1 << 32
    /// Rows of the training data that go into a bundle as golden rows.
    public static let goldenRowCount = 64
}
