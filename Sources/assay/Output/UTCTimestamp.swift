/// Moments as text: RFC 3339, UTC.
enum UTCTimestamp {
    /// `2026-11-21T00:16:10.123456Z`; `digitCount` of the second's fraction, 0-9.
    static func text(unixNanoseconds: Int64, digitCount: Int = 6) -> String {
        let (days, nanosecondsOfDay) = floorDivided(unixNanoseconds, 86_400_000_000_000)
        let (year, month, day) = date(daysSince1970: days)
        let (seconds, nanoseconds) = floorDivided(nanosecondsOfDay, 1_000_000_000)
        let fraction = digitCount > 0 ? "." + padded(nanoseconds, 9).prefix(digitCount) : ""
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(seconds / 3600, 2)):"
            + "\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))\(fraction)Z"
    }

    /// The proleptic Gregorian calendar, counted in years that begin on March 1, so that the leap day is a year's last.
    private static func date(daysSince1970 days: Int64) -> (Int64, Int64, Int64) {
        let (era, dayOfEra) = floorDivided(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func floorDivided(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
