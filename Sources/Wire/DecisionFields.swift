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

    fileprivate func write(to message: inout MessageWriter) {
        message.text(1, TextView(code))
        message.double(3, value)
        message.double(4, threshold)
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

    fileprivate func write(to message: inout MessageWriter) {
        message.text(1, TextView("FEATURE"))
        message.text(2, feature)
        message.double(3, value)
        message.double(5, contribution)
        message.text(6, text)
    }
}

/// All that the hot path knows of one decision, as views: encoded once into the audit record and once into the reply, without a malloc.
///
/// Safety: every pointer and view here must outlive the calls that encode it; they point into the request's arena, the published
/// bundle and the worker's own buffers, which all live for the whole turn.
///
/// Not copyable, and read by `mutating` methods that change nothing: those are called in place, while others get a copy of all the fields on the
/// stack, which costs more than encoding them.
@safe
public struct DecisionFields: ~Copyable {
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

    /// Of no decision.
    public static var empty: DecisionFields {
        unsafe DecisionFields(
            bundle: .empty, alias: .empty, version: 0, digest: UnsafeRawBufferPointer(start: nil, count: 0),
            scores: UnsafeBufferPointer(start: nil, count: 0), raw: UnsafeBufferPointer(start: nil, count: 0),
            features32: UnsafeBufferPointer(start: nil, count: 0), features64: UnsafeBufferPointer(start: nil, count: 0),
            transactionID: .empty, caller: .empty)
    }
}

extension DecisionFields {
    /// No reply of these fields is longer, its frame header included.
    public mutating func replyByteCountMax() -> Int {
        // Two double arrays; the rest (names, digest, varints, the policy's reason) stays below 512.
        unsafe 512 + 8 * (scores.count + raw.count) + contributionByteCountMax()
    }

    private mutating func contributionByteCountMax() -> Int {
        // Most decisions have none.
        contributions.isEmpty ? 0 : contributions.reduce(0) { $0 + $1.byteCountMax }
    }

    /// The policy's reason, then the contributions.
    @inline(__always)
    private mutating func writeReasons(_ field: UInt64, to message: inout MessageWriter) {
        if let reason {
            let mark = message.begin(field)
            reason.write(to: &message)
            message.end(mark)
        }
        // Most decisions have none, and counting references to an empty array costs, too.
        guard !contributions.isEmpty else { return }
        for contribution in contributions {
            let mark = message.begin(field)
            contribution.write(to: &message)
            message.end(mark)
        }
    }

    /// Encodes the reply as one frame to `destination`, which has room for ``replyByteCountMax()``; returns its length.
    public mutating func writeReplyFrame(to destination: UnsafeMutableRawPointer) -> Int {
        // Safety: the caller's room is as long as is asked for.
        var reply = unsafe MessageWriter(destination + Frame.headerByteCount)
        reply.number(1, requestID)
        let decision = reply.begin(4)
        reply.presentDouble(1, score)
        reply.number(2, UInt64(outcome.rawValue))
        reply.number(3, UInt64(stage.rawValue))
        reply.text(4, bundle)
        reply.number(5, UInt64(version))
        unsafe reply.bytes(6, digest)
        reply.number(7, sequence)
        reply.number(8, serverNanoseconds)
        // Packed: as little-endian float64.
        if unsafe scores.count > 1 { unsafe reply.bytes(9, UnsafeRawBufferPointer(scores)) }
        if includesRaw { unsafe reply.bytes(10, UnsafeRawBufferPointer(raw)) }
        writeReasons(11, to: &reply)
        reply.flag(12, isUnproven)
        reply.end(decision)
        unsafe Frame.writeHeader(destination, byteCount: reply.byteCount)
        return Frame.headerByteCount + reply.byteCount
    }
}

/// The typed transaction that the features came from, encoded for the audit record; empty for a vector.
///
/// Safety: lies in the request's arena.
@safe
public struct EncodedTransaction {
    var bitcoin = unsafe ProtobufCBinaryData()
    var card = unsafe ProtobufCBinaryData()

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
    public mutating func recordByteCountMax(transactionByteCount: Int) -> Int {
        // Names, digest, varints, the policy's reason and the tags stay below 512.
        unsafe 512 + 4 * features32.count + 8 * (features64.count + scores.count) + transactionID.byteCount + caller.byteCount
            + transactionByteCount + contributionByteCountMax() + sealed.byteCount
    }

    /// Encodes the `assay.v1.AuditRecord` to `destination`, which has room for ``recordByteCountMax(transactionByteCount:)``.
    public mutating func writeAuditRecord(to destination: UnsafeMutableRawPointer, transaction: EncodedTransaction) -> Int {
        // Safety: the caller's room is as long as is asked for.
        var record = unsafe MessageWriter(destination)
        record.number(1, sequence)
        record.number(2, UInt64(bitPattern: timeNanoseconds))
        record.text(3, bundle)
        record.number(4, UInt64(version))
        unsafe record.bytes(5, digest)
        unsafe record.bytes(6, UnsafeRawBufferPointer(features32))
        unsafe record.bytes(7, UnsafeRawBufferPointer(features64))
        unsafe record.bytes(8, UnsafeRawBufferPointer(start: transaction.bitcoin.data, count: transaction.bitcoin.len))
        unsafe record.bytes(9, UnsafeRawBufferPointer(start: transaction.card.data, count: transaction.card.len))
        unsafe record.bytes(10, UnsafeRawBufferPointer(scores))
        record.presentDouble(11, score)
        record.number(12, UInt64(outcome.rawValue))
        record.number(13, UInt64(stage.rawValue))
        writeReasons(14, to: &record)
        record.text(16, transactionID)
        record.text(17, caller)
        record.number(18, requestID)
        record.number(19, serverNanoseconds)
        record.text(20, alias)
        record.flag(21, isUnproven)
        unsafe record.bytes(22, sealed.payload)
        unsafe record.bytes(23, sealed.subjectReference)
        return record.byteCount
    }
}
