import Glibc

/// How raw scores become outputs, in XGBoost's own float32 arithmetic. The numbers are stored in bundles: never reuse one.
public enum Transform: UInt16, Sendable, CaseIterable {
    /// Outputs are the raw scores.
    case identity = 1
    /// The logistic function of each raw score.
    case logistic = 2
    /// The exponential of each raw score.
    case exponential = 3
    /// 1 where the raw score is above 0, else 0.
    case step = 4
    /// The softmax over all raw scores.
    case softmax = 5
    /// One output: the index of the greatest raw score, the first of equals.
    case argmax = 6

    /// How many outputs come from so many raw scores.
    public func outputCount(rawCount: Int) -> Int { self == .argmax ? 1 : rawCount }

    /// Writes the outputs of `rawCount` >= 1 raw scores; the two buffers are different ones.
    @inline(__always)
    func apply(_ raw: UnsafePointer<Float>, rawCount: Int, _ outputs: UnsafeMutablePointer<Float>) {
        switch self {
        case .identity: for index in 0..<rawCount { unsafe outputs[index] = raw[index] }
        case .logistic: for index in 0..<rawCount { unsafe outputs[index] = Self.sigmoid(raw[index]) }
        case .exponential: for index in 0..<rawCount { unsafe outputs[index] = expf(raw[index]) }
        case .step: for index in 0..<rawCount { unsafe outputs[index] = raw[index] > 0 ? 1 : 0 }
        case .softmax: unsafe Self.softmax(raw, rawCount, outputs)
        case .argmax: unsafe outputs[0] = Self.indexOfMaximum(raw, rawCount)
        }
    }

    /// XGBoost's sigmoid: the exponent is capped before expf overflows, and the sum keeps its tiny third term.
    @inline(__always)
    static func sigmoid(_ margin: Float) -> Float {
        let exponent = -margin < 88.7 ? -margin : 88.7
        return 1 / (expf(exponent) + 1 + 1e-16)
    }

    /// XGBoost's softmax: float32 exponentials, their sum in float64, divided by that sum rounded to float32.
    static func softmax(_ raw: UnsafePointer<Float>, _ count: Int, _ outputs: UnsafeMutablePointer<Float>) {
        var maximum = unsafe raw[0]
        for index in 1..<max(count, 1) { maximum = unsafe max(maximum, raw[index]) }
        var sum = 0.0
        for index in 0..<count {
            let power = unsafe expf(raw[index] - maximum)
            unsafe outputs[index] = power
            sum += Double(power)
        }
        let divisor = Float(sum)
        for index in 0..<count { unsafe outputs[index] /= divisor }
    }

    static func indexOfMaximum(_ raw: UnsafePointer<Float>, _ count: Int) -> Float {
        var best = 0
        for index in 1..<max(count, 1) where unsafe raw[index] > raw[best] { best = index }
        return Float(best)
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
