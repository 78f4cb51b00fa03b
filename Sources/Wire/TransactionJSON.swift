import Platform

/// Reads a transaction as the public sources write it in JSON.
///
/// An object is told by its members: `vin` and `vout` are esplora's form (mempool.space); `{"op":"utx","x":{…}}`, or `inputs` and `out`,
/// blockchain.info's; `inputs_count`, `input_value` … a flat summary in satoshi; `Amount` and `V1` a row of the MLG-ULB card data.
/// `{"bitcoin": {…}}` and `{"card": {…}}` choose the type; a card has the names of `assay.v1.CardTransaction`. docs/FEATURES.md has
/// examples.
///
/// What a source does not say stays unknown; members that no feature needs are passed over, but in `card`, whose names are ours, an
/// unknown one is refused.
public enum TransactionJSON {
    /// Text of the largest transaction: 4 MB of bytes in hexadecimal, twice over as explorers repeat them, with room.
    public static let byteCountMax = 32 << 20
    /// Consensus leaves no room for more inputs of 41 bytes, or outputs of 9, in a block's base size.
    static let inputCountMax = 24_390
    static let outputCountMax = 111_111
    /// Witness items of all inputs together: keeps the message that is built within an arena.
    static let witnessItemCountMax = 1_000_000

    /// The transaction that the text describes.
    public static func parse(_ bytes: [UInt8]) throws(TransactionJSONError) -> TypedTransaction {
        guard bytes.count <= byteCountMax else { throw .tooLarge(byteCount: bytes.count, limit: byteCountMax) }
        let json: JSON
        do { json = try JSON.parse(bytes) } catch { throw .json(error) }
        return try transaction(JSONCursor(json))
    }

    /// The transaction that a parsed value describes.
    public static func transaction(_ json: JSON) throws(TransactionJSONError) -> TypedTransaction {
        try transaction(JSONCursor(json))
    }

    private static func transaction(_ cursor: JSONCursor) throws(TransactionJSONError) -> TypedTransaction {
        _ = try cursor.object()
        if let card = cursor.member("card") { return .card(try cardMessage(card)) }
        if let bitcoin = cursor.member("bitcoin") {
            guard let transaction = try bitcoinTransaction(bitcoin) else { throw .unknownForm(path: bitcoin.path) }
            return .bitcoin(transaction)
        }
        if let transaction = try bitcoinTransaction(cursor) { return .bitcoin(transaction) }
        if cursor.member("V1") != nil || cursor.member("Amount") != nil { return .card(try cardRow(cursor)) }
        if cursor.member("amount_minor") != nil || cursor.member("amountMinor") != nil { return .card(try cardMessage(cursor)) }
        throw .unknownForm(path: cursor.path)
    }

    private static func bitcoinTransaction(_ cursor: JSONCursor) throws(TransactionJSONError) -> BitcoinTransaction? {
        _ = try cursor.object()
        if cursor.member("vin") != nil, cursor.member("vout") != nil { return try esplora(cursor) }
        if cursor.member("op")?.json.string == "utx", let x = cursor.member("x") { return try blockchainInfo(x) }
        if cursor.member("inputs") != nil, cursor.member("out") != nil { return try blockchainInfo(cursor) }
        for key in ["inputs_count", "input_count", "input_value", "output_value"] where cursor.member(key) != nil {
            return try flat(cursor)
        }
        return nil
    }
}

/// Why a text is no transaction. `path` names the members on the way, never their values.
public enum TransactionJSONError: Error, Equatable, Sendable {
    case json(JSONError)
    case tooLarge(byteCount: Int, limit: Int)
    /// An object of none of the forms.
    case unknownForm(path: String)
    case missing(path: String)
    case unknownMember(path: String)
    /// Something else than `expected` ("a whole number from 0 to 4294967295", "an array" …).
    case mistyped(path: String, expected: String)
    case tooMany(path: String, count: Int, limit: Int)
}

extension TransactionJSONError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .json(let error): error.description
        case .tooLarge(let byteCount, let limit): "transaction of \(byteCount) bytes of JSON, at most \(limit) are read"
        case .unknownForm(let path): "\(path) is an object, but no transaction of a known form (docs/FEATURES.md)"
        case .missing(let path): "\(path) is missing"
        case .unknownMember(let path): "\(path) is no member of this message"
        case .mistyped(let path, let expected): "\(path) is not \(expected)"
        case .tooMany(let path, let count, let limit): "\(path) has \(count) elements, at most \(limit)"
        }
    }
}
