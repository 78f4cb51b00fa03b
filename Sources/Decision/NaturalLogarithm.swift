/// ln(x) for finite x >= 1, by fixed arithmetic: the C library's result depends on its version and on the processor, and a feature must
/// be the same bits on every machine. Within 2 ulp of the exact value.
///
/// x = 2^e m with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.1716, of which twelve terms of the series
/// leave an error below 2^-60.
func naturalLogarithm(_ x: Double) -> Double {
    var exponent = Double(x.exponent)
    var significand = x.significand
    if significand > 1.414_213_562_373_095_1 {
        significand *= 0.5
        exponent += 1
    }
    let s = (significand - 1) / (significand + 1)
    let square = s * s
    var series = 1.0 / 23
    var divisor = 21.0
    while divisor >= 3 {
        series = series * square + 1 / divisor
        divisor -= 2
    }
    // ln 2 in two parts: the first has few bits, so that its product with the exponent is exact.
    return exponent * 0.693_147_180_369_123_816_49 + (exponent * 1.908_214_929_270_587_700_02e-10 + 2 * (s + s * square * series))
}
