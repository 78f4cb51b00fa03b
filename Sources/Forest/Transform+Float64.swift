import Glibc

/// The float64 arithmetic of LightGBM and scikit-learn.
extension Transform {
    @inline(__always)
    func apply64(_ raw: UnsafePointer<Double>, _ rawCount: Int, _ outputs: UnsafeMutablePointer<Double>) {
        switch kind {
        case .identity: for index in 0..<rawCount { unsafe outputs[index] = value64(raw[index]) }
        case .logistic: for index in 0..<rawCount { unsafe outputs[index] = 1 / (1 + exp(-scale * value64(raw[index]))) }
        case .exponential: for index in 0..<rawCount { unsafe outputs[index] = exp(value64(raw[index])) }
        case .step: for index in 0..<rawCount { unsafe outputs[index] = value64(raw[index]) > 0 ? 1 : 0 }
        case .softmax: unsafe softmax64(raw, rawCount, outputs)
        case .argmax: unsafe outputs[0] = Self.indexOfMaximum(raw, rawCount)
        case .softplus: for index in 0..<rawCount { unsafe outputs[index] = log1p(exp(value64(raw[index]))) }
        case .signedSquare:
            for index in 0..<rawCount {
                let value = unsafe value64(raw[index])
                unsafe outputs[index] = value < 0 ? -(value * value) : value * value
            }
        case .isolation: for index in 0..<rawCount { unsafe outputs[index] = -exp2(-value64(raw[index]) / scale) - offset }
        }
    }

    @inline(__always)
    private func value64(_ raw: Double) -> Double { divisor == 1 ? raw : raw / divisor }

    /// LightGBM's softmax: exponentials of the distances to the greatest, divided by their sum.
    private func softmax64(_ raw: UnsafePointer<Double>, _ count: Int, _ outputs: UnsafeMutablePointer<Double>) {
        var maximum = unsafe value64(raw[0])
        for index in 1..<max(count, 1) { maximum = unsafe max(maximum, value64(raw[index])) }
        var sum = 0.0
        for index in 0..<count {
            let power = unsafe exp(value64(raw[index]) - maximum)
            unsafe outputs[index] = power
            sum += power
        }
        for index in 0..<count { unsafe outputs[index] /= sum }
    }
}
