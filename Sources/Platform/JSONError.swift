/// Why bytes are not the JSON that was asked for; `offset` is the byte at which it shows.
public enum JSONError: Error, Equatable, CustomStringConvertible {
    case unexpectedEnd(offset: Int)
    case unexpectedByte(UInt8, offset: Int)
    case invalidNumber(offset: Int)
    case numberOutOfRange(offset: Int)
    case invalidEscape(offset: Int)
    case controlCharacter(offset: Int)
    case invalidUTF8(offset: Int)
    case duplicateKey(offset: Int)
    case tooDeep(limit: Int, offset: Int)
    case trailingBytes(offset: Int)

    public var description: String {
        switch self {
        case .unexpectedEnd(let offset): "JSON ends unfinished at byte \(offset)"
        case .unexpectedByte(let byte, let offset): "JSON has unexpected byte 0x\(String(byte, radix: 16)) at byte \(offset)"
        case .invalidNumber(let offset): "JSON has a malformed number at byte \(offset)"
        case .numberOutOfRange(let offset): "JSON has a number beyond a Double's range at byte \(offset)"
        case .invalidEscape(let offset): "JSON has an invalid escape at byte \(offset)"
        case .controlCharacter(let offset): "JSON has a bare control character in the string at byte \(offset)"
        case .invalidUTF8(let offset): "JSON has invalid UTF-8 in the string at byte \(offset)"
        case .duplicateKey(let offset): "JSON repeats a key of the object at byte \(offset)"
        case .tooDeep(let limit, let offset): "JSON nests deeper than \(limit) levels at byte \(offset)"
        case .trailingBytes(let offset): "JSON is followed by other bytes at byte \(offset)"
        }
    }
}
