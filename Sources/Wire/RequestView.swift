import AssayProto
import CProtobufC
import Glibc

/// A decoded request: views over the arena it was decoded into, valid until that arena's next reset.
public struct RequestView {
    public let id: UInt64
    /// Unix microseconds; 0: none.
    public let deadlineMicroseconds: Int64
    public let body: Body

    public enum Body {
        case score(ScoreView)
        case scoreBatch(ScoreBatchView)
        /// What is asked seldom, or no method of this version.
        case other(OtherRequestView)
    }

    /// Decodes a frame's payload. nil when the bytes are no Request, or need more memory than the arena gives.
    public static func decode(_ payload: UnsafeRawBufferPointer, arena: MessageArena) -> RequestView? {
        unsafe UsualScoreRequest.decode(payload, arena: arena) ?? decodeAny(payload, arena: arena)
    }

    /// The same with protobuf-c, which knows every form of every message.
    static func decodeAny(_ payload: UnsafeRawBufferPointer, arena: MessageArena) -> RequestView? {
        // Safety: protobuf-c reads exactly `count` bytes and allocates from the arena alone.
        guard
            let request = unsafe assay__v1__request__unpack(
                arena.protobufAllocator, payload.count, payload.baseAddress?.assumingMemoryBound(to: UInt8.self))
        else { return nil }
        return unsafe RequestView(id: request.pointee.id, deadlineMicroseconds: request.pointee.deadline_us, body: Body(request))
    }
}

extension RequestView.Body {
    fileprivate init(_ request: UnsafeMutablePointer<Assay__V1__Request>) {
        switch unsafe request.pointee.method_case {
        case ASSAY__V1__REQUEST__METHOD_SCORE:
            self = unsafe .score(ScoreView(message: request.pointee.score))
        case ASSAY__V1__REQUEST__METHOD_SCORE_BATCH:
            self = unsafe .scoreBatch(ScoreBatchView(message: request.pointee.score_batch))
        default:
            self = unsafe .other(OtherRequestView(message: request))
        }
    }
}

/// A request for what is asked seldom.
///
/// Safety: as ``ScoreView``.
@safe
public struct OtherRequestView {
    private let message: UnsafeMutablePointer<Assay__V1__Request>

    fileprivate init(message: UnsafeMutablePointer<Assay__V1__Request>) {
        unsafe self.message = unsafe message
    }

    /// The request as values, not a score; nil: no method of this version is set.
    public var body: RequestBody? { unsafe RequestBody(message) }
}

/// Text inside a decoded message.
///
/// Safety: `bytes` lies in the arena of the message, NUL-terminated behind its last byte; valid until the arena's next reset.
@safe
public struct TextView {
    public let bytes: UnsafeRawBufferPointer

