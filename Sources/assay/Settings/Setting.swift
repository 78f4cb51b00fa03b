/// One thing that can be set: its name, what it may be, and what it is when nobody says anything.
///
/// The same name serves everywhere: `--busy-poll 50`, `ASSAY_BUSY_POLL=50`, `busy-poll: 50`.
struct Setting: Sendable {
    enum Kind: Sendable, Equatable {
        /// Any text without control characters, at most `Setting.textByteCountMax` bytes.
        case text
        /// `HOST:PORT`.
        case address
        case path
        /// A connection URI or key=value string of PostgreSQL; its password is never shown.
        case database
        case integer(ClosedRange<Int>)
        case choice([String])
        /// Processor numbers, each once.
        case processors
    }

    let key: String
    let kind: Kind
    let standard: SettingValue?
    /// Left empty, it is switched off.
    var mayBeEmpty = false
    let summary: String

    /// Bytes of any text value: a path (PATH_MAX), a URL.
    static let textByteCountMax = 4096
    /// Processor numbers that Linux may have.
    static let processorNumberMax = 8191

    /// What a value must be, for people.
    var expectation: String {
        switch kind {
        case .text: "a text of at most \(Self.textByteCountMax) bytes"
        case .address: "HOST:PORT"
        case .path: "a path of at most \(Self.textByteCountMax) bytes"
        case .database: "postgresql://USER@HOST/DATABASE or a key=value string of libpq"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .processors: "a list of processor numbers, each once, like 2,3"
        }
    }

    var environmentName: String { "ASSAY_" + key.uppercased().replacing("-", with: "_") }
}

/// A value of a setting.
enum SettingValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case integers([Int])

    var text: String {
        switch self {
        case .text(let text): text
        case .integer(let value): String(value)
        case .integers(let values): values.map(String.init).joined(separator: ",")
        }
    }
}

/// Where a value came from, the strongest last.
enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    case standard
    case file(String)
    case environment(String)
    case flag(String)

    var description: String {
        switch self {
        case .standard: "default"
        case .file(let path): "file:\(path)"
        case .environment(let name): "environment:\(name)"
        case .flag(let name): "flag:\(name)"
        }
    }
}
