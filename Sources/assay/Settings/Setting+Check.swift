import Platform

extension Setting {
    /// The value is of the setting's kind and within its range.
    func allows(_ value: SettingValue) -> Bool {
        switch (kind, value) {
        case (.text, .text(let text)), (.path, .text(let text)):
            Self.isPlain(text)
        case (.address, .text(let text)):
            HostPort(text) != nil
        case (.database, .text(let text)):
            Self.isPlain(text) && (text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") || Self.isKeyValue(text))
        case (.choice(let words), .text(let text)):
            words.contains(text)
        case (.integer(let range), .integer(let value)):
            range.contains(value)
        case (.processors, .integers(let numbers)):
            !numbers.isEmpty && Set(numbers).count == numbers.count
                && numbers.allSatisfy { (0...Self.processorNumberMax).contains($0) }
        default:
            false
        }
    }

    /// A value as it may be shown to anybody.
    func shown(_ text: String) -> String {
        guard kind == .database else { return text }
        // What is not an address of a known form may be anything, a password alone, too.
        return allows(.text(text)) ? PasswordMask.masked(text) : PasswordMask.mask
    }

    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= textByteCountMax && !text.utf8.contains { $0 < 0x20 || $0 == 0x7f }
    }

    private static func isKeyValue(_ text: String) -> Bool {
        guard let equals = text.firstIndex(of: "="), !text.contains("://") else { return false }
        let key = text[..<equals].filter { $0 != " " }
        return !key.isEmpty && key.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "_") }
    }
}

extension EffectiveSettings.Entry {
    /// The value as `assay config show` prints it; nil: not set.
    var shown: String? { value.map { setting.shown($0.text) } }
}
