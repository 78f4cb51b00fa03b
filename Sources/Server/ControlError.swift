import Audit
import Registry
import Wire

/// Why a control request gets no result.
enum ControlError: Error {
    case unknownModel(reason: String, text: String)
    case unknownDecision
    case offsetBeyondEnd(offset: UInt64, byteCount: Int)
    case registry(RegistryError)
    case audit(AuditError)

    var status: Status {
        switch self {
        case .unknownModel, .unknownDecision: .notFound
        case .offsetBeyondEnd: .invalidArgument
        case .registry(let error): error.wireStatus
        case .audit: .internal
        }
    }

    var replyError: ReplyError {
        switch self {
        case .unknownModel(let reason, let text): ReplyError(reason: reason, text: text)
        case .unknownDecision: ReplyError(reason: "UNKNOWN_DECISION", text: "no decision has that number")
        case .offsetBeyondEnd(let offset, let byteCount):
            ReplyError(reason: "OFFSET_BEYOND_END", text: "offset \(offset) of a bundle of \(byteCount) bytes")
        case .registry(let error):
            ReplyError(reason: error.wireReason, text: "\(error)", retryAfterMicroseconds: error.wireRetryAfterMicroseconds)
        case .audit(let error): ReplyError(reason: "AUDIT_READ", text: "\(error)")
        }
    }
}
