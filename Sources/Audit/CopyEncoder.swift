import Wire

/// Rows of `assay_decisions` in PostgreSQL's binary COPY format.
///
///     file:  "PGCOPY\n\377\r\n\0", flags int32 0, extension int32 0, rows, int16 -1
///     row:   int16 count of columns; each: int32 bytes (-1: NULL), bytes; numbers big-endian
struct CopyEncoder {
    static let columns = [
        "server_id", "sequence", "decided_at", "bundle", "version", "digest", "outcome", "stage", "score", "scores",
        "transaction_id",
        "caller", "request_id", "alias", "server_ns", "unproven", "record",
    ]
    static let statement = "COPY assay_decisions (\(columns.joined(separator: ", "))) FROM STDIN (FORMAT binary)"
    static let trailer: [UInt8] = [0xff, 0xff]
    static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0x00] + [UInt8](repeating: 0, count: 8)
    /// 2000-01-01 00:00 UTC in Unix microseconds: PostgreSQL's zero.
    private static let epochMicroseconds: Int64 = 946_684_800_000_000
    private static let float8OID: Int32 = 701

    let serverID: [UInt8]
    private(set) var bytes: [UInt8] = []

    init(serverID: [UInt8]) { self.serverID = serverID }

    /// Appends the row of one decision; `raw` is its record as in the journal.
    mutating func append(sequence: UInt64, _ record: AuditRecord, raw: UnsafeRawBufferPointer) {
        bytes.appendBigEndian(Int16(Self.columns.count))
        append(field: serverID)
        append(integer: Int64(clamping: sequence))
        append(integer: Self.timestamp(record.timeNanoseconds))
        append(text: record.bundle)
        append(integer: Int64(record.version))
        append(field: record.digest)
        append(text: Self.name(record.outcome))
        append(text: Self.name(record.stage))
        append(integer: record.score.bitPattern)
        append(doubles: record.scores)
        append(optionalText: record.transactionID)
        append(optionalText: record.caller)
        append(numeric: record.requestID)
        append(optionalText: record.alias)
        append(integer: Int64(clamping: record.serverNanoseconds))
        append(field: [record.isUnproven ? 1 : 0])
        bytes.appendBigEndian(Int32(raw.count))
        unsafe bytes.append(contentsOf: raw)
    }

    /// The rows gathered so far; starts afresh.
    mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    private mutating func append(field: [UInt8]) {
        bytes.appendBigEndian(Int32(field.count))
        bytes.append(contentsOf: field)
    }

    private mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(integer: Integer) {
        bytes.appendBigEndian(Int32(Integer.bitWidth / 8))
        bytes.appendBigEndian(integer)
    }

    /// PostgreSQL's text can't hold a zero byte, and one such row would hold up all that follow; the record has the text as it was.
    private mutating func append(text: String) {
        append(field: text.utf8.contains(0) ? text.utf8.flatMap { $0 == 0 ? [0xef, 0xbf, 0xbd] : [$0] } : Array(text.utf8))
    }

    private mutating func append(optionalText text: String) {
        if text.isEmpty { bytes.appendBigEndian(Int32(-1)) } else { append(text: text) }
    }

    /// A one-dimensional float8[] from little-endian float64; NULL when there are none.
    private mutating func append(doubles: [UInt8]) {
        let count = doubles.count / 8
        guard count > 0 else { return bytes.appendBigEndian(Int32(-1)) }
        bytes.appendBigEndian(Int32(20 + 12 * count))
        // Dimensions, whether there are NULLs, the element's type, its count, the first index.
        for value in [1, 0, Self.float8OID, Int32(count), 1] { bytes.appendBigEndian(value) }
        for index in 0..<count {
            bytes.appendBigEndian(Int32(8))
            bytes.append(contentsOf: doubles[index * 8..<index * 8 + 8].reversed())
        }
    }

    /// A numeric without fraction: count of base-10,000 digits, weight of the first, sign, scale, digits.
    private mutating func append(numeric value: UInt64) {
        var digits: [Int16] = []
        var rest = value
        while rest > 0 {
            digits.append(Int16(rest % 10_000))
            rest /= 10_000
        }
        bytes.appendBigEndian(Int32(8 + 2 * digits.count))
        for value in [Int16(digits.count), Int16(max(0, digits.count - 1)), 0, 0] + digits.reversed() {
            bytes.appendBigEndian(value)
        }
    }

    private static func timestamp(_ unixNanoseconds: Int64) -> Int64 { unixNanoseconds / 1000 - epochMicroseconds }

    private static func name(_ outcome: WireOutcome) -> String {
        switch outcome {
        case .approve: "approve"
        case .review: "review"
        case .decline: "decline"
        case .unspecified: "unspecified"
        }
    }

    private static func name(_ stage: WireStage) -> String {
        switch stage {
        case .online: "online"
        case .batch: "batch"
        case .heuristic: "heuristic"
        case .unspecified: "unspecified"
        }
    }
}
