/// The fields of a reply that the load generator counts and compares, as places in the reply's bytes.
///
/// A second reading of the contract, independent of `Wire`: what the server's own encoder writes is checked by other code than
/// the server's, and costs a few nanoseconds a reply instead of an allocated message.
struct ScannedReply: Equatable {
    enum Result: Equatable { case none, decision, batch, other }

    var id: UInt64 = 0
    var status: UInt32 = 0
    var result = Result.none

    /// Where the error's reason stands.
    var reason = Place()
    var retryAfterMicroseconds: UInt64 = 0

    /// Of a decision: the bits of its score. Of a batch: unused.
    var scoreBits: UInt64 = 0
    var outcome: UInt8 = 0
    /// A decision's outputs when there are several, or a batch's scores: little-endian doubles.
    var scores = Place()
    /// A batch's outcomes: packed varints.
    var outcomes = Place()
    /// A batch's outputs, [rows, outputs], when there are several: little-endian doubles.
    var allScores = Place()
    var bundle = Place()
    var version: UInt32 = 0
    var digest = Place()
    /// Of a batch: that of its first row.
    var auditSequence: UInt64 = 0
    var serverNanoseconds: UInt64 = 0

    /// A part of the payload.
    struct Place: Equatable {
        var offset = 0
        var byteCount = 0
    }
}

extension ScannedReply {
    /// Reads a Reply message.
    init(_ payload: UnsafeRawBufferPointer) throws(ReplyFault) {
        var fields = unsafe ProtobufFields(payload, offset: 0, end: payload.count)
        while let field = try unsafe fields.next() {
            switch field.number {
            case 1: id = field.value
            case 2: status = UInt32(truncatingIfNeeded: field.value)
            case 3: try unsafe readError(payload, field.place)
            case 4:
                result = .decision
                try unsafe readDecision(payload, field.place)
            case 5:
                result = .batch
                try unsafe readBatch(payload, field.place)
            case 6...31: result = .other
            default: break
            }
        }
    }

    private mutating func readError(_ payload: UnsafeRawBufferPointer, _ place: Place) throws(ReplyFault) {
        var fields = unsafe ProtobufFields(payload, offset: place.offset, end: place.offset + place.byteCount)
        while let field = try unsafe fields.next() {
            switch field.number {
            case 1: reason = field.place
            case 3: retryAfterMicroseconds = field.value
            default: break
            }
        }
    }

    private mutating func readDecision(_ payload: UnsafeRawBufferPointer, _ place: Place) throws(ReplyFault) {
        var fields = unsafe ProtobufFields(payload, offset: place.offset, end: place.offset + place.byteCount)
        while let field = try unsafe fields.next() {
            switch field.number {
            case 1: scoreBits = field.value
            case 2: outcome = UInt8(truncatingIfNeeded: field.value)
            case 4: bundle = field.place
            case 5: version = UInt32(truncatingIfNeeded: field.value)
            case 6: digest = field.place
            case 7: auditSequence = field.value
            case 8: serverNanoseconds = field.value
            case 9: scores = try field.packed(unitByteCount: 8)
            default: break
            }
        }
    }

    private mutating func readBatch(_ payload: UnsafeRawBufferPointer, _ place: Place) throws(ReplyFault) {
        var fields = unsafe ProtobufFields(payload, offset: place.offset, end: place.offset + place.byteCount)
        while let field = try unsafe fields.next() {
            switch field.number {
            case 1: scores = try field.packed(unitByteCount: 8)
            case 2: outcomes = try field.packed(unitByteCount: 1)
            case 4: bundle = field.place
            case 5: version = UInt32(truncatingIfNeeded: field.value)
            case 6: digest = field.place
            case 7: auditSequence = field.value
            case 8: serverNanoseconds = field.value
            case 9: allScores = try field.packed(unitByteCount: 8)
            default: break
            }
        }
    }
}

/// One field of a protobuf message.
struct ProtobufField {
    var number: UInt64
    /// Of a varint, fixed32 or fixed64 field.
    var value: UInt64 = 0
    /// Of a length-delimited field.
    var place = ScannedReply.Place()
    var isDelimited = false

    /// The place of a packed repeated field, which must hold whole elements.
    func packed(unitByteCount: Int) throws(ReplyFault) -> ScannedReply.Place {
        guard isDelimited, place.byteCount % unitByteCount == 0 else { throw .malformed(offset: place.offset) }
        return place
    }
}

/// Walks the fields of a message in place.
@unsafe struct ProtobufFields {
    // Safety: borrowed for the duration of one reply's reading; every access is checked against `end`, and the initializer
    // checks `end` against the buffer.
    private let base: UnsafeRawPointer?
    private var offset: Int
    private let end: Int

    init(_ bytes: UnsafeRawBufferPointer, offset: Int, end: Int) {
        precondition(offset >= 0 && offset <= end && end <= bytes.count)
        unsafe base = bytes.baseAddress
        unsafe self.offset = offset
        unsafe self.end = end
    }

    /// The next field; nil at the end of the message.
    @inline(__always)
    mutating func next() throws(ReplyFault) -> ProtobufField? {
        guard unsafe offset < end else { return nil }
        let key = try unsafe varint()
        var field = ProtobufField(number: key >> 3)
        guard field.number > 0 else { throw unsafe .malformed(offset: offset) }
        switch key & 7 {
        case 0: field.value = try unsafe varint()
        case 1: field.value = try unsafe fixed(UInt64.self)
        case 2:
            let byteCount = try unsafe varint()
            guard unsafe byteCount <= UInt64(end - offset) else { throw unsafe .malformed(offset: offset) }
            unsafe field.place = ScannedReply.Place(offset: offset, byteCount: Int(byteCount))
            field.isDelimited = true
            unsafe offset += Int(byteCount)
        case 5: field.value = UInt64(try unsafe fixed(UInt32.self))
        default: throw unsafe .malformed(offset: offset)
        }
        return field
    }

    @inline(__always)
    private mutating func varint() throws(ReplyFault) -> UInt64 {
        guard unsafe offset < end else { throw unsafe .malformed(offset: offset) }
        // Keys, lengths and small numbers are one byte.
        let first = unsafe base.unsafelyUnwrapped.load(fromByteOffset: offset, as: UInt8.self)
        unsafe offset += 1
        return first < 0x80 ? UInt64(first) : try unsafe longVarint(first)
    }

    @inline(__always)
    private mutating func longVarint(_ first: UInt8) throws(ReplyFault) -> UInt64 {
        var value = UInt64(first & 0x7f)
        var shift: UInt64 = 7
        while unsafe offset < end, shift < 70 {
            let byte = unsafe base.unsafelyUnwrapped.load(fromByteOffset: offset, as: UInt8.self)
            unsafe offset += 1
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw unsafe .malformed(offset: offset)
    }

    @inline(__always)
    private mutating func fixed<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws(ReplyFault) -> Value {
        guard unsafe end - offset >= MemoryLayout<Value>.size else { throw unsafe .malformed(offset: offset) }
        let value = unsafe base.unsafelyUnwrapped.loadUnaligned(fromByteOffset: offset, as: Value.self)
        unsafe offset += MemoryLayout<Value>.size
        return Value(littleEndian: value)
    }
}
