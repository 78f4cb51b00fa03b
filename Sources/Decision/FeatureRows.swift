import Forest
import ModelBundle

/// Rows of validated features as they travel, in a bundle's precision.
///
/// Safety: a view; it must not outlive the request that the features came with, or the memory that they were derived into.
@safe
public struct FeatureRows {
    /// `[rowCount, featureCount]`, or empty.
    public let float32: UnsafeBufferPointer<Float>
    /// `[rowCount, featureCount]`, or empty.
    public let float64: UnsafeBufferPointer<Double>

    public init(_ rows: UnsafeBufferPointer<Float>) {
        unsafe float32 = rows
        unsafe float64 = UnsafeBufferPointer(start: nil, count: 0)
    }

    public init(_ rows: UnsafeBufferPointer<Double>) {
        unsafe float32 = UnsafeBufferPointer(start: nil, count: 0)
        unsafe float64 = rows
    }

    /// Scores `rowCount` rows of the bundle's feature count.
    ///
    /// - Parameters:
    ///   - raw: `[rowCount, rawCount]`, receives the raw scores.
    ///   - outputs: `[rowCount, outputCount]`, receives the outputs; another buffer than `raw`.
    @inlinable
    public func score(
        with bundle: Bundle, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        if let rows = unsafe float32.baseAddress {
            unsafe bundle.score(rows, rowCount: rowCount, raw: raw, outputs: outputs)
        } else if let rows = unsafe float64.baseAddress {
            unsafe bundle.score(rows, rowCount: rowCount, raw: raw, outputs: outputs)
        }
    }

    /// What each feature adds to each raw score: `[rowCount, rawCount, featureCount + 1]`, the base last.
    ///
    /// - Precondition: the bundle explains.
    public func contributions(
        of bundle: Bundle, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        scratch: inout ExplainerScratch
    ) {
        if let rows = unsafe float32.baseAddress {
            unsafe bundle.contributions(rows, rowCount: rowCount, into: contributions, scratch: &scratch)
        } else if let rows = unsafe float64.baseAddress {
            unsafe bundle.contributions(rows, rowCount: rowCount, into: contributions, scratch: &scratch)
        }
    }

    /// One feature of the first row, widened.
    public func value(_ feature: Int) -> Double {
        unsafe float32.isEmpty ? float64[feature] : Double(float32[feature])
    }

    /// One of the rows.
    public func row(_ index: Int, featureCount: Int) -> FeatureRows {
        let range = index * featureCount..<(index + 1) * featureCount
        return unsafe float32.isEmpty
            ? FeatureRows(UnsafeBufferPointer(rebasing: float64[range]))
            : FeatureRows(UnsafeBufferPointer(rebasing: float32[range]))
    }
}
