extension JSON {
    /// The value as JSON text with the shortest numbers that read back the same; NaN and infinities are written `null`.
    ///
    /// - Parameter pretty: One member or element a line, indented by two spaces; else no white space at all.
    public func serialized(pretty: Bool = false) -> String {
        var text = ""
        append(to: &text, indent: pretty ? 0 : nil)
        return text
    }

    /// The text of `serialized` as UTF-8.
    public func serializedBytes(pretty: Bool = false) -> [UInt8] { Array(serialized(pretty: pretty).utf8) }

    private func append(to text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let number): text += number.text
        case .string(let string): Self.append(quoted: string, to: &text)
        case .array(let elements):
            Self.append(elements, "[", "]", to: &text, indent: indent) { $0.append(to: &$1, indent: $2) }
        case .object(let members):
            Self.append(members, "{", "}", to: &text, indent: indent) { member, text, indent in
                Self.append(quoted: member.key, to: &text)
                text += indent == nil ? ":" : ": "
                member.value.append(to: &text, indent: indent)
            }
        }
    }

    private static func append<Element>(
        _ elements: [Element], _ opening: String, _ closing: String, to text: inout String, indent: Int?,
        appendElement: (Element, inout String, Int?) -> Void
    ) {
        text += opening
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            appendNewLine(to: &text, indent: indent.map { $0 + 1 })
            appendElement(element, &text, indent.map { $0 + 1 })
        }
        if !elements.isEmpty { appendNewLine(to: &text, indent: indent) }
        text += closing
    }

    private static func appendNewLine(to text: inout String, indent: Int?) {
        guard let indent else { return }
        text += "\n" + String(repeating: "  ", count: indent)
    }

    private static func append(quoted string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7f}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
