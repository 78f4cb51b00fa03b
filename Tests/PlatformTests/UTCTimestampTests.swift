import Platform
import Testing

@Suite struct UTCTimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_709_251_199_999_999_999, "2024-02-29T23:59:59.999999Z"),
            (4_107_542_400_000_001_000, "2100-03-01T00:00:00.000001Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func momentsAreWrittenInUTC(_ nanoseconds: Int64, _ text: String) {
        #expect(UTCTimestamp.text(unixNanoseconds: nanoseconds) == text)
    }

    @Test func fractionsAreCutNotRounded() {
        #expect(UTCTimestamp.text(unixNanoseconds: 999_999_999, digitCount: 9) == "1970-01-01T00:00:00.999999999Z")
        #expect(UTCTimestamp.text(unixNanoseconds: 999_999_999, digitCount: 3) == "1970-01-01T00:00:00.999Z")
        #expect(UTCTimestamp.text(unixNanoseconds: 999_999_999, digitCount: 0) == "1970-01-01T00:00:00Z")
    }
}
