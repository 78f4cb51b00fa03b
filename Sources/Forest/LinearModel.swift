/// Weights of features, for linear and logistic models: added to each raw score's base margin in the order of the features.
///
/// A missing feature adds nothing. Products and sums are computed in the ensemble's `sumPrecision`.
public struct LinearModel: Sendable, Equatable {
    /// `[rawCount, featureCount]`, finite in the sum precision, to which they are rounded.
    public var weights: [Double]

    public init(weights: [Double]) { self.weights = weights }
}

/// Centres and scales each feature in float64 before the model sees it, as scikit-learn's StandardScaler: `(x - mean) / scale`.
public struct StandardScaler: Sendable, Equatable {
    /// `[featureCount]`, finite.
    public var means: [Double]
    /// `[featureCount]`, finite and not zero.
    public var scales: [Double]

    public init(means: [Double], scales: [Double]) {
        self.means = means
        self.scales = scales
    }
}
