/// The arithmetic a bundle's scores are computed in. The numbers are stored in bundles.
public enum Precision: UInt16, Sendable, CaseIterable {
    /// Features, thresholds and sums in float32, as XGBoost.
    case float32 = 1
    /// Features, thresholds and sums in float64, as LightGBM: reserved in the format, refused by name until its evaluator exists.
    case float64 = 2
}
