/// The fields of an encoded `assay.v1.AuditRecord`, found in place without a copy or an allocation: for all who look at millions of records.
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
    public private(set) var isUnproven = false
    public private(set) var reasonCount: UInt32 = 0
    public private(set) var scoreBits: UInt64 = 0
    public private(set) var requestID: UInt64 = 0
    public private(set) var serverNanoseconds: UInt64 = 0
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
    public private(set) var subjectReference: UnsafeRawBufferPointer
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
        unsafe subjectReference = unsafe nothing
        unsafe bytes = unsafe nothing
    }

    public var score: Double { Double(bitPattern: scoreBits) }
    public var hasTransaction: Bool { unsafe !bitcoin.isEmpty || !card.isEmpty }

    /// Finds the fields of `record`; false when its bytes are no message, or a field of the contract has another type than there. Of a field
    /// that comes twice the last one counts; unknown fields are passed over.
    public mutating func read(_ record: UnsafeRawBufferPointer) -> Bool {
        forget()
        unsafe bytes = unsafe record
        var scanner = unsafe FieldScanner(record)
        takeInOrder(&scanner)
        return scanner.isAtEnd ? !scanner.isBroken : takeRest(scanner)
    }

    /// Empties all but the fields that `takeInOrder` sets in any case.
    @inline(__always)
    private mutating func forget() {
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        (sequence, timeNanoseconds, version, outcome, stage, reasonCount) = (0, 0, 0, 0, 0, 0)
        (scoreBits, requestID, serverNanoseconds, isVoid, isUnproven) = (0, 0, 0, false, false)
        unsafe features64 = unsafe nothing
        unsafe bitcoin = unsafe nothing
        unsafe card = unsafe nothing
        unsafe transactionID = unsafe nothing
        unsafe subjectReference = unsafe nothing
    }

    /// Takes the fields as our encoder writes them: each once, ascending, most of them there. What is foreseen costs a comparison.
    @inline(__always)
    private mutating func takeInOrder(_ scanner: inout FieldScanner) {
        if scanner.takes(1, .varint) { sequence = scanner.longVarint() }
        if scanner.takes(2, .varint) { timeNanoseconds = Int64(bitPattern: scanner.longVarint()) }
        unsafe scanner.take(3, like: &bundle)
        if scanner.takes(4, .varint) { version = UInt32(truncatingIfNeeded: scanner.varint()) }
        unsafe scanner.take(5, like: &digest)
        unsafe scanner.take(6, like: &features32)
        if scanner.takes(7, .bytes) { unsafe features64 = scanner.bytes() }
        if scanner.takes(8, .bytes) { unsafe bitcoin = scanner.bytes() }
        if scanner.takes(9, .bytes) { unsafe card = scanner.bytes() }
        unsafe scanner.take(10, like: &scores)
        if scanner.takes(11, .fixed64) { scoreBits = scanner.fixed64() }
        if scanner.takes(12, .varint) { outcome = UInt32(truncatingIfNeeded: scanner.varint()) }
        if scanner.takes(13, .varint) { stage = UInt32(truncatingIfNeeded: scanner.varint()) }
        while scanner.takes(14, .bytes) { takeReason(&scanner) }
        if scanner.takes(16, .bytes) { unsafe transactionID = scanner.bytes() }
        unsafe scanner.take(17, like: &caller)
        if scanner.takes(18, .varint) { requestID = scanner.longVarint() }
        if scanner.takes(19, .varint) { serverNanoseconds = scanner.longVarint() }
        unsafe scanner.take(20, like: &alias)
    }

    /// Takes all that comes, in any order; false: the message is malformed.
    private mutating func takeRest(_ rest: FieldScanner) -> Bool {
        var scanner = rest
        while let tag = scanner.tag() { take(tag, &scanner) }
        return !scanner.isBroken
    }

    /// Takes the value of any field, wherever it comes.
    private mutating func take(_ tag: UInt64, _ scanner: inout FieldScanner) {
        switch (tag >> 3, WireType(rawValue: tag & 7)) {
        case (1, .varint): sequence = scanner.varint()
        case (2, .varint): timeNanoseconds = Int64(bitPattern: scanner.varint())
        case (3, .bytes): unsafe bundle = scanner.bytes()
        case (4, .varint): version = UInt32(truncatingIfNeeded: scanner.varint())
        case (5, .bytes): unsafe digest = scanner.bytes()
        case (6, .bytes): unsafe features32 = scanner.bytes()
        case (7, .bytes): unsafe features64 = scanner.bytes()
        case (8, .bytes): unsafe bitcoin = scanner.bytes()
        case (9, .bytes): unsafe card = scanner.bytes()
        case (10, .bytes): unsafe scores = scanner.bytes()
        case (11, .fixed64): scoreBits = scanner.fixed64()
        case (12, .varint): outcome = UInt32(truncatingIfNeeded: scanner.varint())
        case (13, .varint): stage = UInt32(truncatingIfNeeded: scanner.varint())
        case (14, .bytes): takeReason(&scanner)
        case (16, .bytes): unsafe transactionID = scanner.bytes()
        case (17, .bytes): unsafe caller = scanner.bytes()
        case (18, .varint): requestID = scanner.varint()
        case (19, .varint): serverNanoseconds = scanner.varint()
        case (20, .bytes): unsafe alias = scanner.bytes()
        case (21, .varint): isUnproven = scanner.varint() != 0
        case (22, .bytes): _ = unsafe scanner.bytes()
        case (23, .bytes): unsafe subjectReference = scanner.bytes()
        case (30, .bytes):
            isVoid = true
            _ = unsafe scanner.bytes()
        case (1...14, _), (16...23, _), (30, _): scanner.fail()
        default: scanner.skip(tag)
        }
    }

    @inline(__always)
    private mutating func takeReason(_ scanner: inout FieldScanner) {
        reasonCount &+= 1
        _ = unsafe scanner.bytes()
    }
}
