import Platform

/// Why bytes are not UBJSON; `offset` is the byte at which it shows.
public enum UBJSONError: Error, Equatable, Sendable, CustomStringConvertible {
    case unexpectedEnd(offset: Int)
    case unexpectedMarker(UInt8, offset: Int)
    case countInvalid(offset: Int)
    case invalidUTF8(offset: Int)
    case numberInvalid(offset: Int)
    case duplicateKey(offset: Int)
    case tooDeep(limit: Int, offset: Int)
    case trailingBytes(offset: Int)

    public var description: String {
        switch self {
        case .unexpectedEnd(let offset): "UBJSON ends unfinished at byte \(offset)"
        case .unexpectedMarker(let marker, let offset):
            "UBJSON has unexpected marker 0x\(String(marker, radix: 16)) at byte \(offset)"
        case .countInvalid(let offset): "UBJSON has a count at byte \(offset) that is negative or more than the file can hold"
        case .invalidUTF8(let offset): "UBJSON has invalid UTF-8 in the string at byte \(offset)"
        case .numberInvalid(let offset): "UBJSON has a malformed number at byte \(offset)"
        case .duplicateKey(let offset): "UBJSON repeats a key of the object at byte \(offset)"
        case .tooDeep(let limit, let offset): "UBJSON nests deeper than \(limit) levels at byte \(offset)"
        case .trailingBytes(let offset): "UBJSON is followed by other bytes at byte \(offset)"
        }
    }
}

/// Reads Universal Binary JSON (draft 12, as XGBoost writes it: big-endian, typed arrays) into the same values as JSON text.
///
/// Every element takes at least one byte of the file, so that a count that lies is refused before memory is taken for it; a value
/// takes 24 bytes.
struct UBJSONParser {
    private let bytes: [UInt8]
    private var offset = 0
    private var depth = 0

