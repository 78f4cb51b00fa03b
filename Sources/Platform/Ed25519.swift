import Crypto
import Glibc

/// The half of an Ed25519 key that signs. Its file is what `openssl genpkey -algorithm ed25519` writes.
public struct Ed25519PrivateKey: Sendable {
    /// PKCS #8 (RFC 8410) of an Ed25519 key: all but the 32 bytes at its end.
    private static let prefix: [UInt8] = [
        0x30, 0x2e, 0x02, 0x01, 0, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]
    private static let label = "PRIVATE KEY"
    private let key: Curve25519.Signing.PrivateKey

    /// A new one, of the system's randomness.
    public init() { key = Curve25519.Signing.PrivateKey() }

    /// Of 32 secret bytes; nil for another count.
    public init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.key = key
    }

    /// Reads a key file, which must not be open to everybody on the machine.
    public init(path: String) throws(KeyFileError) {
        guard let bytes = PEM.decode(try PEM.read(path, isSecret: true), label: Self.label), bytes.starts(with: Self.prefix),
            let key = Ed25519PrivateKey(seed: Array(bytes.dropFirst(Self.prefix.count)))
        else { throw .notAKey(path: path, expected: "an Ed25519 private key in PEM (PKCS #8)") }
        self = key
    }

    public var publicKey: Ed25519PublicKey {
        guard let key = Ed25519PublicKey(bytes: Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("a public key has 32 bytes")
        }
        return key
    }

    /// The text of a key file.
    public var pem: String { PEM.encode(Self.prefix + Array(key.rawRepresentation), label: Self.label) }

    /// 64 bytes.
    public func sign(_ message: [UInt8]) -> [UInt8] {
        // Signing fails for want of memory only.
        guard let signature = try? key.signature(for: message) else { preconditionFailure("Ed25519 could not sign") }
        return Array(signature)
    }
}

/// The half of an Ed25519 key that checks signatures.
public struct Ed25519PublicKey: Sendable, Hashable, CustomStringConvertible {
    /// SubjectPublicKeyInfo (RFC 8410) of an Ed25519 key: all but the 32 bytes at its end.
    private static let prefix: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0]
    private static let label = "PUBLIC KEY"
    public static let byteCount = 32
    public static let signatureByteCount = 64
    public let bytes: [UInt8]

    /// nil unless there are 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Reads a key file: what `openssl pkey -pubout` writes.
    public init(path: String) throws(KeyFileError) {
        guard let bytes = PEM.decode(try PEM.read(path, isSecret: false), label: Self.label), bytes.starts(with: Self.prefix),
            let key = Ed25519PublicKey(bytes: Array(bytes.dropFirst(Self.prefix.count)))
        else { throw .notAKey(path: path, expected: "an Ed25519 public key in PEM (SubjectPublicKeyInfo)") }
        self = key
    }

    public func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
        return key.isValidSignature(signature, for: message)
    }

    /// The text of a key file.
    public var pem: String { PEM.encode(Self.prefix + bytes, label: Self.label) }

    /// 64 hexadecimal digits.
    public var description: String { SHA256Digest(bytes: bytes)?.hex ?? "" }
}

/// Why a key can't be had from a file.
public enum KeyFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAKey(path: String, expected: String)
    /// Everybody on the machine may read or replace a secret.
    case exposed(path: String, mode: UInt32)
    case system(SystemError)

    public var description: String {
        switch self {
        case .notAKey(let path, let expected): "\(path) is not \(expected)"
        case .exposed(let path, let mode):
            "\(path) is open to everybody on this machine (mode \(String(mode, radix: 8))); chmod 600 it"
        case .system(let error): "\(error)"
        }
    }
}

/// The text armour of key files (RFC 7468).
enum PEM {
    private static let byteCountMax = 16 << 10

    static func encode(_ bytes: [UInt8], label: String) -> String {
        "-----BEGIN \(label)-----\n\(Base64.encode(bytes))\n-----END \(label)-----\n"
    }

    /// nil: there isn't exactly one block, of this label.
    static func decode(_ text: [UInt8], label: String) -> [UInt8]? {
        let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let begin = "-----BEGIN \(label)-----"
        let end = "-----END \(label)-----"
        guard lines.hasPrefix(begin), lines.hasSuffix(end) else { return nil }
        return Base64.decode(String(lines.dropFirst(begin.count).dropLast(end.count).filter { $0 != " " }))
    }

    static func read(_ path: String, isSecret: Bool) throws(KeyFileError) -> [UInt8] {
        do {
            if isSecret {
                let mode = try File.mode(path)
                guard mode & 0o007 == 0 else { throw KeyFileError.exposed(path: path, mode: mode) }
            }
            return try File.read(path, byteCountMax: byteCountMax)
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as KeyFileError {
            throw error
        } catch {
            preconditionFailure("unexpected error \(error)")
        }
    }
}
