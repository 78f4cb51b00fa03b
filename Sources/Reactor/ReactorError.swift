import Platform

/// Why a listener or an event loop could not be made.
public enum ReactorError: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case configurationOutOfRange(name: String, value: Int, min: Int, max: Int)
    case portOutOfRange(Int)
    /// getaddrinfo knows no such host; `code` is one of its EAI_ numbers.
    case hostUnknown(code: Int32)
    case unixPathTooLong(byteCount: Int, limit: Int)
    /// A living server listens on the Unix socket.
    case unixSocketInUse
    /// Something that is no socket lies at the path; it is left alone.
    case unixPathOccupied

    public var description: String {
        switch self {
        case .system(let error): error.description
        case .configurationOutOfRange(let name, let value, let min, let max):
            "\(name) is \(value), must be \(min) ... \(max)"
        case .portOutOfRange(let port): "port \(port) is not in 0 ... 65535"
        case .hostUnknown(let code): "the host to listen on cannot be resolved (getaddrinfo \(code))"
        case .unixPathTooLong(let byteCount, let limit):
            "the path of the Unix socket has \(byteCount) bytes, the limit is \(limit)"
        case .unixSocketInUse: "another server listens on the Unix socket"
        case .unixPathOccupied: "something that is no socket lies at the path of the Unix socket"
        }
    }

    /// The failure of one of our C functions, which return -errno.
    static func negative(_ code: Int32, _ operation: String, path: String? = nil) -> ReactorError {
        .system(SystemError(operation: operation, path: path, code: -code))
    }
}
