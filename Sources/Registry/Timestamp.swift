import Platform

/// A moment as the registry writes it: UTC to the microsecond, RFC 3339 ("2026-11-21T00:16:10.123456Z").
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Microseconds since 1970-01-01T00:00:00Z; years 1970-9999.
    public let unixMicroseconds: Int64

    /// Year 9999 ends here; a clock beyond it is cut, so that every timestamp has its 27 characters.
    private static let limit: Int64 = 253_402_300_800_000_000

    public init(unixMicroseconds: Int64) {
        self.unixMicroseconds = min(max(unixMicroseconds, 0), Self.limit - 1)
    }

    /// Reads exactly what `description` writes; nil for everything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 27 else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            bytes[range].allSatisfy { (48...57).contains($0) } ? bytes[range].reduce(0) { $0 * 10 + Int64($1 - 48) } : nil
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), let micros = number(20..<26)
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSince1970
        self.init(unixMicroseconds: ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micros)
        // Separators, month 13, February 30: whatever is not canonical is not written back as it came.
        guard description == text else { return nil }
    }

    public var description: String {
        UTCTimestamp.text(unixSeconds: unixMicroseconds / 1_000_000, nanoseconds: unixMicroseconds % 1_000_000 * 1000)
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.unixMicroseconds < b.unixMicroseconds }
}
