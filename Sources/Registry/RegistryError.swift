import ModelBundle
import Platform

/// Why the registry refused an operation or a version. Names in it have passed the rule for names, so a description is safe to log.
public enum RegistryError: Error, Sendable, CustomStringConvertible {
    case system(SystemError)
    case notADirectory(path: String)
    case invalidBundleName(byteCount: Int)
    case invalidAlias(byteCount: Int)
    case textTooLong(field: RegistryTextField, byteCount: Int, limit: Int)
    case controlCharacter(field: RegistryTextField)
    /// Admission refused the bundle file.
    case refused(path: String, BundleError)
    /// The bundle's own name differs from the one that was expected.
    case nameDiffers(path: String, expected: String, found: String)
    /// A bundle without golden rows, and nobody allowed that.
    case unproven(path: String)
    case unknownBundle(String)
    case unknownVersion(bundle: String, version: UInt32)
    case unknownAlias(bundle: String, alias: String)
    case nothingToRollBackTo(bundle: String, alias: String)
    /// A file of the registry is not what its writer left.
    case damaged(path: String, RegistryDamage)
    /// The bundle file is not the one that was pushed.
    case digestDiffers(path: String, expected: SHA256Digest, found: SHA256Digest)
    case byteCountDiffers(path: String, expected: Int, found: Int)
    /// Something that is being served has vanished from the directory; it goes on being served from memory.
    case vanished(path: String)
    /// aliases.json no longer has an alias that is being served; it goes on being served.
    case aliasVanished(path: String, alias: String)
    /// The version is good, but the server already holds as much as it may.
    case heldLimit(bundleCount: Int, byteCount: Int)
    case aliasLimit(bundle: String, limit: Int)
    case versionsExhausted(bundle: String)
    /// Another process has held the registry's lock for too long.
    case lockTimeout(path: String, milliseconds: Int)

    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .notADirectory(let path): "\(path) is not a directory"
        case .invalidBundleName(let count): "a bundle's name is 1-64 bytes of [a-z0-9_-]; this one has \(count) bytes or others"
        case .invalidAlias(let count): "an alias is 1-64 bytes of [a-z0-9_-]; this one has \(count) bytes or others"
        case .textTooLong(let field, let count, let limit): "\(field.rawValue) has \(count) bytes, \(limit) are allowed"
        case .controlCharacter(let field): "\(field.rawValue) has a control character"
        case .refused(let path, let error): "\(path) is refused: \(error)"
        case .nameDiffers(let path, let expected, let found):
            "\(path) is a bundle named \(RegistryName.isValid(found) ? found : "outside the rule for names"), not \(expected)"
        case .unproven(let path):
            "\(path) has no golden rows, so nothing proves that it scores as its framework does (allow it explicitly)"
        case .unknownBundle(let name): "there is no bundle \(name)"
        case .unknownVersion(let bundle, let version): "bundle \(bundle) has no version \(version)"
        case .unknownAlias(let bundle, let alias): "bundle \(bundle) has no alias \(alias)"
        case .nothingToRollBackTo(let bundle, let alias): "no earlier version to roll \(bundle)/\(alias) back to"
        case .damaged(let path, let damage): "\(path) is damaged: \(damage)"
        case .digestDiffers(let path, let expected, let found): "\(path) has SHA-256 \(found), its manifest says \(expected)"
        case .byteCountDiffers(let path, let expected, let found): "\(path) has \(found) bytes, its manifest says \(expected)"
        case .vanished(let path): "\(path) has vanished"
        case .aliasVanished(let path, let alias): "\(path) no longer has the alias \(alias)"
        case .heldLimit(let count, let bytes): "not loaded: \(count) bundles with \(bytes) bytes are already held"
        case .aliasLimit(let bundle, let limit): "bundle \(bundle) already has \(limit) aliases"
        case .versionsExhausted(let bundle): "bundle \(bundle) has used up its version numbers"
        case .lockTimeout(let path, let milliseconds): "\(path) has been locked by another process for \(milliseconds) ms"
        }
    }
}

/// What is wrong with a metadata file.
public enum RegistryDamage: Sendable, Equatable, CustomStringConvertible {
    case missing
    case tooLong(limit: Int)
    case notJSON(JSONError)
    case unknownFormat(Int64)
    /// A field is missing or has a value outside its range.
    case field(String)
    /// The file says that it belongs to another bundle or version.
    case belongsElsewhere
    case moveOutOfOrder(number: UInt64)
    /// The move does not start from the version that the moves before it lead to.
    case moveContradictsHistory(number: UInt64)
    case aliasContradictsHistory(alias: String)
    case archiveMissing(firstMove: UInt64)
    /// Not what it was when it was read first, though it never changes.
    case changed

    public var description: String {
        switch self {
        case .missing: "it is missing"
        case .tooLong(let limit): "it is longer than \(limit) bytes"
        case .notJSON(let error): "\(error)"
        case .unknownFormat(let format): "its format is \(format), this version knows 1"
        case .field(let name): "its field \(name) is missing or out of range"
        case .belongsElsewhere: "it belongs to another bundle or version"
        case .moveOutOfOrder(let number): "move \(number) is not where it should be"
        case .moveContradictsHistory(let number): "move \(number) does not follow from the moves before it"
        case .aliasContradictsHistory(let alias): "alias \(alias) is not where the moves lead"
        case .changed: "it was changed after it was written"
        case .archiveMissing(let first): "the archive before move \(first) is missing"
        }
    }
}
