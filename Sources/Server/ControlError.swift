import Audit
import Registry
import Wire

/// Why a control request gets no result.
enum ControlError: Error {
    case unknownModel(reason: String, text: String)
    case unknownDecision
    case unknownTransaction
    case decisionQuery
    case lookupLimit(UInt32)
    case offsetBeyondEnd(offset: UInt64, byteCount: Int)
    case registry(RegistryError)
    case audit(AuditError)

    var status: Status {
        switch self {
        case .unknownModel, .unknownDecision, .unknownTransaction: .notFound
        case .offsetBeyondEnd, .decisionQuery, .lookupLimit: .invalidArgument
        case .registry(let error): error.wireStatus
        case .audit(.notWrittenYet): .auditUnavailable
        case .audit: .internal
        }
    }

    var replyError: ReplyError {
        switch self {
        case .unknownModel(let reason, let text): ReplyError(reason: reason, text: text)
        case .unknownDecision: ReplyError(reason: "UNKNOWN_DECISION", text: "no decision has that number")
        case .unknownTransaction:
            ReplyError(reason: "UNKNOWN_TRANSACTION", text: "the journal has no decision made under that transaction id")
        case .decisionQuery:
            ReplyError(reason: "DECISION_QUERY", text: "exactly one of audit_sequence and transaction_id is wanted")
        case .lookupLimit(let limit):
            ReplyError(
                reason: "LIMIT_OUT_OF_RANGE",
                text: "\(limit) decisions were asked for, 0 to \(AuditLimits.lookupCountMax) are possible")
        case .offsetBeyondEnd(let offset, let byteCount):
            ReplyError(reason: "OFFSET_BEYOND_END", text: "offset \(offset) of a bundle of \(byteCount) bytes")
        case .registry(let error):
            ReplyError(reason: error.wireReason, text: "\(error)", retryAfterMicroseconds: error.wireRetryAfterMicroseconds)
        case .audit(let error): ReplyError(reason: "AUDIT_READ", text: "\(error)")
        }
    }
}
