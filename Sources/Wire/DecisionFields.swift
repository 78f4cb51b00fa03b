import AssayProto
import CProtobufC
import Glibc

/// One reason given by the policy: a code of the contract, the value it judged, the threshold that value met.
public struct ReasonFields {
    public let code: StaticString
    public let value: Double
    public let threshold: Double

    public init(code: StaticString, value: Double, threshold: Double) {
        self.code = code
        self.value = value
        self.threshold = threshold
    }

    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__Reason> {
        let message = unsafe arena.message(assay__v1__reason__init)
        // Safety: a StaticString is NUL-terminated and never freed; protobuf-c only reads it.
        unsafe message.pointee.code = unsafe UnsafeMutableRawPointer(mutating: code.utf8Start).assumingMemoryBound(to: CChar.self)
        unsafe message.pointee.value = value
        unsafe message.pointee.threshold = threshold
        return unsafe message
    }
}

/// One reason given by the model: a feature's share of the raw score.
public struct ContributionFields {
    public let feature: String
    public let value: Double
    public let contribution: Double
    /// The bundle's text for people.
    public let text: String

    public init(feature: String, value: Double, contribution: Double, text: String) {
        self.feature = feature
        self.value = value
        self.contribution = contribution
        self.text = text
    }

    /// No encoded reason is longer.
    fileprivate var byteCountMax: Int { 64 + feature.utf8.count + text.utf8.count }

    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__Reason> {
        let message = unsafe arena.message(assay__v1__reason__init)
        unsafe message.pointee.code = arena.string("FEATURE")
        unsafe message.pointee.feature = arena.string(feature)
        unsafe message.pointee.value = value
        unsafe message.pointee.contribution = contribution
        unsafe message.pointee.text = arena.string(text)
        return unsafe message
    }
}

/// All that the hot path knows of one decision, as views: encoded once into the audit record and once into the reply, without a malloc.
///
/// Safety: every pointer and view here must outlive the calls that encode it; they point into the request's arena, the published
/// bundle and the worker's own buffers, which all live for the whole turn.
@safe
public struct DecisionFields {
    public var sequence: UInt64 = 0
    public var timeNanoseconds: Int64 = 0
    public var requestID: UInt64 = 0
    public var bundle: TextView
    public var alias: TextView
    public var version: UInt32
    /// 32 bytes.
    public var digest: UnsafeRawBufferPointer
    public var score = 0.0
    public var outcome = WireOutcome.unspecified
    public var stage = WireStage.unspecified
    /// All outputs after the transform, and before it.
    public var scores: UnsafeBufferPointer<Double>
    public var raw: UnsafeBufferPointer<Double>
    public var includesRaw = false
    /// One of the two is empty.
    public var features32: UnsafeBufferPointer<Float>
    public var features64: UnsafeBufferPointer<Double>
    public var transactionID: TextView
    public var caller: TextView
    public var serverNanoseconds: UInt64 = 0
    public var isUnproven = false
    /// Personal data for the record; the reply says nothing of it.
    public var sealed = SealedFields.none
    public var reason: ReasonFields?
    /// What the caller asked for, greatest first.
    public var contributions: [ContributionFields] = []

    public init(
        bundle: TextView, alias: TextView, version: UInt32, digest: UnsafeRawBufferPointer, scores: UnsafeBufferPointer<Double>,
        raw: UnsafeBufferPointer<Double>, features32: UnsafeBufferPointer<Float>, features64: UnsafeBufferPointer<Double>,
        transactionID: TextView, caller: TextView
    ) {
        self.bundle = bundle
        self.alias = alias
        self.version = version
        unsafe self.digest = unsafe digest
        unsafe self.scores = unsafe scores
        unsafe self.raw = unsafe raw
        unsafe self.features32 = unsafe features32
        unsafe self.features64 = unsafe features64
        self.transactionID = transactionID
        self.caller = caller
    }
}

extension DecisionFields {
    /// No reply of these fields is longer, its frame header included.
    public var replyByteCountMax: Int {
        // Two double arrays; the rest (names, digest, varints, the policy's reason) stays below 512.
        unsafe 512 + 8 * (scores.count + raw.count) + contributionByteCountMax
    }

    private var contributionByteCountMax: Int { contributions.reduce(0) { $0 + $1.byteCountMax } }

    /// The policy's reason, then the contributions; nil when there are none.
    private func reasons(
        _ arena: MessageArena
    ) -> (count: Int, list: UnsafeMutablePointer<UnsafeMutablePointer<Assay__V1__Reason>?>)? {
        let policyCount = reason == nil ? 0 : 1
        let count = policyCount + contributions.count
        guard count > 0 else { return nil }
        let list = unsafe arena.pointers(count) { index in
            if index == 0, let reason { return unsafe reason.message(arena) }
            return unsafe contributions[index - policyCount].message(arena)
        }
        return unsafe (count, list)
    }

