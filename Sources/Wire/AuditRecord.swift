import AssayProto
import CProtobufC

/// A record of the audit trail as values (`assay.v1.AuditRecord`): for readers, not for the hot path.
public struct AuditRecord: Equatable, Sendable {
    public var sequence: UInt64 = 0
    /// Unix nanoseconds.
    public var timeNanoseconds: Int64 = 0
    public var bundle = ""
    public var version: UInt32 = 0
    /// SHA-256 of the bundle file.
    public var digest: [UInt8] = []
    /// Little-endian floats as scored.
    public var features32: [UInt8] = []
    public var features64: [UInt8] = []
    /// The typed transaction, encoded; empty for a vector.
    public var bitcoin: [UInt8] = []
    public var card: [UInt8] = []
    /// Little-endian float64, one an output.
    public var scores: [UInt8] = []
    public var score = 0.0
    public var outcome = WireOutcome.unspecified
    public var stage = WireStage.unspecified
    public var reasons: [ReasonMessage] = []
    public var transactionID = ""
    public var caller = ""
    public var requestID: UInt64 = 0
    public var serverNanoseconds: UInt64 = 0
    public var alias = ""
    public var isUnproven = false
    /// Personal data, encrypted under the subject's key, and what stands for the subject; empty: the request had none.
    public var sealedPersonal: [UInt8] = []
    public var subjectReference: [UInt8] = []
    /// Set when the record holds no decision.
    public var voidRange: VoidRange?

    public init() {}
}

/// Numbers that belong to no acknowledged decision, and why.
public struct VoidRange: Equatable, Sendable {
    public enum Cause: UInt32, Sendable {
        case unspecified = 0
        /// The process died between taking the number and completing the record.
        case processDied = 1
        /// The machine lost the memory that held the last records.
        case memoryLost = 2
        /// What the journal had of them was damaged; `assay journal repair` moved it to the quarantine.
        case damaged = 3
    }

    public var first: UInt64
    public var last: UInt64
    public var cause: Cause
    /// Of a repair: the SHA-256 that the next block names as its predecessor; else empty.
    public var chain: [UInt8]

    public init(first: UInt64, last: UInt64, cause: Cause, chain: [UInt8] = []) {
        self.first = first
        self.last = last
        self.cause = cause
        self.chain = chain
    }
}

extension AuditRecord {
    /// nil when the bytes are no AuditRecord.
    public static func decode(_ bytes: UnsafeRawBufferPointer) -> AuditRecord? {
        unsafe decode(bytes, arena: MessageArena(byteCount: 4096))
    }

    /// The same into an arena of the caller's, who resets it.
    public static func decode(_ bytes: UnsafeRawBufferPointer, arena: MessageArena) -> AuditRecord? {
        // Safety: protobuf-c reads exactly `count` bytes and allocates from the arena, which outlives the values made here.
        guard
            let pointer = unsafe assay__v1__audit_record__unpack(
                arena.protobufAllocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        else { return nil }
        return unsafe AuditRecord(pointer.pointee)
    }

    private init(_ message: Assay__V1__AuditRecord) {
        sequence = unsafe message.sequence
        timeNanoseconds = unsafe message.time_ns
        bundle = unsafe TextView(message.bundle).string
        version = unsafe message.version
        digest = unsafe [UInt8](message.digest)
        features32 = unsafe [UInt8](message.features32)
        features64 = unsafe [UInt8](message.features64)
        bitcoin = unsafe [UInt8](message.bitcoin)
        card = unsafe [UInt8](message.card)
        scores = unsafe [UInt8](message.scores)
        if unsafe message.score_presence_case == ASSAY__V1__AUDIT_RECORD__SCORE_PRESENCE_SCORE { score = unsafe message.score }
        outcome = unsafe WireOutcome(rawValue: UInt32(message.outcome.rawValue)) ?? .unspecified
        stage = unsafe WireStage(rawValue: UInt32(message.stage.rawValue)) ?? .unspecified
        reasons = unsafe (0..<message.n_reasons).map { unsafe ReasonMessage(message.reasons[$0]!.pointee) }
        transactionID = unsafe TextView(message.transaction_id).string
        caller = unsafe TextView(message.caller).string
        requestID = unsafe message.request_id
        serverNanoseconds = unsafe message.server_ns
        alias = unsafe TextView(message.alias).string
        isUnproven = unsafe message.unproven != 0
        sealedPersonal = unsafe [UInt8](message.sealed_personal)
        subjectReference = unsafe [UInt8](message.subject_ref)
        if let range = unsafe message.void_range?.pointee {
            voidRange = unsafe VoidRange(
                first: range.first, last: range.last,
                cause: VoidRange.Cause(rawValue: UInt32(range.cause.rawValue)) ?? .unspecified,
                chain: [UInt8](range.chain))
        }
    }

    public func encoded() -> [UInt8] {
        let arena = MessageArena(byteCount: 4096, byteCountMax: Int.max / 2)
        let message = unsafe arena.message(assay__v1__audit_record__init)
        unsafe message.pointee.sequence = sequence
        unsafe message.pointee.time_ns = timeNanoseconds
        unsafe message.pointee.bundle = arena.string(bundle)
        unsafe message.pointee.version = version
        unsafe message.pointee.digest = arena.bytes(digest)
        unsafe message.pointee.features32 = arena.bytes(features32)
        unsafe message.pointee.features64 = arena.bytes(features64)
        unsafe message.pointee.bitcoin = arena.bytes(bitcoin)
        unsafe message.pointee.card = arena.bytes(card)
        unsafe message.pointee.scores = arena.bytes(scores)
        if voidRange == nil {
            unsafe message.pointee.score_presence_case = ASSAY__V1__AUDIT_RECORD__SCORE_PRESENCE_SCORE
            unsafe message.pointee.score = score
        }
        unsafe message.pointee.outcome = Assay__V1__Outcome(outcome.rawValue)
        unsafe message.pointee.stage = Assay__V1__Stage(stage.rawValue)
        unsafe message.pointee.n_reasons = reasons.count
        unsafe message.pointee.reasons = arena.pointers(reasons.count) { unsafe reasons[$0].message(arena) }
        unsafe message.pointee.transaction_id = arena.string(transactionID)
        unsafe message.pointee.caller = arena.string(caller)
        unsafe message.pointee.request_id = requestID
        unsafe message.pointee.server_ns = serverNanoseconds
        unsafe message.pointee.alias = arena.string(alias)
        unsafe message.pointee.unproven = isUnproven ? 1 : 0
        unsafe message.pointee.sealed_personal = arena.bytes(sealedPersonal)
        unsafe message.pointee.subject_ref = arena.bytes(subjectReference)
        if let voidRange {
            let range = unsafe arena.message(assay__v1__void_range__init)
            unsafe range.pointee.first = voidRange.first
            unsafe range.pointee.last = voidRange.last
            unsafe range.pointee.cause = Assay__V1__VoidCause(voidRange.cause.rawValue)
            unsafe range.pointee.chain = arena.bytes(voidRange.chain)
            unsafe message.pointee.void_range = unsafe range
        }
        let byteCount = unsafe assay__v1__audit_record__get_packed_size(message)
        return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            unsafe assay__v1__audit_record__pack(message, buffer.baseAddress)
            count = byteCount
        }
    }
}
