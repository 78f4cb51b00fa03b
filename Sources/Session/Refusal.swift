import Decision
import Forest
import Privacy
import Registry
import Wire

/// Why a request of a well-formed frame gets no result. The connection goes on.
enum Refusal: Error, Equatable {
    case deadlineExceeded(lateMicroseconds: Int64)
    case overloaded(limitMicroseconds: UInt64)
    case inputCount(Int)
    case precision(Precision)
    case unknownBundle
    case unknownAlias
    case unknownVersion
    case features(FeatureVectorError)
    case transaction(TransactionError)
    case transactionIDTooLong(byteCount: Int)
    case callerTooLong(byteCount: Int)
    case textNotUTF8
    case explainOutOfRange(UInt32)
    case explainUnsupported
    case auditUnavailable
    /// Of a reply that waited for the disk.
    case auditFailed
    case auditOff
    case durabilityUnknown
    case heldRepliesFull(limit: Int)
    case transactionTooLarge(byteCount: Int)
    case batchRowCount(got: Int, limit: Int)
    case batchTransactionIDs(got: Int, expected: Int)
    case batchTooLarge(rowCount: Int)
    case batchReplyTooLong(byteCount: Int, limit: Int)
    case batchPersonal(got: Int, expected: Int)
    case personalDataNotAccepted
    case personalDataLength(name: String, byteCount: Int, limit: Int)
    case personalDataText(name: String)
    case personalDataUnavailable(PrivacyError)
    case notAdministrator
    case protocolVersion(UInt32)
    case textTooLong(byteCount: Int)
    case tooManyInFlight(limit: Int)
    case controlQueueFull

    var status: Status {
        switch self {
        case .deadlineExceeded: .deadlineExceeded
        case .unknownBundle, .unknownAlias, .unknownVersion: .notFound
        case .auditUnavailable, .auditFailed: .auditUnavailable
        case .notAdministrator: .permissionDenied
        case .explainUnsupported, .auditOff, .personalDataNotAccepted: .failedPrecondition
        case .overloaded, .tooManyInFlight, .controlQueueFull, .heldRepliesFull, .personalDataUnavailable: .resourceExhausted
        default: .invalidArgument
        }
    }

    var error: ReplyError {
        ReplyError(reason: reason, text: text, retryAfterMicroseconds: retryAfterMicroseconds)
    }

    private var retryAfterMicroseconds: UInt64 {
        switch self {
        // The journal drains a full ring in some ten milliseconds; control requests take about as long.
        case .auditUnavailable, .tooManyInFlight, .controlQueueFull, .heldRepliesFull: 10_000
        // What waits is refused in much less time than that.
        case .overloaded(let limit): limit
        // A full disk: until somebody has made room.
        case .personalDataUnavailable: 1_000_000
        default: 0
        }
    }

    private var reason: String {
        switch self {
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .overloaded: "OVERLOADED"
        case .inputCount: "INPUT_COUNT"
        case .precision: "PRECISION"
        case .unknownBundle: "UNKNOWN_BUNDLE"
        case .unknownAlias: "UNKNOWN_ALIAS"
        case .unknownVersion: "UNKNOWN_VERSION"
        case .features(let error): error.reason
        case .transaction(let error): error.reason
        case .transactionIDTooLong: "TRANSACTION_ID_TOO_LONG"
        case .callerTooLong: "CALLER_TOO_LONG"
        case .textNotUTF8: "TEXT_NOT_UTF8"
        case .explainOutOfRange: "EXPLAIN_OUT_OF_RANGE"
        case .explainUnsupported: "EXPLAIN_UNSUPPORTED"
        case .auditUnavailable: "AUDIT_UNAVAILABLE"
        case .auditFailed: "AUDIT_FAILED"
        case .auditOff: "AUDIT_OFF"
        case .durabilityUnknown: "DURABILITY_UNKNOWN"
        case .heldRepliesFull: "HELD_REPLIES_FULL"
        case .transactionTooLarge: "TRANSACTION_TOO_LARGE"
        case .batchRowCount: "BATCH_ROW_COUNT"
        case .batchTransactionIDs: "BATCH_TRANSACTION_IDS"
        case .batchTooLarge, .batchReplyTooLong: "BATCH_TOO_LARGE"
        case .batchPersonal: "BATCH_PERSONAL_DATA"
        case .personalDataNotAccepted: "PERSONAL_DATA_NOT_ACCEPTED"
        case .personalDataLength, .personalDataText: "PERSONAL_DATA_INVALID"
        case .personalDataUnavailable: "PERSONAL_DATA_UNAVAILABLE"
        case .notAdministrator: "NOT_ADMINISTRATOR"
        case .protocolVersion: "PROTOCOL_VERSION"
        case .textTooLong: "TEXT_TOO_LONG"
        case .tooManyInFlight: "TOO_MANY_IN_FLIGHT"
        case .controlQueueFull: "CONTROL_QUEUE_FULL"
        }
    }

