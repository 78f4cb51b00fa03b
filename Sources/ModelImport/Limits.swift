/// The bounds of what is imported. Loading takes time and memory linear in the file's byte count.
public enum ImportLimits {
    /// Text is held as values of 24 bytes for at least 2 bytes of text: below 7 GiB for the largest file.
    public static let modelFileByteCountMax = 512 << 20
    public static let rowFileByteCountMax = 1 << 31
    /// Model files nest about ten levels.
    public static let depthMax = 64
    /// How much of a name from a model file an error repeats.
    public static let quotedByteCountMax = 64
}
