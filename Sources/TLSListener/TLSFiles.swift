import NIOSSL
import Platform

/// The PEM files that a TLS server needs.
public struct TLSFiles: Sendable, Equatable {
    /// The server's certificate, and behind it those that lead to a root.
    public var certificatePath: String
    /// The certificate's private key, not encrypted.
    public var keyPath: String
    /// Authorities one of which must have signed a caller's certificate; nil: callers need none.
    public var clientAuthorityPath: String?

    public init(certificatePath: String, keyPath: String, clientAuthorityPath: String? = nil) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.clientAuthorityPath = clientAuthorityPath
    }

    /// Reads the files; what new connections are met with.
    func makeContext() throws(TLSError) -> NIOSSLContext {
        let chain = try certificates(.certificate, certificatePath)
        let keyBytes = try bytes(.key, keyPath)
        guard let key = try? NIOSSLPrivateKey(bytes: keyBytes, format: .pem) else { throw .malformed(.key, path: keyPath) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = Limits.lingerTime
        if let clientAuthorityPath {
            configuration.trustRoots = .certificates(try certificates(.clientAuthority, clientAuthorityPath))
            // A caller without a certificate is refused, too; which name it bears is not looked at.
            configuration.certificateVerification = .noHostnameVerification
        }
        guard let context = try? NIOSSLContext(configuration: configuration) else {
            throw .keyMismatch(certificatePath: certificatePath, keyPath: keyPath)
        }
        return context
    }

    private func certificates(_ file: TLSError.File, _ path: String) throws(TLSError) -> [NIOSSLCertificate] {
        let bytes = try bytes(file, path)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
            throw .malformed(file, path: path)
        }
        return certificates
    }

    private func bytes(_ file: TLSError.File, _ path: String) throws(TLSError) -> [UInt8] {
        do throws(SystemError) { return try File.read(path, byteCountMax: Limits.fileByteCountMax) } catch {
            throw .unreadable(file, error)
        }
    }
}
