/// Rows with the results of the framework that trained the model; all matrices are row-major.
public struct GoldenRows: Sendable {
    public var rowCount: Int
    /// `[rowCount, featureCount]`, NaN where missing, never infinite; exactly representable in the bundle's precision.
    public var features: [Double]
    /// `[rowCount, rawCount]`; nil when the framework's raw scores are not at hand, and then those computed here are stored.
    public var raw: [Double]?
    /// `[rowCount, outputCount]`.
    public var outputs: [Double]
    /// How far raw scores and outputs may be from the reference.
    public var tolerance: GoldenTolerance

    public init(
        rowCount: Int, features: [Double], raw: [Double]? = nil, outputs: [Double], tolerance: GoldenTolerance = .exact
    ) {
        self.rowCount = rowCount
        self.features = features
        self.raw = raw
        self.outputs = outputs
        self.tolerance = tolerance
    }

    public static let none = GoldenRows(rowCount: 0, features: [], raw: [], outputs: [])
}

/// How far results may be from their references: `|actual - expected| <= tolerance * max(1, |expected|)`, or the same bits where 0.
///
/// Bit-equality is the rule. Where a framework's own last bits depend on its thread count, vector unit or library of functions, the bundle
/// states what is granted.
public struct GoldenTolerance: Sendable, Equatable {
    /// 0 to 1e-3.
    public var raw: Double
    /// 0 to 1e-3.
    public var outputs: Double

    public init(raw: Double = 0, outputs: Double = 0) {
        self.raw = raw
        self.outputs = outputs
    }

    public static let exact = GoldenTolerance()
    /// More than that would prove nothing.
    public static let limit = 1e-3

    public var isExact: Bool { raw == 0 && outputs == 0 }

    func check() throws(BundleError) {
        for value in [raw, outputs] where !(value >= 0 && value <= Self.limit) { throw .goldenToleranceInvalid }
    }
}
