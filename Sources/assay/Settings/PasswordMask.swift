/// Takes passwords out of database addresses before they are shown. In doubt it hides more.
enum PasswordMask {
    static let mask = "***"

    /// `postgresql://user:secret@host/db?password=x` and `host=a password='s e'` without what is secret.
    static func masked(_ text: String) -> String {
        var text = text
        if let scheme = text.firstRange(of: "://") {
            text = maskedUserInfo(text, from: scheme.upperBound)
        }
        return maskedParameters(text)
    }

    private static func maskedUserInfo(_ text: String, from start: String.Index) -> String {
        // The last @: a password may hold one that its owner forgot to escape.
        guard let at = text[start...].lastIndex(of: "@"), let colon = text[start..<at].firstIndex(of: ":") else { return text }
        return text[...colon] + mask + text[at...]
    }

    /// Every `password=…` and `sslpassword=…`, of a URI's query as of a key=value string.
    private static func maskedParameters(_ text: String) -> String {
        var output = ""
        var rest = text[...]
        while let equals = rest.firstIndex(of: "=") {
            let key = rest[..<equals].lowercased().filter { $0 != " " }
            let isSecret = key.hasSuffix("password") || key.contains("%")
            output += rest[...equals]
            rest = rest[rest.index(after: equals)...]
            guard isSecret else { continue }
            let value = rest.drop { $0 == " " }
            output += mask
            rest = value.dropFirst(valueLength(value))
        }
        return output + rest
    }

    /// Characters that the value at the start of `text` takes: quoted with backslash escapes, or up to a space or `&`.
    private static func valueLength(_ text: Substring) -> Int {
        guard text.first == "'" else { return text.prefix { $0 != " " && $0 != "&" }.count }
        var length = 1
        var isEscaped = false
        for character in text.dropFirst() {
            length += 1
            if !isEscaped && character == "'" { break }
            isEscaped = !isEscaped && character == "\\"
        }
        return length
    }
}
