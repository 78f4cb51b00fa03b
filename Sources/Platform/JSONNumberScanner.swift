/// Reads one number of the JSON grammar and rounds it, correctly, to Double and to Float.
struct JSONNumberScanner {
    private let bytes: [UInt8]
    private let start: Int
    private(set) var offset: Int
    private var isNegative = false
    private var isInteger = true
    /// The digits as one integer while they fit; `decimalExponent` places the point.
    private var mantissa: UInt64 = 0
    private var mantissaOverflowed = false
    private var decimalExponent = 0

    init(bytes: [UInt8], offset: Int) {
        self.bytes = bytes
        self.start = offset
        self.offset = offset
    }

    mutating func scan() throws(JSONError) -> JSONNumber {
        if consume(UInt8(ascii: "-")) { isNegative = true }
        let integerStart = offset
        guard scanDigits() > 0, offset == integerStart + 1 || bytes[integerStart] != UInt8(ascii: "0") else {
            throw .invalidNumber(offset: start)
        }
        if consume(UInt8(ascii: ".")) {
            isInteger = false
            let digitCount = scanDigits()
            guard digitCount > 0 else { throw .invalidNumber(offset: start) }
            decimalExponent -= digitCount
        }
        if consume(UInt8(ascii: "e")) || consume(UInt8(ascii: "E")) {
            isInteger = false
            try scanExponent()
        }
        if let integer = integerValue() { return integer }
        return try realValue()
    }

    private mutating func consume(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    /// Takes digits into the mantissa and returns how many there were.
    private mutating func scanDigits() -> Int {
        let first = offset
        while offset < bytes.count, case let digit = bytes[offset] &- UInt8(ascii: "0"), digit < 10 {
            let (product, overflowed) = mantissa.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(UInt64(digit))
            mantissaOverflowed = mantissaOverflowed || overflowed || carried
            mantissa = sum
            offset += 1
        }
        return offset - first
    }

    private mutating func scanExponent() throws(JSONError) {
        let isNegativeExponent = consume(UInt8(ascii: "-"))
        if !isNegativeExponent { _ = consume(UInt8(ascii: "+")) }
        var exponent = 0
        let first = offset
        while offset < bytes.count, case let digit = bytes[offset] &- UInt8(ascii: "0"), digit < 10 {
            // Beyond a million every finite text is zero or out of range, so the cap changes no result.
            exponent = min(exponent * 10 + Int(digit), 1_000_000)
            offset += 1
        }
        guard offset > first else { throw .invalidNumber(offset: start) }
        decimalExponent += isNegativeExponent ? -exponent : exponent
    }

    /// The exact integer of a text without point and exponent; minus zero is left to Double, which has one.
    private func integerValue() -> JSONNumber? {
        guard isInteger, !mantissaOverflowed else { return nil }
        guard isNegative else { return JSONNumber(mantissa) }
        guard mantissa != 0, mantissa <= UInt64(Int64.max) else { return nil }
        return JSONNumber(-Int64(mantissa))
    }

    private func realValue() throws(JSONError) -> JSONNumber {
        let double = exactProduct() ?? parsedByLibrary(Double.self)
        guard let double, double.isFinite else { throw .numberOutOfRange(offset: start) }
        return JSONNumber(double: double, nearestFloat: nearestFloat(to: double))
    }

    /// Clinger's case: an exact mantissa times or over an exact power of ten rounds once.
    private func exactProduct() -> Double? {
        guard !mantissaOverflowed, mantissa <= 1 << 53, (-22...22).contains(decimalExponent) else { return nil }
        let magnitude = Double(mantissa)
        let value =
            decimalExponent < 0 ? magnitude / Self.powersOfTen[-decimalExponent] : magnitude * Self.powersOfTen[decimalExponent]
        return isNegative ? -value : value
    }

    /// Rounding a correctly rounded Double to Float errs only where that Double lies exactly halfway between two Floats (or where
    /// the Float is subnormal and has fewer bits); only there the text is rounded again from the start.
    private func nearestFloat(to double: Double) -> Float {
        let isHalfway = double.bitPattern & 0x1fff_ffff == 0x1000_0000
        let isSubnormal = double != 0 && double.magnitude < 0x1.000002p-126
        guard isHalfway || isSubnormal else { return Float(double) }
        return parsedByLibrary(Float.self) ?? Float(double)
    }

    private func parsedByLibrary<Value: LosslessStringConvertible>(_: Value.Type) -> Value? {
        Value(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
        1e22,
    ]
}
