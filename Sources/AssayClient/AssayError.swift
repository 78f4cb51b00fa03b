import Wire

/// Why a call has no result.
public enum AssayError: Error, Equatable, Sendable {
    /// The server's own answer.
    case refused(status: Status, ReplyError)
    /// No reply came in time. The server may have carried the request out all the same.
    case timedOut(method: Method, milliseconds: Int64)
    /// The calling task was cancelled. The server may carry the request out all the same.
    case cancelled
    /// The connection ended before the reply came. The server may have carried the request out all the same.
    case connectionLost(cause: String)
    /// No connection could be opened.
    case cannotConnect(address: String, cause: String)
    /// The server's bytes are no reply of the contract; the connection was closed.
    case badReply(cause: String)
    /// The server answered with a result of another method.
    case wrongResult(method: Method)
    /// So many calls wait on the connection that this one was not sent.
    case tooManyWaiting(limit: Int)
    /// The request is larger than the server takes; it was not sent.
    case requestTooLarge(byteCount: Int, limit: Int)
    /// The client was closed before the call.
    case closed

    /// The server's status, where it answered.
    public var status: Status? {
        if case .refused(let status, _) = self { status } else { nil }
    }

    /// Machine-readable: the server's reason, or a word for what happened on this side.
    public var reason: String {
        switch self {
        case .refused(_, let error): error.reason
        case .timedOut: "TIMEOUT"
        case .cancelled: "CANCELLED"
        case .connectionLost: "CONNECTION_LOST"
        case .cannotConnect: "CANNOT_CONNECT"
        case .badReply: "BAD_REPLY"
        case .wrongResult: "WRONG_RESULT"
        case .tooManyWaiting: "TOO_MANY_WAITING"
        case .requestTooLarge: "REQUEST_TOO_LARGE"
        case .closed: "CLOSED"
        }
    }

    /// For people.
    public var text: String {
        switch self {
        case .refused(_, let error): error.text
        case .timedOut(let method, let milliseconds): "no reply to \(method.name) within \(milliseconds) ms"
        case .cancelled: "the task was cancelled"
        case .connectionLost(let cause): "the connection ended: \(cause)"
        case .cannotConnect(let address, let cause): "cannot connect to \(address): \(cause)"
        case .badReply(let cause): "the server's bytes can't be read: \(cause)"
        case .wrongResult(let method): "the reply to \(method.name) holds another result"
        case .tooManyWaiting(let limit): "\(limit) calls wait already"
        case .requestTooLarge(let byteCount, let limit): "the request has \(byteCount) bytes, the server takes \(limit)"
        case .closed: "the client is closed"
        }
    }

    /// When the same request is worth another try; nil: it would fail again, or nobody knows when.
    public var retryAfter: Duration? {
        guard case .refused(_, let error) = self, error.retryAfterMicroseconds > 0 else { return nil }
        return .microseconds(Int64(clamping: error.retryAfterMicroseconds))
    }

    /// Whether the server may have decided (and recorded) although no decision arrived.
    public var maybeExecuted: Bool {
        switch self {
        case .timedOut, .cancelled, .connectionLost, .badReply, .wrongResult: true
        // AUDIT_FAILED: whether the decision's record survives shows after the server's restart.
        case .refused(let status, let error): status == .internal || error.reason == "AUDIT_FAILED"
        case .cannotConnect, .tooManyWaiting, .requestTooLarge, .closed: false
        }
    }
}

extension AssayError: CustomStringConvertible {
    public var description: String {
        if let status { "\(status.name) \(reason): \(text)" } else { "\(reason): \(text)" }
    }
}
