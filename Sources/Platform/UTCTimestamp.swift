/// Moments as text: RFC 3339, UTC.
public enum UTCTimestamp {
    /// `2026-11-21T00:16:10.123456Z`; `digitCount` of the second's fraction, 0-9.
    public static func text(unixNanoseconds: Int64, digitCount: Int = 6) -> String {
        let (seconds, nanoseconds) = floorDivided(unixNanoseconds, 1_000_000_000)
        return text(unixSeconds: seconds, nanoseconds: nanoseconds, digitCount: digitCount)
    }

    /// The same for moments that nanoseconds since 1970 can't count (after the year 2262). `nanoseconds`: 0 ..< 1,000,000,000.
    public static func text(unixSeconds: Int64, nanoseconds: Int64, digitCount: Int = 6) -> String {
        let (days, seconds) = floorDivided(unixSeconds, 86_400)
        let date = CivilDate(daysSince1970: days)
        let fraction = digitCount > 0 ? "." + padded(nanoseconds, 9).prefix(digitCount) : ""
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T\(padded(seconds / 3600, 2)):"
            + "\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))\(fraction)Z"
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// A day of the proleptic Gregorian calendar, counted in years that begin on March 1, so that the leap day is a year's last.
public struct CivilDate: Equatable, Sendable {
    public let year: Int64
    /// 1-12
    public let month: Int64
    /// 1-31
    public let day: Int64

    /// No check that the month has that day: ``daysSince1970`` counts on.
    public init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    public init(daysSince1970 days: Int64) {
        let (era, dayOfEra) = floorDivided(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// For years from 0 on.
    public var daysSince1970: Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}

private func floorDivided(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}
