import Audit
import Privacy
import Reactor
import Registry
import TLSListener

/// Why a server does not start.
public enum ServerError: Error, Sendable, CustomStringConvertible {
    case registry(RegistryError)
    case audit(AuditError)
    case privacy(PrivacyError)
    case reactor(ReactorError)
    case tls(TLSError)
    /// Neither TCP, nor TLS, nor a Unix socket is configured.
    case nothingToListenOn
    case workerCount(Int)

    public var description: String {
        switch self {
        case .registry(let error): "registry: \(error)"
        case .audit(let error): "audit trail: \(error)"
        case .privacy(let error): "personal data: \(error)"
        case .reactor(let error): "network: \(error)"
        case .tls(let error): "TLS: \(error)"
        case .nothingToListenOn: "neither a TCP address, with or without TLS, nor a Unix socket to listen on"
        case .workerCount(let count): "\(count) workers, 1 to 1024 are possible"
        }
    }
}
