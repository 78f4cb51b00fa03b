import Testing

@testable import ModelBundle

@Suite struct SchemaFileTests {
    private func parse(_ text: String) throws -> SchemaFile { try SchemaFile(parsing: Array(text.utf8)) }

    @Test func everyPartIsOptional() throws {
        #expect(try parse("{}") == SchemaFile())
        let file = try parse(
            #"""
            {"features": [{"name": "a"}, {"name": "b", "type": "categorical", "missing": "refused", "source": "bitcoin.fee_rate"}],
             "review_threshold": 1, "decline_threshold": null, "deciding_output": 2, "provenance": {"who": "me"}}
            """#)
        #expect(
            file.features == [
                .init(name: "a"), .init(name: "b", type: .categorical, missingAllowed: false, source: .bitcoinFeeRate),
            ])
        #expect(file.reviewThreshold == 1)
        #expect(file.declineThreshold == .infinity)
        #expect(file.decidingOutput == 2)
        #expect(file.provenance.map(\.key) == ["who"])
    }

    @Test func mistakesAreNamed() {
        for (text, error) in [
            ("[]", SchemaFileError.wrongType(.root)), (#"{"review_treshold": 1}"#, .unknownKey(feature: nil)),
            (#"{"review_threshold": "1"}"#, .wrongType(.reviewThreshold)),
            (#"{"deciding_output": -1}"#, .wrongType(.decidingOutput)),
            (#"{"provenance": {"a": 1}}"#, .wrongType(.provenance)), (#"{"features": {}}"#, .wrongType(.features)),
            (#"{"features": [{}]}"#, .featureInvalid(.name, feature: 0)),
            (#"{"features": [{"name": "a", "type": "real"}]}"#, .featureInvalid(.type, feature: 0)),
            (#"{"features": [{"name": "a", "missing": "maybe"}]}"#, .featureInvalid(.missing, feature: 0)),
            (
                #"{"features": [{"name": "a"}, {"name": "b", "source": "bitcoin.nonsense"}]}"#,
                .featureInvalid(.source, feature: 1)
            ),
            (#"{"features": [{"name": "a", "colour": "red"}]}"#, .unknownKey(feature: 0)),
            ("{", .json(.unexpectedEnd(offset: 1))),
        ] {
            #expect(throws: error) { try parse(text) }
        }
    }
}