    static func parse(_ bytes: [UInt8]) throws(UBJSONError) -> JSON {
        var parser = UBJSONParser(bytes: bytes)
        let value = try parser.parseValue(marker: try parser.readMarker())
        guard parser.offset == bytes.count else { throw .trailingBytes(offset: parser.offset) }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The next marker that is not a no-op.
    private mutating func readMarker() throws(UBJSONError) -> UInt8 {
        while true {
            let marker = try readByte()
            if marker != UInt8(ascii: "N") { return marker }
        }
    }

    private mutating func parseValue(marker: UInt8) throws(UBJSONError) -> JSON {
        switch marker {
        case UInt8(ascii: "Z"): return .null
        case UInt8(ascii: "T"): return .bool(true)
        case UInt8(ascii: "F"): return .bool(false)
        case UInt8(ascii: "i"): return JSON(try readInteger(Int8.self))
        case UInt8(ascii: "U"): return JSON(try readInteger(UInt8.self))
        case UInt8(ascii: "I"): return JSON(try readInteger(Int16.self))
        case UInt8(ascii: "l"): return JSON(try readInteger(Int32.self))
        case UInt8(ascii: "L"): return JSON(try readInteger(Int64.self))
        case UInt8(ascii: "d"): return JSON(Float(bitPattern: try readInteger()))
        case UInt8(ascii: "D"): return JSON(Double(bitPattern: try readInteger()))
        case UInt8(ascii: "H"): return try parseHighPrecision()
        case UInt8(ascii: "C"): return .string(String(Character(Unicode.Scalar(try readInteger(UInt8.self) & 0x7f))))
        case UInt8(ascii: "S"): return .string(try readString())
        case UInt8(ascii: "["): return .array(try parseArray())
        case UInt8(ascii: "{"): return .object(try parseObject())
        default: throw .unexpectedMarker(marker, offset: offset - 1)
        }
    }

    /// How a container says what is in it: the marker of all elements, and how many there are.
    private struct Header {
        var elementMarker: UInt8?
        var count: Int?

        /// Whether the elements are numbers, which hold nothing that would reserve memory as well.
        var hasFixedWidth: Bool { elementMarker.map { "iUIlLdD".utf8.contains($0) } ?? false }
    }

    /// Where elements may be containers, each within the other could reserve as much as the file is long.
    private static let reservedCountMax = 1024

    private mutating func parseHeader() throws(UBJSONError) -> Header {
        guard depth < ImportLimits.depthMax else { throw .tooDeep(limit: ImportLimits.depthMax, offset: offset) }
        var header = Header()
        if try peek() == UInt8(ascii: "$") {
            offset += 1
            let marker = try readByte()
            // Null, no-op and booleans take no byte each: a short file could ask for any number of them.
            guard ![UInt8(ascii: "Z"), UInt8(ascii: "N"), UInt8(ascii: "T"), UInt8(ascii: "F")].contains(marker),
                try peek() == UInt8(ascii: "#")
            else { throw .unexpectedMarker(marker, offset: offset - 1) }
            header.elementMarker = marker
        }
        if try peek() == UInt8(ascii: "#") {
            offset += 1
            header.count = try readCount()
        }
        return header
    }

    private mutating func parseArray() throws(UBJSONError) -> [JSON] {
        let header = try parseHeader()
        depth += 1
        defer { depth -= 1 }
        var elements: [JSON] = []
        if let count = header.count {
            elements.reserveCapacity(header.hasFixedWidth ? count : min(count, Self.reservedCountMax))
            for _ in 0..<count { elements.append(try parseElement(header)) }
            return elements
        }
        while true {
            let marker = try readMarker()
            if marker == UInt8(ascii: "]") { return elements }
            elements.append(try parseValue(marker: marker))
        }
    }

    private mutating func parseElement(_ header: Header) throws(UBJSONError) -> JSON {
        if let marker = header.elementMarker { return try parseValue(marker: marker) }
        return try parseValue(marker: try readMarker())
    }

    private mutating func parseObject() throws(UBJSONError) -> [JSONMember] {
        let start = offset - 1
        let header = try parseHeader()
        depth += 1
        defer { depth -= 1 }
        var members: [JSONMember] = []
        while try hasMember(header, read: members.count) {
            let key = try readString()
            members.append(JSONMember(key: key, value: try parseElement(header)))
        }
        guard Set(members.lazy.map(\.key)).count == members.count else { throw .duplicateKey(offset: start) }
        return members
    }

    private mutating func hasMember(_ header: Header, read: Int) throws(UBJSONError) -> Bool {
        if let count = header.count { return read < count }
        while try peek() == UInt8(ascii: "N") { offset += 1 }
        guard try peek() == UInt8(ascii: "}") else { return true }
        offset += 1
        return false
    }

    /// A number as decimal text.
    private mutating func parseHighPrecision() throws(UBJSONError) -> JSON {
        let start = offset
        let text = try readString()
        guard let number = try? JSON.parse(text), number.double != nil else { throw .numberInvalid(offset: start) }
        return number
    }

    private mutating func readString() throws(UBJSONError) -> String {
        let start = offset
        let count = try readCount()
        defer { offset += count }
        guard let text = String(validating: bytes[offset..<(offset + count)], as: UTF8.self) else {
            throw .invalidUTF8(offset: start)
        }
        return text
    }

    /// A count of elements or bytes, at most as many as bytes are left.
    private mutating func readCount() throws(UBJSONError) -> Int {
        let start = offset
        let marker = try readByte()
        let count: Int64
        switch marker {
        case UInt8(ascii: "i"): count = Int64(try readInteger(Int8.self))
        case UInt8(ascii: "U"): count = Int64(try readInteger(UInt8.self))
        case UInt8(ascii: "I"): count = Int64(try readInteger(Int16.self))
        case UInt8(ascii: "l"): count = Int64(try readInteger(Int32.self))
        case UInt8(ascii: "L"): count = try readInteger(Int64.self)
        default: throw .unexpectedMarker(marker, offset: start)
        }
        guard count >= 0, count <= Int64(bytes.count - offset) else { throw .countInvalid(offset: start) }
        return Int(count)
    }

    private mutating func readInteger<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(UBJSONError) -> Value {
        let byteCount = Value.bitWidth / 8
        guard bytes.count - offset >= byteCount else { throw .unexpectedEnd(offset: bytes.count) }
        var value: UInt64 = 0
        for index in 0..<byteCount { value = value << 8 | UInt64(bytes[offset + index]) }
        offset += byteCount
        return Value(truncatingIfNeeded: value)
    }

    private func peek() throws(UBJSONError) -> UInt8 {
        guard offset < bytes.count else { throw .unexpectedEnd(offset: offset) }
        return bytes[offset]
    }

    private mutating func readByte() throws(UBJSONError) -> UInt8 {
        let byte = try peek()
        offset += 1
        return byte
    }
}
