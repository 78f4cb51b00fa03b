/// What is wrong with the configuration; the sentence names the key, the value, where it came from and what is allowed.
enum SettingsError: Error, Equatable, CustomStringConvertible {
    /// `value` is already fit to be shown: no password in it.
    case invalid(key: String, value: String, origin: SettingOrigin, expected: String)
    case missing(key: String)
    case unknownKeys([String], path: String)
    case unreadableFile(path: String, reason: String)
    case malformedFile(path: String, reason: String)
    case conflict(String)

    var description: String {
        switch self {
        case .invalid(let key, let value, let origin, let expected):
            "\(key) is \(value.isEmpty ? "empty" : "\"\(value)\"") (\(origin)); it must be \(expected)"
        case .missing(let key):
            "\(key) is not set; say --\(key), ASSAY_\(key.uppercased().replacing("-", with: "_")) or \(key): in the configuration file"
        case .unknownKeys(let keys, let path):
            "\(path) sets \(keys.joined(separator: ", ")), which Assay does not know (docs/CONFIGURATION.md lists all keys)"
        case .unreadableFile(let path, let reason):
            "the configuration file \(path) cannot be read: \(reason)"
        case .malformedFile(let path, let reason):
            "the configuration file \(path) is malformed: \(reason)"
        case .conflict(let sentence):
            sentence
        }
    }
}
