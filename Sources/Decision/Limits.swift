/// What a transaction may say at most. Beyond it, it is no transaction of its chain, and is refused instead of scored.
public enum DecisionLimits {
    /// All bitcoin that will ever be (consensus, MAX_MONEY), satoshi. Every value and every sum of values is held to it, so sums of
    /// UInt64 cannot overflow: before each addition both sides are at most this.
    public static let satoshisMax: UInt64 = 2_100_000_000_000_000

    /// A block's weight (consensus, MAX_BLOCK_WEIGHT), and with it a transaction's.
    public static let weightMax: UInt64 = 4_000_000
    /// A transaction without witness bytes could be as large as a block's base size.
    public static let baseByteCountMax = weightMax / 4
    /// The smallest transaction: 4 version, 1 + 41 for one input, 1 + 9 for one output, 4 lock time.
    public static let baseByteCountMin: UInt64 = 60

    /// As many inputs of 41 bytes as fit into the base size beside version, lock time, counts and one output.
    public static let inputCountMax = Int(baseByteCountMax - 4 - 3 - 1 - 9 - 4) / 41
    /// As many outputs of 9 bytes as fit into the base size beside version, lock time, counts and one input.
    public static let outputCountMax = Int(baseByteCountMax - 4 - 1 - 41 - 5 - 4) / 9

    /// Age of a spent output: 190 years of blocks. With `satoshisMax` it keeps value x age below 2^75.
    public static let ageBlocksMax: UInt32 = 10_000_000

    /// The year 10000, Unix microseconds: what is later was not meant as microseconds.
    public static let timeMicrosecondsMax: Int64 = 253_402_300_800_000_000

    /// Amount of a card payment in minor units, either sign: exact in a Double.
    public static let amountMinorMax: Int64 = 1_000_000_000_000_000
    /// Elapsed seconds, either sign: 31,000 years.
    public static let elapsedSecondsMax = 1e12
    /// V1 … V28.
    public static let componentCountMax = 28
    /// ISO 18245 codes have four digits.
    public static let merchantCategoryMax: UInt32 = 9999
}
