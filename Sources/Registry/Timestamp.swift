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
        let days = Self.daysSince1970(year: year, month: month, day: day)
        self.init(unixMicroseconds: ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micros)
        // Separators, month 13, February 30: whatever is not canonical is not written back as it came.
        guard description == text else { return nil }
    }

    public var description: String {
        let seconds = unixMicroseconds / 1_000_000
        let (year, month, day) = Self.date(daysSince1970: seconds / 86_400)
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(seconds / 3600 % 24, 2)):"
            + "\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(padded(unixMicroseconds % 1_000_000, 6))Z"
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.unixMicroseconds < b.unixMicroseconds }

    // The proleptic Gregorian calendar in years that start on March 1, so that the leap day is the last one.

    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }

    private static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
