/// The bounds of every forest, checked when one is packed and again when one is admitted.
public enum ForestLimits {
    /// The largest feature vectors in use are a quarter of it.
    public static let featureCountMax = 8192
    /// The scorer keeps a 4-byte key a slot on the stack: 256 KiB, 1/32 of a thread's usual 8 MiB stack.
    public static let slotCountMax = 1 << 16
    /// One raw score an output: 8 KiB a row; the largest class counts in use are a tenth of it.
    public static let outputCountMax = 1024
    /// 800 times the largest ensemble measured; it bounds the tree table at 8 MiB.
    public static let treeCountMax = 1 << 20
    /// 8 bytes a node: 2 GiB, the largest file admitted.
    public static let nodeCountMax = 1 << 28
    /// A level costs every row some nanoseconds in each group of eight trees; fully grown forests stay below 100.
    public static let depthMax = 255
    /// The bits that tell for each category in which sets it is: 256 MiB, 1,000 times what the largest model measured needs.
    public static let categoryWordCountMax = 1 << 26
    /// XGBoost's own limit for a category is 2^24, LightGBM's 2^31 - 1.
    public static let categoryMax = Int(Int32.max)
}
