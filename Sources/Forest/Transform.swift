/// How raw scores become outputs: a kind and its parameters, computed in the ensemble's `sumPrecision`.
public struct Transform: Sendable, Equatable {
    public var kind: Kind
    /// Raw scores are divided by it first (an average over trees); 1 for none, else the division takes place.
    public var divisor: Double
    /// See the kinds.
    public var scale: Double
    /// See the kinds.
    public var offset: Double

    public init(_ kind: Kind, divisor: Double = 1, scale: Double = 1, offset: Double = 0) {
        self.kind = kind
        self.divisor = divisor
        self.scale = scale
        self.offset = offset
    }

    /// The numbers are stored in bundles: never reuse one.
    public enum Kind: UInt16, Sendable, CaseIterable {
        /// Outputs are the raw scores.
        case identity = 1
        /// The logistic function. float32: XGBoost's; float64: `1 / (1 + exp(-scale * x))`, LightGBM's and scikit-learn's.
        case logistic = 2
        /// The exponential of each raw score.
        case exponential = 3
        /// 1 where the raw score is above 0, else 0.
        case step = 4
        /// The softmax over all raw scores.
        case softmax = 5
        /// One output: the index of the greatest raw score, the first of equals.
        case argmax = 6
        /// `log1p(exp(x))`, LightGBM's cross_entropy_lambda. float64 only.
        case softplus = 7
        /// `x * |x|`, LightGBM's reg_sqrt. float64 only.
        case signedSquare = 8
        /// An Isolation Forest's score of the sum of path lengths: `-2^(-x / scale) - offset`; scale is trees x c(samples). With offset
        /// 0 scikit-learn's `score_samples`, with its `offset_` the `decision_function`. float64 only.
        case isolation = 9
    }

    /// How many outputs come from so many raw scores.
    public func outputCount(rawCount: Int) -> Int { kind == .argmax ? 1 : rawCount }

    /// Whether the parameters are finite and the divisors not zero in that precision, the kind exists in it, and those that it does not
    /// look at are at their defaults.
    func isValid(in precision: Precision) -> Bool {
        guard divisor.isFinite, scale.isFinite, offset.isFinite, divisor != 0, scale != 0 else { return false }
        guard divisor.rounded(to: precision) == divisor else { return false }
        switch kind {
        case .isolation: return precision == .float64
        case .logistic: return offset == 0 && (scale == 1 || precision == .float64)
        case .softplus, .signedSquare: return precision == .float64 && scale == 1 && offset == 0
        case .identity, .exponential, .step, .softmax, .argmax: return scale == 1 && offset == 0
        }
    }

    /// Writes the outputs of `rawCount` >= 1 raw scores; the two buffers are different ones. float32 raw scores come widened.
    public func apply(
        _ raw: UnsafePointer<Double>, rawCount: Int, _ outputs: UnsafeMutablePointer<Double>, precision: Precision
    ) {
        if precision == .float32 {
            unsafe apply32(raw, rawCount, outputs)
        } else {
            unsafe apply64(raw, rawCount, outputs)
        }
    }
}
