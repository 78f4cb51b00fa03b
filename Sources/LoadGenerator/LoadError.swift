import Platform

/// Why a run can't begin or go on. What single replies say is counted, not thrown.
public enum LoadError: Error, Equatable, CustomStringConvertible {
    /// The options contradict each other or leave their range.
    case usage(String)
    /// Neither `HOST:PORT` nor `unix:PATH`.
    case badAddress(String)
    case cannotResolve(host: String, text: String)
    case cannotConnect(address: String, text: String)
    /// The server did not answer a preparing request in time.
    case noAnswer(method: String, seconds: Double)
    /// The server answered a preparing request with an error.
    case refused(method: String, status: String, reason: String, text: String)
    /// The server's bytes are no reply of the contract.
    case badReply(String)
    /// The bundle takes another kind of row.
    case featureCount(expected: Int, actual: Int)
    /// No request can be made of the input: no rows, an unreadable file, a frame beyond the server's limit.
    case input(String)
    /// What was fetched is not the bundle that the server says it is.
    case bundle(String)
    case system(SystemError)

    public var description: String {
        switch self {
        case .usage(let text), .input(let text), .bundle(let text), .badReply(let text): text
        case .badAddress(let text): "\(text): not HOST:PORT or unix:PATH"
        case .cannotResolve(let host, let text): "cannot resolve \(host): \(text)"
        case .cannotConnect(let address, let text): "cannot connect to \(address): \(text)"
        case .noAnswer(let method, let seconds): "no answer to \(method) within \(seconds) s"
        case .refused(let method, let status, let reason, let text): "\(method) was refused: \(status) \(reason): \(text)"
        case .featureCount(let expected, let actual): "the rows have \(actual) features, the bundle takes \(expected)"
        case .system(let error): error.description
        }
    }

    /// The process's exit code for it: 2 usage, 3 could not connect, else 1.
    public var exitCode: Int32 {
        switch self {
        case .usage, .badAddress: 2
        case .cannotConnect, .cannotResolve: 3
        default: 1
        }
    }
}
