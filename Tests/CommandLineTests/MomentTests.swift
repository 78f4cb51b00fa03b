import Testing

@testable import assay

@Suite struct MomentTests {
    @Test(arguments: [
        ("1970-01-01", 0), ("1970-01-01T00:00:01Z", 1_000_000_000), ("1970-01-02T00:00:00.5Z", 86_400_500_000_000),
        ("2026-11-21T08:30:00.000000001Z", 1_795_249_800_000_000_001),
    ])
    func daysAndMomentsAreRead(text: String, nanoseconds: Int64) {
        #expect(Moment(text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "yesterday", "2026-13-01", "2026-02-30", "2026-1-1", "2026-11-21T", "2026-11-21T08:30:00", "2026-11-21 08:30:00Z",
        "2026-11-21T25:00:00Z", "2026-11-21T08:30:00.Z", "2026-11-21T08:30:00.1234567890Z", "2026-11-21T08:30:0xZ", "1969-12-31",
        "2026-11-21T08:30:00+01:00", "9999-01-01",
    ])
    func everythingElseIsRefused(text: String) {
        #expect(Moment(text) == nil)
    }

    @Test func numbersAreReadByTheirNames() throws {
        let list = try NumberList("review=0.5,decline=inf", names: ["review", "decline"])
        #expect(list["review"] == 0.5)
        #expect(list["decline"] == .infinity)
        #expect(try NumberList("review=1", names: ["review", "decline"])["decline"] == nil)
        for text in ["", "review", "review=", "review=x", "review=nan", "other=1", "review=1,review=2", "review=1,"] {
            #expect(throws: (any Error).self, "\(text)") { try NumberList(text, names: ["review", "decline"]) }
        }
    }

    @Test func numbersHaveTheirDigits() {
        #expect(
            [0.0, 1.005, -0.5, 123.456, -0.001, 1e20].map { fixed($0, 2) } == [
                "0.00", "1.00", "-0.50", "123.46", "0.00", "1e+20",
            ])
        #expect(fixed(0.5, 0) == "1")
        #expect(fixed(.nan, 2) == "nan")
    }
}