    init(_ text: UnsafeMutablePointer<CChar>?) {
        if let text = unsafe text {
            unsafe bytes = UnsafeRawBufferPointer(start: text, count: strlen(text))
        } else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    /// A constant of the program.
    public init(_ text: StaticString) {
        // Safety: a StaticString of this kind is NUL-terminated and never freed.
        unsafe bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    fileprivate init(bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = unsafe bytes
    }

    public static var empty: TextView { TextView("") }

    @inlinable public var isEmpty: Bool { unsafe bytes.isEmpty }
    @inlinable public var byteCount: Int { unsafe bytes.count }
    public var string: String { unsafe String(decoding: bytes, as: UTF8.self) }

    /// The bytes are well-formed UTF-8. ASCII is decided without an allocation.
    public var isUTF8: Bool {
        if unsafe bytes.allSatisfy({ $0 < 0x80 }) { return true }
        return unsafe String(validating: bytes, as: UTF8.self) != nil
    }

    var cString: UnsafeMutablePointer<CChar>? {
        // Safety: made from a NUL-terminated text, or empty.
        unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
    }
}

extension MessageArena {
    /// A view of a copy of `text` (with its NUL as the last byte) in the arena.
    public func text(_ text: [UInt8]) -> TextView {
        precondition(text.last == 0, "the text has no NUL at its end")
        let copy = unsafe bytes(text)
        return unsafe TextView(bytes: UnsafeRawBufferPointer(start: copy.data, count: text.count - 1))
    }
}

/// A score request.
///
/// Safety: `message` lies in the arena it was decoded into and is valid until the arena's next reset.
@safe
public struct ScoreView {
    let message: UnsafeMutablePointer<Assay__V1__ScoreRequest>

    init(message: UnsafeMutablePointer<Assay__V1__ScoreRequest>) {
        unsafe self.message = unsafe message
    }

    public var bundle: TextView { unsafe TextView(message.pointee.bundle) }
    public var alias: TextView { unsafe TextView(message.pointee.alias) }
    public var version: UInt32 { unsafe message.pointee.version }
    public var transactionID: TextView { unsafe TextView(message.pointee.transaction_id) }
    public var caller: TextView { unsafe TextView(message.pointee.caller) }
    public var explain: UInt32 { unsafe message.pointee.explain }
    /// nil: none that this version knows.
    public var durability: WireDurability? { unsafe WireDurability(rawValue: UInt32(message.pointee.durability.rawValue)) }
    public var includesRaw: Bool { unsafe message.pointee.include_raw != 0 }

    /// nil: there is none.
    public var personal: PersonalDataView? {
        guard let personal = unsafe message.pointee.personal else { return nil }
        return unsafe PersonalDataView(message: personal)
    }

    public var features32: UnsafeBufferPointer<Float> {
        unsafe UnsafeBufferPointer(start: message.pointee.features32, count: message.pointee.n_features32)
    }
    public var features64: UnsafeBufferPointer<Double> {
        unsafe UnsafeBufferPointer(start: message.pointee.features64, count: message.pointee.n_features64)
    }
    public var bitcoin: BitcoinTransactionView? {
        guard unsafe message.pointee.transaction_case == ASSAY__V1__SCORE_REQUEST__TRANSACTION_BITCOIN else { return nil }
        return unsafe BitcoinTransactionView(message: message.pointee.bitcoin)
    }
    public var card: CardTransactionView? {
        guard unsafe message.pointee.transaction_case == ASSAY__V1__SCORE_REQUEST__TRANSACTION_CARD else { return nil }
        return unsafe CardTransactionView(message: message.pointee.card)
    }

    public var hasTransaction: Bool {
        unsafe message.pointee.transaction_case != ASSAY__V1__SCORE_REQUEST__TRANSACTION__NOT_SET
    }

    /// How many of the four kinds of input are there; a valid request has exactly one.
    public var inputKindCount: Int {
        unsafe (message.pointee.n_features32 > 0 ? 1 : 0) + (message.pointee.n_features64 > 0 ? 1 : 0)
            + (hasTransaction ? 1 : 0)
    }
}

/// A request for many rows.
///
/// Safety: as ``ScoreView``.
@safe
public struct ScoreBatchView {
    let message: UnsafeMutablePointer<Assay__V1__ScoreBatchRequest>

    init(message: UnsafeMutablePointer<Assay__V1__ScoreBatchRequest>) {
        unsafe self.message = unsafe message
    }

    public var bundle: TextView { unsafe TextView(message.pointee.bundle) }
    public var alias: TextView { unsafe TextView(message.pointee.alias) }
    public var version: UInt32 { unsafe message.pointee.version }
    public var caller: TextView { unsafe TextView(message.pointee.caller) }
    public var includesRaw: Bool { unsafe message.pointee.include_raw != 0 }
    public var rowCount: Int { unsafe Int(message.pointee.row_count) }
    /// nil: none that this version knows.
    public var durability: WireDurability? { unsafe WireDurability(rawValue: UInt32(message.pointee.durability.rawValue)) }
    public var transactionIDCount: Int { unsafe message.pointee.n_transaction_ids }

    /// [row_count, features] row-major.
    public var features32: UnsafeBufferPointer<Float> {
        unsafe UnsafeBufferPointer(start: message.pointee.features32, count: message.pointee.n_features32)
    }
    public var features64: UnsafeBufferPointer<Double> {
        unsafe UnsafeBufferPointer(start: message.pointee.features64, count: message.pointee.n_features64)
    }

    /// Personal data of rows: none, or as many as rows.
    public var personalCount: Int { unsafe message.pointee.n_personal }

    /// `row` is below ``personalCount``.
    public func personal(_ row: Int) -> PersonalDataView {
        precondition(row >= 0 && row < personalCount, "row \(row) of \(personalCount)")
        return unsafe PersonalDataView(message: message.pointee.personal[row]!)
    }

    /// `row` is below ``transactionIDCount``.
    public func transactionID(_ row: Int) -> TextView {
        precondition(row >= 0 && row < transactionIDCount, "row \(row) of \(transactionIDCount)")
        return unsafe TextView(message.pointee.transaction_ids[row])
    }
}
