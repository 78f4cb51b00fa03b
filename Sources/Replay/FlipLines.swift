import Platform
import Wire

/// Flipped decisions as lines of CSV.
public struct FlipLines {
    public static let header =
        "sequence,time,transaction_id,bundle,version,recorded_score,recorded_outcome,challenger_score,challenger_outcome\n"

    private var lines: [UInt8] = []

    init() {}

    mutating func add(_ record: borrowing AuditRecordView, challenger score: Double, _ outcome: Int) {
        let time = UTCTimestamp.text(unixNanoseconds: record.timeNanoseconds, digitCount: 9)
        append("\(record.sequence),\(time),")
        unsafe appendQuoted(record.transactionID)
        append(",")
        unsafe lines.append(contentsOf: record.bundle)
        append(",\(record.version),\(record.score),\(Self.name(Int(record.outcome))),\(score),\(Self.name(outcome))\n")
    }

    mutating func takeLines() -> [UInt8] {
        defer { lines = [] }
        return lines
    }

    private mutating func append(_ text: String) { lines.append(contentsOf: text.utf8) }

    /// RFC 4180: in quotes where it has to be. A text that a spreadsheet would take for a formula is a text for this file's readers.
    private mutating func appendQuoted(_ text: UnsafeRawBufferPointer) {
        let special = unsafe text.contains { $0 == 0x22 || $0 == 0x2c || $0 == 0x0a || $0 == 0x0d }
        guard special else { return unsafe lines.append(contentsOf: text) }
        lines.append(0x22)
        for index in text.indices {
            let byte = unsafe text[index]
            if byte == 0x22 { lines.append(0x22) }
            lines.append(byte)
        }
        lines.append(0x22)
    }

    private static func name(_ outcome: Int) -> String { WireOutcome(rawValue: UInt32(outcome))?.name ?? "" }
}
