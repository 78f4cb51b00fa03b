/// The bounds of what an explainer derives from a forest.
public enum ExplainerLimits {
    /// What is kept for as long as the forest is served. A split takes 48 bytes, and up to 128 more if a split above tests the same
    /// feature; a leaf takes 8 a raw score. 500 trees of depth 8 take 5 MB; this is enough for some 10 million splits.
    public static let byteCountMax = 1 << 30
    /// What one row's intermediate results may take, so that they stay in a core's caches: 16,384 inner splits with at most 16
    /// features on a path. Beyond it, single rows take the kernel of sixteen, which needs no memory for each node.
    public static let rowByteCountMax = 1 << 21
    /// Small trees are done together until this is full, a third of the smallest first cache in use.
    public static let groupByteCountMax = 12 << 10
}
