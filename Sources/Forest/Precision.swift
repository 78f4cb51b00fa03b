/// The width of numbers on one part of the road from features to scores. The numbers are stored in bundles.
public enum Precision: UInt16, Sendable, CaseIterable {
    /// IEEE 754 binary32.
    case float32 = 1
    /// IEEE 754 binary64.
    case float64 = 2

    public var byteCount: Int { self == .float32 ? 4 : 8 }
}
