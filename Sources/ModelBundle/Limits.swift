/// The bounds of every bundle, held when one is written and when one is admitted.
public enum BundleLimits {
    /// A bundle is copied into memory once for each version served; 2 GiB holds 2^28 nodes.
    public static let fileByteCountMax = 1 << 31
    /// As the registry's directory names.
    public static let nameByteCountMax = 64
    public static let featureNameByteCountMax = 256
    public static let objectiveByteCountMax = 64
    /// Provenance is shown whole by DescribeModel: 64 entries of at most 4 KiB stay below 264 KiB.
    public static let provenanceCountMax = 64
    public static let provenanceKeyByteCountMax = 64
    public static let provenanceValueByteCountMax = 4096
    /// Enough rows to meet the leaves of a large forest; at 8192 features they take 320 MiB.
    public static let goldenRowCountMax = 10_000
    /// Steps that admission spends on golden rows: 0.5 s with the fastest kernel, below 2 s with all but the plain one. More would let a
    /// small file stall the publisher.
    public static let goldenStepCountMax = 1 << 31
    /// Schema files are written by hand.
    public static let schemaFileByteCountMax = 4 << 20
}
