import ArgumentParser
import Platform

/// A moment in UTC, as an option.
struct Moment: Equatable, Sendable {
    /// Unix nanoseconds.
    let nanoseconds: Int64

    /// A day, `2026-11-21`, or a moment, `2026-11-21T08:30:00Z`, with up to nine digits of a second's fraction.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10 || bytes.count >= 20 else { return nil }
        let full = bytes.count == 10 ? bytes + Array("T00:00:00Z".utf8) : bytes
        guard full.last == UInt8(ascii: "Z"), let date = Self.numbers(full[0..<10], separator: UInt8(ascii: "-")),
            full[10] == UInt8(ascii: "T"), let time = Self.numbers(full[11..<19], separator: UInt8(ascii: ":")), time.count == 3,
            date.count == 3
        else { return nil }
        let fraction = full[19..<full.count - 1]
        var nanoseconds: Int64 = 0
        if !fraction.isEmpty {
            guard fraction.first == UInt8(ascii: "."), (2...10).contains(fraction.count),
                fraction.dropFirst().allSatisfy({ (48...57).contains($0) })
            else { return nil }
            let digits = fraction.dropFirst()
            nanoseconds = digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
            for _ in digits.count..<9 { nanoseconds *= 10 }
        }
        let days = CivilDate(year: date[0], month: date[1], day: date[2]).daysSince1970
        let seconds = ((days * 24 + time[0]) * 60 + time[1]) * 60 + time[2]
        // Years that nanoseconds can count.
        guard (1970...2261).contains(date[0]) else { return nil }
        self.nanoseconds = seconds * 1_000_000_000 + nanoseconds
        // Month 13, February 30, 25 o'clock: whatever is not canonical does not come back as it was.
        guard UTCTimestamp.text(unixNanoseconds: self.nanoseconds, digitCount: 0).utf8.dropLast().elementsEqual(full[0..<19])
        else {
            return nil
        }
    }

    /// For option parsers.
    @Sendable static func parse(_ text: String) throws -> Moment {
        guard let moment = Moment(text) else {
            throw ValidationError("'\(text)' is no moment; write 2026-11-21 or 2026-11-21T08:30:00Z (UTC)")
        }
        return moment
    }

    private static func numbers(_ bytes: ArraySlice<UInt8>, separator: UInt8) -> [Int64]? {
        let parts = bytes.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }) else { return nil }
        return parts.map { $0.reduce(0) { $0 * 10 + Int64($1 - 48) } }
    }
}
