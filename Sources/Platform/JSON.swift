/// One JSON value (RFC 8259), read by `parse` and written by `serialized`.
///
/// Objects keep the order of their members; no key occurs twice in a parsed object.
public enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object([JSONMember])
}

/// One `"key": value` of an object.
public struct JSONMember: Sendable, Equatable {
    public let key: String
    public let value: JSON

    /// A member of the given key and value.
    public init(key: String, value: JSON) {
        self.key = key
        self.value = value
    }
}

extension JSON {
    /// An object of the given members in their order, `JSON.object(["a": 1, "b": nil])`.
    public static func object(_ members: KeyValuePairs<String, JSON>) -> JSON {
        .object(members.map { JSONMember(key: $0.key, value: $0.value) })
    }

    /// An object of the given pairs in their order, `JSON.object([("a", 1)])`.
    public static func object(_ members: [(String, JSON)]) -> JSON {
        .object(members.map { JSONMember(key: $0.0, value: $0.1) })
    }

    public init(_ value: some BinaryInteger) { self = .number(JSONNumber(value)) }
    public init(_ value: Double) { self = .number(JSONNumber(value)) }
    public init(_ value: Float) { self = .number(JSONNumber(value)) }
    public init(_ value: String) { self = .string(value) }
    public init(_ value: Bool) { self = .bool(value) }
    public init(_ values: [JSON]) { self = .array(values) }
}

extension JSON {
    /// The value of the member with this key, nil when self is no object or has no such member.
    public subscript(key: String) -> JSON? { object?.first { $0.key == key }?.value }

    /// The element at this index, nil when self is no array or is shorter.
    public subscript(index: Int) -> JSON? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }

    public var object: [JSONMember]? { if case .object(let members) = self { members } else { nil } }
    public var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var isNull: Bool { self == .null }

    /// The number rounded once to a Double, nil when self is no number.
    public var double: Double? { number?.double }
    /// The number rounded ONCE from its text to a Float; nil when self is no number or the finite number overflows Float.
    public var float: Float? { number?.float }
    /// The number as an integer; nil unless it is one exactly and fits.
    public var integer: Int64? { number?.integer }
    /// The number as an unsigned integer; nil unless it is one exactly and fits.
    public var unsignedInteger: UInt64? { number?.unsignedInteger }

    private var number: JSONNumber? { if case .number(let number) = self { number } else { nil } }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
    public init(floatLiteral value: Double) { self = .number(JSONNumber(value)) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(elements) }
    public init(nilLiteral: ()) { self = .null }
}
