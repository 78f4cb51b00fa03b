import Platform

/// Why TLS can't be spoken with the files that are configured.
public enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file that holds something in PEM.
    public enum File: String, Sendable {
        case certificate, key
        case clientAuthority = "client CA"
    }

    case unreadable(File, SystemError)
    /// The file holds nothing of its kind in PEM, or something damaged; an encrypted key is neither read nor asked about.
    case malformed(File, path: String)
    /// The key is not that of the chain's first certificate, or of a kind that TLS 1.2 and later do not use.
    case keyMismatch(certificatePath: String, keyPath: String)

    public var description: String {
        switch self {
        case .unreadable(let file, let error): "the \(file.rawValue) file: \(error)"
        case .malformed(.key, let path): "\(path) holds no private key in PEM that is not encrypted"
        case .malformed(let file, let path): "\(path) holds no \(file.rawValue) in PEM"
        case .keyMismatch(let certificatePath, let keyPath):
            "the key in \(keyPath) does not belong to the first certificate in \(certificatePath)"
        }
    }
}
