extension JSON {
    /// Parses one JSON value that fills `bytes` but for white space; strict RFC 8259, and a key repeated in one object is refused.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 without byte order mark.
    ///   - depthMax: How deeply arrays and objects may nest, at most 512 (each level takes stack).
    ///   - nonFiniteLiterals: Whether `NaN`, `Infinity` and `-Infinity` are numbers, as XGBoost and Python write them.
    /// - Throws: What is wrong and at which byte. Time and memory are linear in the byte count.
    public static func parse(
        _ bytes: [UInt8], depthMax: Int = 128, nonFiniteLiterals: Bool = false
    ) throws(JSONError) -> JSON {
        precondition((1...512).contains(depthMax), "depthMax \(depthMax) is not in 1...512")
        var parser = JSONParser(bytes: bytes, depthMax: depthMax, nonFiniteLiterals: nonFiniteLiterals)
        return try parser.parseDocument()
    }

    /// Parses the JSON in a string.
    public static func parse(_ text: String, depthMax: Int = 128) throws(JSONError) -> JSON {
        try parse(Array(text.utf8), depthMax: depthMax)
    }
}

/// Recursive descent over bounds-checked bytes.
struct JSONParser {
    private let bytes: [UInt8]
    private let depthMax: Int
    private let nonFiniteLiterals: Bool
    private var offset = 0
    private var depth = 0

    init(bytes: [UInt8], depthMax: Int, nonFiniteLiterals: Bool) {
        self.bytes = bytes
        self.depthMax = depthMax
        self.nonFiniteLiterals = nonFiniteLiterals
    }

    mutating func parseDocument() throws(JSONError) -> JSON {
        skipWhitespace()
        let value = try parseValue()
        skipWhitespace()
        guard offset == bytes.count else { throw .trailingBytes(offset: offset) }
        return value
    }

    private mutating func parseValue() throws(JSONError) -> JSON {
        switch try peek() {
        case UInt8(ascii: "{"): return .object(try parseObject())
        case UInt8(ascii: "["): return .array(try parseArray())
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseLiteral("true", .bool(true))
        case UInt8(ascii: "f"): return try parseLiteral("false", .bool(false))
        case UInt8(ascii: "n"): return try parseLiteral("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try parseNumber())
        case UInt8(ascii: "N") where nonFiniteLiterals: return try parseLiteral("NaN", JSON(Double.nan))
        case UInt8(ascii: "I") where nonFiniteLiterals: return try parseLiteral("Infinity", JSON(Double.infinity))
        case let byte: throw .unexpectedByte(byte, offset: offset)
        }
    }

    private mutating func parseArray() throws(JSONError) -> [JSON] {
        try enter()
        var elements: [JSON] = []
        if try peek() == UInt8(ascii: "]") {
            leave()
            return elements
        }
        while true {
            elements.append(try parseValue())
            if try !parseSeparator(closing: UInt8(ascii: "]")) { return elements }
        }
    }

    private mutating func parseObject() throws(JSONError) -> [JSONMember] {
        let start = offset
        try enter()
        var members: [JSONMember] = []
        if try peek() == UInt8(ascii: "}") {
            leave()
            return members
        }
        repeat {
            try expect(UInt8(ascii: "\""), consuming: false)
            let key = try parseString()
            skipWhitespace()
            try expect(UInt8(ascii: ":"))
            skipWhitespace()
            members.append(JSONMember(key: key, value: try parseValue()))
        } while try parseSeparator(closing: UInt8(ascii: "}"))
        if Self.hasDuplicateKey(members) { throw .duplicateKey(offset: start) }
        return members
    }

    private static func hasDuplicateKey(_ members: [JSONMember]) -> Bool {
        if members.count > 8 { return Set(members.lazy.map(\.key)).count != members.count }
        for (index, member) in members.enumerated() where members[..<index].contains(where: { $0.key == member.key }) {
            return true
        }
        return false
    }

    /// Opens an array or object and moves to what follows.
    private mutating func enter() throws(JSONError) {
        guard depth < depthMax else { throw .tooDeep(limit: depthMax, offset: offset) }
        depth += 1
        offset += 1
        skipWhitespace()
    }

    private mutating func leave() {
        depth -= 1
        offset += 1
    }

    /// Consumes `,` (true: another element follows) or the closing byte (false).
    private mutating func parseSeparator(closing: UInt8) throws(JSONError) -> Bool {
        skipWhitespace()
        switch try peek() {
        case closing:
            leave()
            return false
        case UInt8(ascii: ","):
            offset += 1
            skipWhitespace()
            return true
        case let byte: throw .unexpectedByte(byte, offset: offset)
        }
    }

    private mutating func parseLiteral(_ text: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for index in 0..<text.utf8CodeUnitCount {
            // Safety: a StaticString lives for ever and the index is below its count.
            try expect(unsafe text.utf8Start[index])
        }
        return value
    }

    private mutating func parseNumber() throws(JSONError) -> JSONNumber {
        if nonFiniteLiterals, offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "-"), bytes[offset + 1] == UInt8(ascii: "I")
        {
            offset += 1
            _ = try parseLiteral("Infinity", .null)
            return JSONNumber(-Double.infinity)
        }
        var scanner = JSONNumberScanner(bytes: bytes, offset: offset)
        let number = try scanner.scan()
        offset = scanner.offset
        return number
    }

