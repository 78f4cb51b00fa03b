/// Rows with the results of the framework that trained the model; all matrices are row-major.
public struct GoldenRows: Sendable {
    public var rowCount: Int
    /// `[rowCount, featureCount]`, NaN where missing, never infinite.
    public var features: [Float]
    /// `[rowCount, rawCount]`; nil when the framework's raw scores are not at hand, and then those computed here are stored.
    public var raw: [Float]?
    /// `[rowCount, outputCount]`.
    public var outputs: [Float]

    public init(rowCount: Int, features: [Float], raw: [Float]? = nil, outputs: [Float]) {
        self.rowCount = rowCount
        self.features = features
        self.raw = raw
        self.outputs = outputs
    }

    public static let none = GoldenRows(rowCount: 0, features: [], raw: [], outputs: [])
}
