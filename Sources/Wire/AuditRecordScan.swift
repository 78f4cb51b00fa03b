/// What a sink tells of a record, as views over the encoded `AuditRecord`: one pass, nothing is copied or allocated.
///
/// Safety: the views point into the bytes that were scanned and are valid as long as these.
@safe
public struct AuditRecordScan {
    public private(set) var timeNanoseconds: Int64 = 0
    public private(set) var bundle = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    public private(set) var version: UInt32 = 0
    public private(set) var digest = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Little-endian float64, one an output.
    public private(set) var scores = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    public private(set) var scoreBits: UInt64 = 0
    public private(set) var outcome = WireOutcome.unspecified
    public private(set) var stage = WireStage.unspecified
    public private(set) var transactionID = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    public private(set) var caller = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    public private(set) var requestID: UInt64 = 0
    public private(set) var serverNanoseconds: UInt64 = 0
    public private(set) var alias = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    public private(set) var isUnproven = false
    public private(set) var subjectReference = unsafe UnsafeRawBufferPointer(start: nil, count: 0)

    /// A record that tells nothing but when it was taken.
    public init(timeNanoseconds: Int64) { self.timeNanoseconds = timeNanoseconds }

    /// nil when the bytes are no protobuf message, or a field that is looked at has another type than in the contract.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        var fields = unsafe WireFields(bytes)
        while let key = fields.varint() {
            guard take(key, &fields) else { return nil }
        }
        guard fields.isAtEnd else { return nil }
    }

    /// Takes one field, known by its number and wire type; false: the message is malformed.
    private mutating func take(_ key: UInt64, _ fields: inout WireFields) -> Bool {
        switch key {
        case 2 << 3: return Self.set(fields.varint()) { timeNanoseconds = Int64(bitPattern: $0) }
        case 4 << 3: return Self.set(fields.varint()) { version = UInt32(truncatingIfNeeded: $0) }
        case 11 << 3 | 1: return Self.set(fields.fixed64()) { scoreBits = $0 }
        case 12 << 3:
            return Self.set(fields.varint()) { outcome = WireOutcome(rawValue: UInt32(truncatingIfNeeded: $0)) ?? .unspecified }
        case 13 << 3:
            return Self.set(fields.varint()) { stage = WireStage(rawValue: UInt32(truncatingIfNeeded: $0)) ?? .unspecified }
        case 18 << 3: return Self.set(fields.varint()) { requestID = $0 }
        case 19 << 3: return Self.set(fields.varint()) { serverNanoseconds = $0 }
        case 21 << 3: return Self.set(fields.varint()) { isUnproven = $0 != 0 }
        case 3 << 3 | 2: return unsafe Self.set(fields.delimited()) { unsafe bundle = $0 }
        case 5 << 3 | 2: return unsafe Self.set(fields.delimited()) { unsafe digest = $0 }
        case 10 << 3 | 2: return unsafe Self.set(fields.delimited()) { unsafe scores = $0 }
        case 16 << 3 | 2: return unsafe Self.set(fields.delimited()) { unsafe transactionID = $0 }
        case 17 << 3 | 2: return unsafe Self.set(fields.delimited()) { unsafe caller = $0 }
        case 20 << 3 | 2: return unsafe Self.set(fields.delimited()) { unsafe alias = $0 }
        case 23 << 3 | 2: return unsafe Self.set(fields.delimited()) { unsafe subjectReference = $0 }
        default: return !Self.isLookedAt(key >> 3) && fields.skip(wireType: key & 7)
        }
    }

    private static func set<Value>(_ value: Value?, _ body: (Value) -> Void) -> Bool {
        guard let value else { return false }
        body(value)
        return true
    }

    /// Fields that have a case above; with another wire type they are malformed. 0 is no field's number.
    private static func isLookedAt(_ number: UInt64) -> Bool {
        switch number {
        case 0, 2...5, 10...13, 16...21, 23: true
        default: false
        }
    }
}

/// The fields of an encoded protobuf message, from the first to the last.
///
/// Safety: reads the bytes it was given, each only after a check that it is there; they must outlive it.
@safe
struct WireFields {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

    var isAtEnd: Bool { unsafe offset == bytes.count }

    /// The next number; nil: the message ends here, or inside it.
    @inline(__always)
    mutating func varint() -> UInt64? {
        var position = offset
        guard unsafe position < bytes.count else { return nil }
        let first = unsafe bytes[position]
        if first < 0x80 {
            offset = position + 1
            return UInt64(first)
        }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while unsafe position < bytes.count, shift < 70 {
            let byte = unsafe bytes[position]
            position += 1
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 {
                offset = position
                return value
            }
            shift += 7
        }
        return nil
    }

    @inline(__always)
    mutating func fixed64() -> UInt64? {
        guard unsafe bytes.count - offset >= 8 else { return nil }
        defer { offset += 8 }
        return unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    mutating func delimited() -> UnsafeRawBufferPointer? {
        guard let count = varint(), unsafe count <= UInt64(bytes.count - offset) else { return nil }
        defer { offset += Int(count) }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(count)])
    }

    @inline(__always)
    mutating func skip(wireType: UInt64) -> Bool {
        switch wireType {
        case 0: return varint() != nil
        case 1: return fixed64() != nil
        case 2: return unsafe delimited() != nil
        case 5:
            guard unsafe bytes.count - offset >= 4 else { return false }
            offset += 4
            return true
        default: return false
        }
    }
}
