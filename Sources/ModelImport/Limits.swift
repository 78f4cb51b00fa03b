/// The bounds of what is imported. Loading takes time and memory linear in the file's byte count.
public enum ImportLimits {
    /// Values are held in 24 bytes each, and take at least 2 bytes of text or 1 of a typed UBJSON array: below 13 GiB for the largest file.
    public static let modelFileByteCountMax = 512 << 20
    public static let rowFileByteCountMax = 1 << 31
    /// Model files nest about ten levels.
    public static let depthMax = 64
    /// How much of a name from a model file an error repeats.
    public static let quotedByteCountMax = 64
}