    private mutating func parseString() throws(JSONError) -> String {
        offset += 1
        let start = offset
        while try peek() >= 0x20, bytes[offset] != UInt8(ascii: "\""), bytes[offset] != UInt8(ascii: "\\") { offset += 1 }
        if bytes[offset] == UInt8(ascii: "\"") {
            defer { offset += 1 }
            guard let text = String(validating: bytes[start..<offset], as: UTF8.self) else { throw .invalidUTF8(offset: start) }
            return text
        }
        return try parseStringWithEscapes(start: start)
    }

    private mutating func parseStringWithEscapes(start: Int) throws(JSONError) -> String {
        var content = Array(bytes[start..<offset])
        while true {
            let byte = try peek()
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                guard let text = String(validating: content, as: UTF8.self) else { throw .invalidUTF8(offset: start) }
                return text
            case UInt8(ascii: "\\"): try parseEscape(into: &content)
            case ..<0x20: throw .controlCharacter(offset: offset)
            default:
                content.append(byte)
                offset += 1
            }
        }
    }

    private mutating func parseEscape(into content: inout [UInt8]) throws(JSONError) {
        let start = offset
        offset += 1
        let byte = try peek()
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0c)
        case UInt8(ascii: "n"): content.append(0x0a)
        case UInt8(ascii: "r"): content.append(0x0d)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            guard let scalar = try parseUnicodeEscape() else { throw .invalidEscape(offset: start) }
            content.append(contentsOf: String(Character(scalar)).utf8)
        default: throw .invalidEscape(offset: start)
        }
    }

    /// The scalar of `XXXX` or of the surrogate pair `XXXX\uXXXX`, nil when they are none.
    private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar? {
        guard let first = try parseHexadecimal() else { return nil }
        guard first & 0xfc00 == 0xd800 else { return Unicode.Scalar(first) }
        guard try peek() == UInt8(ascii: "\\") else { return nil }
        offset += 1
        guard try peek() == UInt8(ascii: "u") else { return nil }
        offset += 1
        guard let second = try parseHexadecimal(), second & 0xfc00 == 0xdc00 else { return nil }
        return Unicode.Scalar(0x10000 + (first & 0x3ff) << 10 + (second & 0x3ff))
    }

    private mutating func parseHexadecimal() throws(JSONError) -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(try peek())).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    private func peek() throws(JSONError) -> UInt8 {
        guard offset < bytes.count else { throw .unexpectedEnd(offset: offset) }
        return bytes[offset]
    }

    private mutating func expect(_ byte: UInt8, consuming: Bool = true) throws(JSONError) {
        let found = try peek()
        guard found == byte else { throw .unexpectedByte(found, offset: offset) }
        if consuming { offset += 1 }
    }

    private mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0a, 0x0d, 0x09: offset += 1
            default: return
            }
        }
    }
}
