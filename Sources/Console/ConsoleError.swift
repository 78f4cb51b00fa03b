/// Why the console could not start.
public enum ConsoleError: Error, Equatable, CustomStringConvertible {
    /// Another socket listens on that port.
    case addressInUse(host: String, port: Int)
    /// The port needs a privilege that the process lacks (below 1024), or the address is none of this machine's.
    case addressRefused(host: String, port: Int, code: Int32)
    /// The name does not resolve to an address.
    case unknownHost(host: String)
    /// `start` was called on a console that runs or has run.
    case alreadyStarted
    /// It ended before it listened, for a reason that is not an errno.
    case notStarted(reason: String)

    public var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "http \(host):\(port) is in use by another process; choose another port with --http HOST:PORT"
        case .addressRefused(let host, let port, let code):
            "http \(host):\(port) cannot be listened on (errno \(code))"
        case .unknownHost(let host):
            "http host \(host) does not resolve to an address"
        case .alreadyStarted:
            "the console was started twice"
        case .notStarted(let reason):
            "the console did not start: \(reason)"
        }
    }
}
