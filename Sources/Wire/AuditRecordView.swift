/// The fields of an encoded `assay.v1.AuditRecord`, found in place without a copy or an allocation: for readers of millions of records.
/// `AuditRecord` is the same as values.
///
/// Safety: views into the bytes that ``read(_:)`` was given; valid as long as these. What is absent is empty or zero.
@safe
public struct AuditRecordView {
    public private(set) var sequence: UInt64 = 0
    /// Unix nanoseconds.
    public private(set) var timeNanoseconds: Int64 = 0
    public private(set) var version: UInt32 = 0
    /// Numbers of a `WireOutcome` and a `WireStage`, as they came.
    public private(set) var outcome: UInt32 = 0
    public private(set) var stage: UInt32 = 0
    public private(set) var isVoid = false
    public private(set) var reasonCount: UInt32 = 0
    public private(set) var scoreBits: UInt64 = 0
    public private(set) var bundle: UnsafeRawBufferPointer
    public private(set) var digest: UnsafeRawBufferPointer
    /// Little-endian floats as scored.
    public private(set) var features32: UnsafeRawBufferPointer
    public private(set) var features64: UnsafeRawBufferPointer
    /// The typed transaction, encoded; empty for a vector.
    public private(set) var bitcoin: UnsafeRawBufferPointer
    public private(set) var card: UnsafeRawBufferPointer
    /// Little-endian float64, one an output.
    public private(set) var scores: UnsafeRawBufferPointer
    public private(set) var transactionID: UnsafeRawBufferPointer
    public private(set) var caller: UnsafeRawBufferPointer
    public private(set) var alias: UnsafeRawBufferPointer
    /// All that was read.
    public private(set) var bytes: UnsafeRawBufferPointer

    public init() {
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe bundle = unsafe nothing
        unsafe digest = unsafe nothing
        unsafe features32 = unsafe nothing
        unsafe features64 = unsafe nothing
        unsafe bitcoin = unsafe nothing
        unsafe card = unsafe nothing
        unsafe scores = unsafe nothing
        unsafe transactionID = unsafe nothing
        unsafe caller = unsafe nothing
        unsafe alias = unsafe nothing
        unsafe bytes = unsafe nothing
    }

    public var score: Double { Double(bitPattern: scoreBits) }
    public var hasTransaction: Bool { unsafe !bitcoin.isEmpty || !card.isEmpty }

    /// Finds the fields of `record`; false when its bytes are no message. Of a field that comes twice the last one counts; unknown
    /// fields are passed over.
    public mutating func read(_ record: UnsafeRawBufferPointer) -> Bool {
        self = AuditRecordView()
        unsafe bytes = unsafe record
        var scanner = unsafe FieldScanner(record)
        while let tag = scanner.nextTag() {
            switch tag {
            case 1 << 3: sequence = scanner.varint()
            case 2 << 3: timeNanoseconds = Int64(bitPattern: scanner.varint())
            case 3 << 3 | 2: unsafe bundle = scanner.bytes()
            case 4 << 3: version = UInt32(truncatingIfNeeded: scanner.varint())
            case 5 << 3 | 2: unsafe digest = scanner.bytes()
            case 6 << 3 | 2: unsafe features32 = scanner.bytes()
            case 7 << 3 | 2: unsafe features64 = scanner.bytes()
            case 8 << 3 | 2: unsafe bitcoin = scanner.bytes()
            case 9 << 3 | 2: unsafe card = scanner.bytes()
            case 10 << 3 | 2: unsafe scores = scanner.bytes()
            case 11 << 3 | 1: scoreBits = scanner.fixed64()
            case 12 << 3: outcome = UInt32(truncatingIfNeeded: scanner.varint())
            case 13 << 3: stage = UInt32(truncatingIfNeeded: scanner.varint())
            case 14 << 3 | 2:
                reasonCount &+= 1
                _ = unsafe scanner.bytes()
            case 16 << 3 | 2: unsafe transactionID = scanner.bytes()
            case 17 << 3 | 2: unsafe caller = scanner.bytes()
            case 20 << 3 | 2: unsafe alias = scanner.bytes()
            case 30 << 3 | 2:
                isVoid = true
                _ = unsafe scanner.bytes()
            default: scanner.skip(tag)
            }
        }
        return !scanner.isBroken
    }
}

/// Walks over the fields of one protobuf message.
///
/// Safety: `next` never passes `end`, the first byte behind the caller's buffer; whatever does not fit breaks the scan and gives zeros.
@safe
private struct FieldScanner {
    private var next: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    private(set) var isBroken = false

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        // Safety: an empty buffer may have no address; any will do, for nothing is read from it.
        let start = unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        unsafe next = start.assumingMemoryBound(to: UInt8.self)
        unsafe end = unsafe next + bytes.count
    }

    private var remaining: Int { @inline(__always) get { unsafe end - next } }

    /// nil at the end, and where the message is broken.
    @inline(__always)
    mutating func nextTag() -> UInt64? {
        guard remaining > 0, !isBroken else { return nil }
        let tag = varint()
        return isBroken ? nil : tag
    }

    @inline(__always)
    mutating func varint() -> UInt64 {
        if remaining > 0 {
            let first = unsafe next.pointee
            if first < 0x80 {
                unsafe next += 1
                return UInt64(first)
            }
        }
        return longVarint()
    }

    private mutating func longVarint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while remaining > 0, shift < 70 {
            let byte = unsafe next.pointee
            unsafe next += 1
            value |= shift < 64 ? UInt64(byte & 0x7f) << shift : 0
            if byte < 0x80 { return value }
            shift += 7
        }
        isBroken = true
        return 0
    }

    @inline(__always)
    mutating func fixed64() -> UInt64 {
        guard remaining >= 8 else {
            isBroken = true
            return 0
        }
        defer { unsafe next += 8 }
        return unsafe UInt64(littleEndian: UnsafeRawPointer(next).loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    mutating func bytes() -> UnsafeRawBufferPointer {
        let count = varint()
        guard count <= UInt64(remaining) else {
            isBroken = true
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        defer { unsafe next += Int(count) }
        return unsafe UnsafeRawBufferPointer(start: next, count: Int(count))
    }

    /// Passes over the value of a field that nobody asks for.
    mutating func skip(_ tag: UInt64) {
        switch tag & 7 {
        case 0: _ = varint()
        case 1: _ = fixed64()
        case 2: _ = unsafe bytes()
        case 5:
            guard remaining >= 4 else {
                isBroken = true
                return
            }
            unsafe next += 4
        default: isBroken = true
        }
    }
}
