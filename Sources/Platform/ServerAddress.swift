import CLinux

/// Where a server listens, as people write it.
public enum ServerAddress: Hashable, Sendable, CustomStringConvertible {
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    /// `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`; nil for anything else, port 0 and paths beyond a socket's limit.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count <= assay_unix_path_max() else { return nil }
            self = .unix(path: path)
            return
        }
        guard let address = HostPort(text), address.port > 0 else { return nil }
        self = .tcp(host: address.host, port: UInt16(address.port))
    }

    public var description: String {
        switch self {
        case .tcp(let host, let port): HostPort(host: host, port: Int(port)).description
        case .unix(let path): "unix:\(path)"
        }
    }
}
