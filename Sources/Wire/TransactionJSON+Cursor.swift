import Platform

/// A JSON value and the way to it, for errors that say where.
struct JSONCursor {
    let json: JSON
    let path: String

    init(_ json: JSON) { (self.json, path) = (json, "$") }

    private init(_ json: JSON, path: String) { (self.json, self.path) = (json, path) }

    /// The member; nil when it is absent or null, which both mean "not known".
    func member(_ key: String) -> JSONCursor? {
        guard let value = json[key], !value.isNull else { return nil }
        return JSONCursor(value, path: path + "." + key)
    }

    /// The first of these members that is there.
    func member(_ keys: [String]) -> JSONCursor? {
        for key in keys { if let found = member(key) { return found } }
        return nil
    }

    func object() throws(TransactionJSONError) -> [JSONMember] {
        guard let members = json.object else { throw .mistyped(path: path, expected: "an object") }
        return members
    }

    func elements(countMax: Int) throws(TransactionJSONError) -> [JSONCursor] {
        guard let elements = json.array else { throw .mistyped(path: path, expected: "an array") }
        guard elements.count <= countMax else { throw .tooMany(path: path, count: elements.count, limit: countMax) }
        return elements.enumerated().map { JSONCursor($1, path: "\(path)[\($0)]") }
    }

    func text() throws(TransactionJSONError) -> String {
        guard let text = json.string else { throw .mistyped(path: path, expected: "a text") }
        guard !text.utf8.contains(0) else { throw .mistyped(path: path, expected: "a text without NUL") }
        return text
    }

    func flag() throws(TransactionJSONError) -> Bool {
        guard let flag = json.bool else { throw .mistyped(path: path, expected: "true or false") }
        return flag
    }

    /// A whole number that fits; protobuf's JSON writes those of 64 bits as texts.
    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(TransactionJSONError) -> Value {
        if let signed = json.integer, let value = Value(exactly: signed) { return value }
        if let unsigned = json.unsignedInteger, let value = Value(exactly: unsigned) { return value }
        if let text = json.string, let value = Value(text) { return value }
        throw .mistyped(path: path, expected: "a whole number from \(Value.min) to \(Value.max)")
    }

    func double() throws(TransactionJSONError) -> Double {
        guard let value = json.double else { throw .mistyped(path: path, expected: "a number") }
        return value
    }

    /// Rounded once; null is NaN, "missing".
    func float() throws(TransactionJSONError) -> Float {
        if json.isNull || json.string == "NaN" { return .nan }
        guard let value = json.float else { throw .mistyped(path: path, expected: "a number of 32 bits, or null") }
        return value
    }

    /// Bytes written as pairs of hexadecimal digits.
    func bytes() throws(TransactionJSONError) -> [UInt8] {
        guard let digits = json.string?.utf8, digits.count.isMultiple(of: 2) else {
            throw .mistyped(path: path, expected: "pairs of hexadecimal digits")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            guard let value = hexadecimalValue(digit) else {
                throw .mistyped(path: path, expected: "pairs of hexadecimal digits")
            }
            if let upper = high {
                bytes.append(upper << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    /// A transaction id.
    func txid() throws(TransactionJSONError) -> [UInt8] {
        let bytes = try bytes()
        guard bytes.count == 32 else { throw .mistyped(path: path, expected: "64 hexadecimal digits") }
        return bytes
    }

    private func hexadecimalValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension JSONCursor {
    /// The member's value by `read`, nil when it is absent or null.
    func optional<Value>(
        _ keys: String..., read: (JSONCursor) throws(TransactionJSONError) -> Value
    ) throws(TransactionJSONError) -> Value? {
        guard let found = member(keys) else { return nil }
        return try read(found)
    }

    func optionalInteger<Value: FixedWidthInteger>(
        _ keys: String..., as type: Value.Type = Value.self
    ) throws(TransactionJSONError) -> Value? {
        guard let found = member(keys) else { return nil }
        return try found.integer(type)
    }
}
