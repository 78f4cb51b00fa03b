/// The bounds of every forest, checked when one is packed and again when one is admitted.
public enum ForestLimits {
    /// The scorer keeps two 4-byte keys a feature on the stack: 64 KiB at this count, 1/128 of a thread's usual 8 MiB stack.
    public static let featureCountMax = 8192
    /// One raw score an output: 4 KiB a row; the largest class counts in use are a tenth of it.
    public static let outputCountMax = 1024
    /// 800 times the largest ensemble measured; it bounds the tree table at 8 MiB.
    public static let treeCountMax = 1 << 20
    /// 8 bytes a node: 2 GiB, the largest file admitted.
    public static let nodeCountMax = 1 << 28
    /// A level costs every row some nanoseconds in each group of eight trees; fully grown forests stay below 100.
    public static let depthMax = 255
}