    private var text: String {
        switch self {
        case .deadlineExceeded(let late): "the deadline had passed \(late) us before"
        // A constant: such refusals must cost as little as can be.
        case .overloaded: "the request has waited longer than this server lets one wait"
        case .inputCount(let count): "\(count) inputs, exactly one of features32, features64, bitcoin and card is wanted"
        case .precision(let precision):
            "the bundle's precision is \(precision): send \(precision == .float32 ? "features32" : "features64")"
        case .unknownBundle: "no bundle of that name is served"
        case .unknownAlias: "the bundle has no such alias"
        case .unknownVersion: "that version of the bundle is not served"
        case .features(let error): error.description
        case .transaction(let error): error.description
        case .transactionIDTooLong(let byteCount):
            "transaction_id has \(byteCount) bytes, at most \(WireLimits.transactionIDByteCountMax) are kept"
        case .callerTooLong(let byteCount):
            "the caller's name has \(byteCount) bytes, at most \(WireLimits.callerByteCountMax) are kept"
        case .textNotUTF8: "transaction_id and caller are UTF-8"
        case .explainOutOfRange(let count): "\(count) reasons were asked for, 0 to 32 are possible"
        case .explainUnsupported: "the bundle has no contributions of features (it knows no covers); send explain 0"
        case .auditUnavailable: "the audit trail takes no record now, so there is no decision"
        case .auditFailed:
            "the journal failed while the reply waited for it: the decision is not told, its record may or may not be found after a restart"
        case .auditOff: "this server keeps no audit trail, so no record can be on disk"
        case .durabilityUnknown: "the durability is none that this server knows: 0 as it is set, 1 memory, 2 disk"
        case .heldRepliesFull(let limit): "replies of \(limit) bytes wait for the disk already"
        case .transactionTooLarge(let byteCount): "the audit record would take \(byteCount) bytes, more than the trail can hold"
        case .batchRowCount(let got, let limit): "\(got) rows, 1 to \(limit) are accepted"
        case .batchTransactionIDs(let got, let expected): "\(got) transaction ids for \(expected) rows; send none or one a row"
        case .batchTooLarge(let rowCount): "the audit records of \(rowCount) such rows exceed the ring: send fewer at once"
        case .batchReplyTooLong(let byteCount, let limit):
            "the reply would take \(byteCount) bytes, a frame holds \(limit): send fewer rows at once"
        case .batchPersonal(let got, let expected): "personal data for \(got) of \(expected) rows; send none or one a row"
        case .personalDataNotAccepted: "this server keeps no keys for personal data: send none"
        case .personalDataLength(let name, let byteCount, let limit):
            "personal.\(name) has \(byteCount) bytes; \(limit) are kept at most, and subject is needed"
        case .personalDataText(let name): "personal.\(name) is not UTF-8"
        case .personalDataUnavailable: "no key can be made for the personal data's subject now, so there is no decision"
        case .notAdministrator: "administrative requests are not accepted from here"
        case .protocolVersion(let version): "protocol \(version), this server speaks 1"
        case .textTooLong(let byteCount): "a text of \(byteCount) bytes, at most \(RegistryLimits.whyByteCountMax) are accepted"
        case .tooManyInFlight(let limit): "\(limit) requests of this connection are waiting already"
        case .controlQueueFull: "too many requests of this kind are waiting"
        }
    }
}
