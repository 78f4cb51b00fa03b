/// Functions by additions, multiplications and divisions only: the C library's results depend on its version and on the
/// processor, and what is trained here must be the same bits on every machine.
enum FixedArithmetic {
    /// ln 2, rounded.
    static let ln2 = 0.693_147_180_559_945_309_4
    /// ln 2 in two parts, of which the first has few bits, so that its product with an exponent is exact.
    private static let ln2High = 0.693_147_180_369_123_816_49
    private static let ln2Low = 1.908_214_929_270_587_700_02e-10

    /// ln(x) for finite x > 0, within 2 ulp.
    ///
    /// x = 2^e m with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.1716, of which twelve terms
    /// of the series leave an error below 2^-60.
    static func logarithm(_ x: Double) -> Double {
        var exponent = Double(x.exponent)
        var significand = x.significand
        if significand > 1.414_213_562_373_095_1 {
            significand *= 0.5
            exponent += 1
        }
        let s = (significand - 1) / (significand + 1)
        let square = s * s
        var series = 1.0 / 23
        for divisor in stride(from: 21.0, through: 3, by: -2) { series = series * square + 1 / divisor }
        return exponent * ln2High + (exponent * ln2Low + 2 * (s + s * square * series))
    }

    /// e^x for finite x in [-700, 0], within 2 ulp.
    ///
    /// x = n ln 2 + r with |r| <= 0.35; of e^r, sixteen terms of the series leave an error below 2^-68.
    static func exponential(_ x: Double) -> Double {
        let exponent = (x / ln2).rounded()
        let rest = (x - exponent * ln2High) - exponent * ln2Low
        var series = 1.0
        for divisor in stride(from: 15.0, through: 1, by: -1) { series = 1 + series * rest / divisor }
        return Double(sign: .plus, exponent: Int(exponent), significand: series)
    }
}
