import Testing

@testable import Registry

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"),
        (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        (1_700_000_000_123_456, "2023-11-14T22:13:20.123456Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ])
    func timestampsAreWrittenAndReadAsRFC3339(microseconds: Int64, text: String) {
        #expect(Timestamp(unixMicroseconds: microseconds).description == text)
        #expect(Timestamp(text)?.unixMicroseconds == microseconds)
    }

    @Test func everyDayOfFortyYearsIsReadAsItWasWritten() {
        for day in 0..<Int64(14_610) {
            let time = Timestamp(unixMicroseconds: day * 86_400_000_000 + 1)
            #expect(Timestamp(time.description) == time)
        }
    }

    @Test(arguments: [
        "2023-02-29T00:00:00.000000Z", "2023-13-01T00:00:00.000000Z", "2023-01-01T24:00:00.000000Z",
        "2023-01-01 00:00:00.000000Z",
        "2023-01-01T00:00:60.000000Z", "2023-01-01T00:00:00.000Z", "", "+023-01-01T00:00:00.000000Z",
        "1969-12-31T23:59:59.000000Z",
    ])
    func otherTextsAreNotTimestamps(text: String) {
        #expect(Timestamp(text) == nil)
    }
}
