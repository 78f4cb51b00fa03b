/// The lines of a LightGBM model file, read once from front to back. Lines end with a line feed, after a carriage return or not.
struct LightGBMText {
    let bytes: [UInt8]
    /// Where the next line begins.
    private(set) var offset = 0
    /// How many lines were read.
    private(set) var lineCount = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// One line, without what ends it.
    struct Line {
        /// Counted from 1, as editors do.
        let number: Int
        /// The offset of its first byte in the file.
        let offset: Int
        /// What stands before the first `=`, or the whole line without one.
        let key: ArraySlice<UInt8>
        /// What stands after it.
        let value: ArraySlice<UInt8>?

        var isEmpty: Bool { key.isEmpty && value == nil }

        /// The key as text; only its beginning if it is longer than any known one.
        var keyText: String { String(decoding: key.prefix(ImportLimits.quotedByteCountMax), as: UTF8.self) }
    }

    /// The next line, nil at the end.
    mutating func next() -> Line? {
        guard offset < bytes.count else { return nil }
        let start = offset
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        offset = min(end + 1, bytes.count)
        lineCount += 1
        var content = bytes[start..<end]
        if content.last == UInt8(ascii: "\r") { content.removeLast() }
        guard let equals = content.firstIndex(of: UInt8(ascii: "=")) else {
            return Line(number: lineCount, offset: start, key: content, value: nil)
        }
        return Line(number: lineCount, offset: start, key: content[..<equals], value: content[(equals + 1)...])
    }

    /// Lets `next` give this line, the last one read, once more.
    mutating func unread(_ line: Line) {
        offset = line.offset
        lineCount = line.number - 1
    }
}

/// The numbers in a LightGBM model file: decimal texts with a blank between them.
enum LightGBMNumbers {
    /// The tokens of a line, whose count its byte count bounds.
    static func tokens(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] { text.split(separator: UInt8(ascii: " ")) }

    /// A decimal integer, nil when the text is none or does not fit.
    static func integer(_ text: ArraySlice<UInt8>) -> Int? {
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value = 0
        for byte in digits {
            guard case let digit = byte &- UInt8(ascii: "0"), digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return digits.count == text.count ? value : -value
    }

    /// The nearest Double of a decimal number, nil when the text is none. `inf` and `nan`, with a sign or not, are numbers.
    static func double(_ text: ArraySlice<UInt8>) -> Double? {
        guard text.count <= 64 else { return nil }
        let unsigned = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") ? text.dropFirst() : text
        // Double's own grammar has hexadecimal numbers and payloads of NaN besides.
        guard let first = unsigned.first, isDigit(first) || first == UInt8(ascii: ".") else {
            switch String(decoding: unsigned, as: UTF8.self) {
            case "inf", "infinity": return text.first == UInt8(ascii: "-") ? -.infinity : .infinity
            case "nan": return .nan
            default: return nil
            }
        }
        guard unsigned.allSatisfy({ isDigit($0) || isNumberPart($0) }) else { return nil }
        return Double(String(decoding: text, as: UTF8.self))
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private static func isNumberPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "E"), UInt8(ascii: "e"): true
        default: false
        }
    }

    /// The number that LightGBM itself makes of the digits of an objective's parameter, nil where it makes none.
    ///
    /// It adds up whole part and fraction, each rounded, so that the sum may differ from the nearest Double in its last bit (it does
    /// for 3 % of sigmoids of six digits); the tests have one.
    static func parameter(_ text: ArraySlice<UInt8>) -> Double? {
        var digits = text[...]
        guard let first = digits.first, isDigit(first), text.count <= 64 else { return nil }
        var value = 0.0
        while let byte = digits.first, isDigit(byte) { value = value * 10 + Double(digits.removeFirst() - UInt8(ascii: "0")) }
        if digits.first == UInt8(ascii: ".") {
            digits.removeFirst()
            var fraction = 0.0
            var power = 1.0
            while let byte = digits.first, isDigit(byte) {
                fraction = Double(digits.removeFirst() - UInt8(ascii: "0")) + fraction * 10
                power *= 10
            }
            // LightGBM's power is by squares and cubes: the same up to 10^22, while each is exact, and it writes six digits.
            guard power <= 1e22 else { return nil }
            value += fraction / power
        }
        guard let exponentMark = digits.popFirst() else { return value }
        guard exponentMark == UInt8(ascii: "e") || exponentMark == UInt8(ascii: "E") else { return nil }
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        guard let exponent = integer(digits), (0...308).contains(exponent) else { return nil }
        let scale = powerOfTen(exponent)
        return isNegative ? value / scale : value * scale
    }

    /// In LightGBM's steps, whose products are rounded.
    private static func powerOfTen(_ exponent: Int) -> Double {
        var left = exponent
        var scale = 1.0
        for (step, factor) in [(50, 1e50), (8, 1e8), (1, 10)] {
            while left >= step {
                scale *= factor
                left -= step
            }
        }
        return scale
    }
}