    /// Encodes the reply as one frame to `destination`, which has room for ``replyByteCountMax``; returns its length.
    public func writeReplyFrame(to destination: UnsafeMutableRawPointer, arena: MessageArena) -> Int {
        let decision = unsafe arena.message(assay__v1__decision__init)
        unsafe decision.pointee.score_presence_case = ASSAY__V1__DECISION__SCORE_PRESENCE_SCORE
        unsafe decision.pointee.score = score
        unsafe decision.pointee.outcome = Assay__V1__Outcome(outcome.rawValue)
        unsafe decision.pointee.stage = Assay__V1__Stage(stage.rawValue)
        unsafe decision.pointee.bundle = bundle.cString ?? decision.pointee.bundle
        unsafe decision.pointee.version = version
        unsafe decision.pointee.digest = binary(digest)
        unsafe decision.pointee.audit_sequence = sequence
        unsafe decision.pointee.server_ns = serverNanoseconds
        if unsafe scores.count > 1 {
            unsafe decision.pointee.n_scores = scores.count
            unsafe decision.pointee.scores = unsafe UnsafeMutablePointer(mutating: scores.baseAddress)
        }
        if includesRaw {
            unsafe decision.pointee.n_raw = raw.count
            unsafe decision.pointee.raw = unsafe UnsafeMutablePointer(mutating: raw.baseAddress)
        }
        if let reasons = unsafe reasons(arena) {
            unsafe decision.pointee.n_reasons = reasons.count
            unsafe decision.pointee.reasons = reasons.list
        }
        unsafe decision.pointee.unproven = isUnproven ? 1 : 0

        let reply = unsafe arena.message(assay__v1__reply__init)
        unsafe reply.pointee.id = requestID
        unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_DECISION
        unsafe reply.pointee.decision = unsafe decision
        let payload = unsafe (destination + Frame.headerByteCount).assumingMemoryBound(to: UInt8.self)
        let byteCount = unsafe assay__v1__reply__pack(reply, payload)
        unsafe Frame.writeHeader(destination, byteCount: byteCount)
        return Frame.headerByteCount + byteCount
    }
}

/// The typed transaction that the features came from, encoded for the audit record; empty for a vector.
///
/// Safety: lies in the request's arena.
@safe
public struct EncodedTransaction {
    fileprivate var bitcoin = unsafe ProtobufCBinaryData()
    fileprivate var card = unsafe ProtobufCBinaryData()

    public static var none: EncodedTransaction { EncodedTransaction() }

    public var byteCount: Int { unsafe bitcoin.len + card.len }

    /// Encodes the request's transaction anew (unknown fields kept) into the arena.
    public static func encode(_ request: ScoreView, arena: MessageArena) -> EncodedTransaction {
        var encoded = EncodedTransaction()
        switch unsafe request.message.pointee.transaction_case {
        case ASSAY__V1__SCORE_REQUEST__TRANSACTION_BITCOIN:
            let message = unsafe request.message.pointee.bitcoin
            let bytes = unsafe arena.array(assay__v1__bitcoin_transaction__get_packed_size(message), of: UInt8.self)
            unsafe encoded.bitcoin = unsafe ProtobufCBinaryData(
                len: assay__v1__bitcoin_transaction__pack(message, bytes), data: bytes)
        case ASSAY__V1__SCORE_REQUEST__TRANSACTION_CARD:
            let message = unsafe request.message.pointee.card
            let bytes = unsafe arena.array(assay__v1__card_transaction__get_packed_size(message), of: UInt8.self)
            unsafe encoded.card = unsafe ProtobufCBinaryData(len: assay__v1__card_transaction__pack(message, bytes), data: bytes)
        default: break
        }
        return encoded
    }
}

extension DecisionFields {
    /// No audit record of these fields is longer.
    public func recordByteCountMax(transactionByteCount: Int) -> Int {
        // Names, digest, varints, the policy's reason and the tags stay below 512.
        unsafe 512 + 4 * features32.count + 8 * (features64.count + scores.count) + transactionID.byteCount + caller.byteCount
            + transactionByteCount + contributionByteCountMax + sealed.byteCount
    }

    /// Encodes the `assay.v1.AuditRecord` to `destination`, which has room for ``recordByteCountMax(transactionByteCount:)``.
    public func writeAuditRecord(
        to destination: UnsafeMutableRawPointer, transaction: EncodedTransaction, arena: MessageArena
    ) -> Int {
        let record = unsafe arena.message(assay__v1__audit_record__init)
        unsafe record.pointee.sequence = sequence
        unsafe record.pointee.time_ns = timeNanoseconds
        unsafe record.pointee.bundle = bundle.cString ?? record.pointee.bundle
        unsafe record.pointee.version = version
        unsafe record.pointee.digest = binary(digest)
        unsafe record.pointee.features32 = binary(UnsafeRawBufferPointer(features32))
        unsafe record.pointee.features64 = binary(UnsafeRawBufferPointer(features64))
        unsafe record.pointee.bitcoin = unsafe transaction.bitcoin
        unsafe record.pointee.card = unsafe transaction.card
        unsafe record.pointee.scores = binary(UnsafeRawBufferPointer(scores))
        unsafe record.pointee.score_presence_case = ASSAY__V1__AUDIT_RECORD__SCORE_PRESENCE_SCORE
        unsafe record.pointee.score = score
        unsafe record.pointee.outcome = Assay__V1__Outcome(outcome.rawValue)
        unsafe record.pointee.stage = Assay__V1__Stage(stage.rawValue)
        if let reasons = unsafe reasons(arena) {
            unsafe record.pointee.n_reasons = reasons.count
            unsafe record.pointee.reasons = reasons.list
        }
        unsafe record.pointee.transaction_id = transactionID.cString ?? record.pointee.transaction_id
        unsafe record.pointee.caller = caller.cString ?? record.pointee.caller
        unsafe record.pointee.request_id = requestID
        unsafe record.pointee.server_ns = serverNanoseconds
        unsafe record.pointee.alias = alias.cString ?? record.pointee.alias
        unsafe record.pointee.unproven = isUnproven ? 1 : 0
        unsafe record.pointee.sealed_personal = binary(sealed.payload)
        unsafe record.pointee.subject_ref = binary(sealed.subjectReference)
        return unsafe assay__v1__audit_record__pack(record, destination.assumingMemoryBound(to: UInt8.self))
    }

    /// Safety: protobuf-c's encoders only read what the binary points to.
    private func binary(_ bytes: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
        unsafe ProtobufCBinaryData(
            len: bytes.count, data: UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: UInt8.self))
    }
}
