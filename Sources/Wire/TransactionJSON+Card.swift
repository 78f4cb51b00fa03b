import Platform

extension TransactionJSON {
    /// The names of `assay.v1.CardTransaction`, as the contract writes them or as protobuf's JSON does.
    static func cardMessage(_ cursor: JSONCursor) throws(TransactionJSONError) -> CardTransaction {
        var card = CardTransaction()
        for member in try cursor.object() {
            guard let value = cursor.member(member.key) else {
                guard cardMembers.contains(member.key) else { throw unknown(member.key, cursor) }
                continue
            }
            switch member.key {
            case "amount_minor", "amountMinor": card.amountMinor = try value.integer(Int64.self)
            case "currency": card.currency = try value.text()
            case "time_us", "timeUs": card.timeMicroseconds = try value.integer(Int64.self)
            case "elapsed_seconds", "elapsedSeconds": card.elapsedSeconds = try value.double()
            case "components":
                for element in try value.elements(countMax: componentCountMax) { card.components.append(try element.float()) }
            case "merchant_category", "merchantCategory": card.merchantCategory = try value.integer(UInt32.self)
            case "entry_mode", "entryMode": card.entryMode = try entryMode(value)
            case "card_country", "cardCountry": card.cardCountry = try value.text()
            case "merchant_country", "merchantCountry": card.merchantCountry = try value.text()
            case "card_reference", "cardReference": card.cardReference = try value.text()
            case "merchant_reference", "merchantReference": card.merchantReference = try value.text()
            default: throw unknown(member.key, cursor)
            }
        }
        return card
    }

    /// A row of the MLG-ULB data: `Time` (elapsed seconds), `V1` … `V28`, `Amount` in a currency of two decimal places. `Class`, the
    /// label, is passed over.
    static func cardRow(_ cursor: JSONCursor) throws(TransactionJSONError) -> CardTransaction {
        var card = CardTransaction()
        card.elapsedSeconds = try cursor.optional("Time") { cursor throws(TransactionJSONError) in try cursor.double() }
        if let amount = cursor.member("Amount") {
            let major = try amount.double()
            guard let minor = Int64(exactly: (major * 100).rounded()), Double(minor) / 100 == major else {
                throw .mistyped(path: amount.path, expected: "an amount with two decimal places")
            }
            card.amountMinor = minor
        }
        for index in 1...componentCountMax {
            card.components.append(
                try cursor.optional("V\(index)") { cursor throws(TransactionJSONError) in try cursor.float() } ?? .nan)
        }
        return card
    }

    private static let componentCountMax = 28

    private static let cardMembers: Set<String> = [
        "amount_minor", "amountMinor", "currency", "time_us", "timeUs", "elapsed_seconds", "elapsedSeconds", "components",
        "merchant_category", "merchantCategory", "entry_mode", "entryMode", "card_country", "cardCountry", "merchant_country",
        "merchantCountry", "card_reference", "cardReference", "merchant_reference", "merchantReference",
    ]

    /// A long or strange name is the sender's data: only a plain one is repeated.
    private static func unknown(_ key: String, _ cursor: JSONCursor) -> TransactionJSONError {
        let isPlain =
            key.utf8.count <= 40 && key.utf8.allSatisfy { $0 == 0x5f || (0x30...0x39).contains($0) || (0x41...0x7a).contains($0) }
        return .unknownMember(path: "\(cursor.path).\(isPlain ? key : "?")")
    }

    private static func entryMode(_ cursor: JSONCursor) throws(TransactionJSONError) -> UInt32 {
        guard let name = cursor.json.string else { return try cursor.integer(UInt32.self) }
        let prefix = "CARD_ENTRY_MODE_"
        let names = ["UNSPECIFIED", "CHIP", "CONTACTLESS", "MAGSTRIPE", "MANUAL", "ECOMMERCE"]
        let plain = name.uppercased()
        let short = plain.hasPrefix(prefix) ? String(plain.dropFirst(prefix.count)) : plain
        guard let number = names.firstIndex(of: short) else {
            throw .mistyped(path: cursor.path, expected: "an entry mode: \(names.dropFirst().joined(separator: ", "))")
        }
        return UInt32(number)
    }
}
