/// The rule for names of bundles and aliases: 1-64 bytes of `[a-z0-9_-]`. Such a name is safe as a directory and in a log.
enum RegistryName {
    static let championAlias = "champion"

    static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        guard (1...RegistryLimits.nameByteCountMax).contains(bytes.count) else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    static func checkBundle(_ name: String) throws(RegistryError) {
        guard isValid(name) else { throw .invalidBundleName(byteCount: name.utf8.count) }
    }

    static func checkAlias(_ alias: String) throws(RegistryError) {
        guard isValid(alias) else { throw .invalidAlias(byteCount: alias.utf8.count) }
    }

    /// The version that a directory's name stands for: canonical decimal from 1, so that one version has one name.
    static func version(ofDirectory name: String) -> UInt32? {
        guard let version = UInt32(name), version > 0, String(version) == name else { return nil }
        return version
    }
}

/// Who changes the registry and why, as it goes into manifests and histories.
struct Signature: Equatable, Sendable {
    let who: String
    let why: String

    init(who: String, why: String) throws(RegistryError) {
        try Self.check(who, .who, byteCountMax: RegistryLimits.whoByteCountMax)
        try Self.check(why, .why, byteCountMax: RegistryLimits.whyByteCountMax)
        self.who = who
        self.why = why
    }

    private static func check(_ text: String, _ field: RegistryTextField, byteCountMax: Int) throws(RegistryError) {
        guard text.utf8.count <= byteCountMax else {
            throw .textTooLong(field: field, byteCount: text.utf8.count, limit: byteCountMax)
        }
        // A line break or an escape sequence in a history would let one entry pass for another on a terminal.
        let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
        guard !text.unicodeScalars.contains(where: isControl) else { throw .controlCharacter(field: field) }
    }
}

public enum RegistryTextField: String, Sendable {
    case who, why
}
