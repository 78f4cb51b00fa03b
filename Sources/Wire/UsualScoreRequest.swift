import AssayProto
import CProtobufC
import Glibc

/// The form that nearly every request has: a Score of features, its fields in the order of their numbers, each at most once, all of them known.
///
/// protobuf-c goes through a table of the message's fields, which costs more than scoring a small model; this reads what comes next. Whatever
/// has another form is left to protobuf-c, and what both can read is the same to the last byte (Tests/WireTests).
enum UsualScoreRequest {
    /// nil: it has another form, or is none.
    static func decode(_ payload: UnsafeRawBufferPointer, arena: MessageArena) -> RequestView? {
        var request = unsafe FieldScanner(payload)
        let id = request.takes(1, .varint) ? request.longVarint() : 0
        let deadline = request.takes(2, .varint) ? request.longVarint() : 0
        guard request.takes(3, .bytes) else { return nil }
        let body = unsafe request.bytes()
        guard request.isAtEnd, !request.isBroken, let score = unsafe score(body, arena) else { return nil }
        return RequestView(id: id, deadlineMicroseconds: Int64(bitPattern: deadline), body: .score(score))
    }

    private static func score(_ bytes: UnsafeRawBufferPointer, _ arena: MessageArena) -> ScoreView? {
        var fields = unsafe FieldScanner(bytes)
        let bundle = unsafe fields.takes(1, .bytes) ? fields.bytes() : nil
        let features32 = unsafe fields.takes(2, .bytes) ? fields.bytes() : nil
        let features64 = unsafe fields.takes(3, .bytes) ? fields.bytes() : nil
        let transactionID = unsafe fields.takes(6, .bytes) ? fields.bytes() : nil
        let alias = unsafe fields.takes(7, .bytes) ? fields.bytes() : nil
        let version = fields.takes(8, .varint) ? fields.varint() : 0
        let explain = fields.takes(9, .varint) ? fields.varint() : 0
        let includesRaw = fields.takes(10, .varint) ? fields.varint() : 0
        let caller = unsafe fields.takes(16, .bytes) ? fields.bytes() : nil
        let durability = fields.takes(17, .varint) ? fields.varint() : 0
        guard fields.isAtEnd, !fields.isBroken, (version | explain | durability) >> 31 == 0 else { return nil }

        let message: UnsafeMutablePointer<Assay__V1__ScoreRequest> = unsafe arena.message(assay__v1__score_request__init)
        // Safety: the message was just made in the arena, and so are the copies that it points to.
        if let features32 = unsafe features32 {
            guard let copy = unsafe array(features32, of: Float.self, arena) else { return nil }
            unsafe message.pointee.features32 = copy.baseAddress
            unsafe message.pointee.n_features32 = copy.count
        }
        if let features64 = unsafe features64 {
            guard let copy = unsafe array(features64, of: Double.self, arena) else { return nil }
            unsafe message.pointee.features64 = copy.baseAddress
            unsafe message.pointee.n_features64 = copy.count
        }
        if let bundle = unsafe bundle { unsafe message.pointee.bundle = arena.terminated(bundle) }
        if let transactionID = unsafe transactionID { unsafe message.pointee.transaction_id = arena.terminated(transactionID) }
        if let alias = unsafe alias { unsafe message.pointee.alias = arena.terminated(alias) }
        if let caller = unsafe caller { unsafe message.pointee.caller = arena.terminated(caller) }
        unsafe message.pointee.version = UInt32(truncatingIfNeeded: version)
        unsafe message.pointee.explain = UInt32(truncatingIfNeeded: explain)
        unsafe message.pointee.include_raw = includesRaw == 0 ? 0 : 1
        unsafe message.pointee.durability = Assay__V1__Durability(rawValue: UInt32(truncatingIfNeeded: durability))
        return unsafe ScoreView(message: message)
    }

    /// A packed field's numbers, copied to where they are aligned; nil where its length does not fit them.
    private static func array<Element: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, of type: Element.Type, _ arena: MessageArena
    ) -> UnsafeMutableBufferPointer<Element>? {
        let (count, rest) = bytes.count.quotientAndRemainder(dividingBy: MemoryLayout<Element>.size)
        guard rest == 0 else { return nil }
        let copy = unsafe arena.array(count, of: Element.self)
        if let source = bytes.baseAddress { unsafe memcpy(copy, source, bytes.count) }
        return unsafe UnsafeMutableBufferPointer(start: copy, count: count)
    }
}
