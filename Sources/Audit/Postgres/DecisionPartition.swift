import Platform

/// A partition of `assay_decisions` in PostgreSQL: one day (UTC), or everything before or after the days that have one of their own.
/// So there is a place for every moment, and however wrong a clock is, there are never more than some 29,000 partitions.
enum DecisionPartition: Hashable, Sendable {
    case early
    /// Days since 1970-01-01.
    case day(Int64)
    case late

    private static let microsecondsADay: Int64 = 86_400_000_000
    static let days =
        CivilDate(year: 2020, month: 1, day: 1).daysSince1970..<CivilDate(year: 2100, month: 1, day: 1).daysSince1970

    /// The partition of a moment.
    init(unixMicroseconds: Int64) {
        let (quotient, remainder) = unixMicroseconds.quotientAndRemainder(dividingBy: Self.microsecondsADay)
        let day = remainder < 0 ? quotient - 1 : quotient
        if day < Self.days.lowerBound {
            self = .early
        } else if day >= Self.days.upperBound {
            self = .late
        } else {
            self = .day(day)
        }
    }

    /// The moments that belong here; the open ends reach as far as Unix microseconds do.
    var microseconds: Range<Int64> {
        switch self {
        case .early: .min..<Self.days.lowerBound * Self.microsecondsADay
        case .day(let day): day * Self.microsecondsADay..<(day + 1) * Self.microsecondsADay
        case .late: Self.days.upperBound * Self.microsecondsADay..<Int64.max
        }
    }

    /// The table's name.
    var name: String {
        switch self {
        case .early: "assay_decisions_early"
        case .day(let day): "assay_decisions_" + Self.digits(day).joined()
        case .late: "assay_decisions_late"
        }
    }

    /// Its bounds as PostgreSQL wants to hear them.
    var bounds: String {
        switch self {
        case .early: "FROM (MINVALUE) TO (\(Self.midnight(Self.days.lowerBound)))"
        case .day(let day): "FROM (\(Self.midnight(day))) TO (\(Self.midnight(day + 1)))"
        case .late: "FROM (\(Self.midnight(Self.days.upperBound))) TO (MAXVALUE)"
        }
    }

    private static func midnight(_ day: Int64) -> String { "'\(digits(day).joined(separator: "-")) 00:00:00+00'" }

    /// Year, month and day with leading zeros; the year has four digits for all days that come here.
    private static func digits(_ day: Int64) -> [String] {
        let date = CivilDate(daysSince1970: day)
        return [
            "\(date.year)", date.month < 10 ? "0\(date.month)" : "\(date.month)", date.day < 10 ? "0\(date.day)" : "\(date.day)",
        ]
    }
}
