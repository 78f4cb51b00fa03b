import Glibc

/// XGBoost's own float32 arithmetic; the raw scores are float32 numbers, widened.
extension Transform {
    @inline(__always)
    func apply32(_ raw: UnsafePointer<Double>, _ rawCount: Int, _ outputs: UnsafeMutablePointer<Double>) {
        switch kind {
        case .identity: for index in 0..<rawCount { unsafe outputs[index] = Double(value32(raw[index])) }
        case .logistic: for index in 0..<rawCount { unsafe outputs[index] = Double(Self.sigmoid(value32(raw[index]))) }
        case .exponential: for index in 0..<rawCount { unsafe outputs[index] = Double(expf(value32(raw[index]))) }
        case .step: for index in 0..<rawCount { unsafe outputs[index] = value32(raw[index]) > 0 ? 1 : 0 }
        case .softmax: unsafe softmax32(raw, rawCount, outputs)
        case .argmax: unsafe outputs[0] = Self.indexOfMaximum(raw, rawCount)
        case .softplus, .signedSquare, .isolation: preconditionFailure("\(kind) has no float32 form; isValid refuses it")
        }
    }

    @inline(__always)
    private func value32(_ raw: Double) -> Float { divisor == 1 ? Float(raw) : Float(raw) / Float(divisor) }

    /// XGBoost's sigmoid: the exponent is capped before expf overflows, and the sum keeps its tiny third term.
    @inline(__always)
    static func sigmoid(_ margin: Float) -> Float {
        // In this order NaN stays NaN.
        let exponent = min(-margin, 88.7)
        return 1 / (expf(exponent) + 1 + 1e-16)
    }

    /// XGBoost's softmax: float32 exponentials, their sum in float64, divided by that sum rounded to float32.
    private func softmax32(_ raw: UnsafePointer<Double>, _ count: Int, _ outputs: UnsafeMutablePointer<Double>) {
        var maximum = unsafe value32(raw[0])
        for index in 1..<max(count, 1) { maximum = unsafe max(maximum, value32(raw[index])) }
        var sum = 0.0
        for index in 0..<count {
            let power = unsafe Double(expf(value32(raw[index]) - maximum))
            unsafe outputs[index] = power
            sum += power
        }
        let divisor = Float(sum)
        for index in 0..<count { unsafe outputs[index] = Double(Float(outputs[index]) / divisor) }
    }

    static func indexOfMaximum(_ raw: UnsafePointer<Double>, _ count: Int) -> Double {
        var best = 0
        for index in 1..<max(count, 1) where unsafe raw[index] > raw[best] { best = index }
        return Double(best)
    }
}

/// How a model's base score, given in the scale of its predictions, becomes the margin that sums start at.
public enum BaseLink: Sendable {
    case identity
    case logit
    case log

    /// The margin of a base score, in float32 as XGBoost computes it: probabilities are kept 1e-6 away from 0 and 1.
    public func margin(ofBaseScore score: Float) -> Float {
        switch self {
        case .identity: return score
        case .logit:
            let clamped = min(max(score, 1e-6), 1 - 1e-6)
            return -logf(1 / clamped - 1)
        case .log: return logf(score)
        }
    }
}
