import Platform

/// Why keys can't be had or a payload not be opened.
public enum PrivacyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no key store in the directory.
    case noStore(path: String)
    /// Another server has the store open.
    case inUse(path: String)
    /// A file of the store isn't what it should be: its magic, version, checksum or length is wrong, or it belongs to another store.
    case damaged(path: String)
    /// There is no room for another key: `PrivacyLimits.keyFileCountMax` files are full.
    case full(keyCount: Int)
    /// Bytes that are no sealed payload of this format, or were altered.
    case payloadDamaged
    /// The key that sealed it was erased.
    case keyErased(keyNumber: UInt64, unixNanoseconds: Int64)
    /// This store never had the key: the payload was sealed by another installation, or the store was replaced.
    case keyUnknown(keyNumber: UInt64)
    case textTooLong(name: String, byteCount: Int, limit: Int)
    case system(SystemError)

    public var description: String {
        switch self {
        case .noStore(let path): "privacy: \(path) holds no key store"
        case .inUse(let path): "privacy: \(path) is in use by another server"
        case .damaged(let path): "privacy: \(path) is damaged or belongs to another key store"
        case .full(let keyCount): "privacy: the key store is full with \(keyCount) keys"
        case .payloadDamaged: "privacy: these bytes are no sealed payload, or were altered"
        case .keyErased(let keyNumber, let nanoseconds):
            "privacy: key \(keyNumber) was erased at \(UTCTimestamp.text(unixNanoseconds: nanoseconds, digitCount: 3))"
        case .keyUnknown(let keyNumber): "privacy: this key store has no key \(keyNumber) of that subject"
        case .textTooLong(let name, let byteCount, let limit):
            "privacy: \(name) has \(byteCount) bytes, 1 to \(limit) are accepted"
        case .system(let error): "privacy: \(error)"
        }
    }
}
