import Forest
import Glibc
import Platform
import Testing

@testable import ModelBundle

@Suite struct BundleTests {
    @Test func whatIsWrittenIsWhatIsAdmitted() throws {
        let draft = Drafts.binary()
        let bytes = try draft.serialized()
        let bundle = try Bundle.admit(bytes: bytes)
        #expect(bundle.name == "cards")
        #expect(bundle.objective == "binary:logitraw")
        #expect(bundle.precision == .float32)
        #expect(bundle.schema == draft.schema)
        #expect(bundle.schema.missingAllowed == [0b101])
        #expect(bundle.schema.sources == [0, 0, DerivedFeature.bitcoinFee.rawValue])
        #expect(bundle.policy == draft.policy)
        #expect(bundle.provenance.map(\.key) == ["trainer", "note"])
        #expect(bundle.provenance.map(\.value) == ["by hand", ""])
        #expect((bundle.featureCount, bundle.rawCount, bundle.outputCount) == (3, 1, 1))
        #expect((bundle.treeCount, bundle.nodeCount, bundle.goldenRowCount) == (3, 9, 3))
        #expect(!bundle.isUnproven)
        #expect(bundle.byteCount == bytes.count)
        #expect(Array(bundle.fileBytes) == bytes)
        #expect(bundle.digest == SHA256Hasher.hash(bytes))
        #expect(bundle.goldenOutputs32() == [[-0.875], [3.75], [-0.875]])
        #expect(bundle.goldenRaw32() == bundle.goldenOutputs32())
        #expect(bundle.goldenRows32()[1] == [1, -3, 11])
        #expect(bundle.goldenRows32()[2].count { $0.isNaN } == 3)
    }

    @Test func theSameDraftGivesTheSameBytes() throws {
        #expect(try Drafts.binary().serialized() == Drafts.binary().serialized())
        #expect(try Drafts.binary().serialized() != Drafts.binary(name: "other").serialized())
    }

    @Test func aFileIsAdmittedAndAMissingOneSaysSo() throws {
        let path = "/tmp/assay-bundle-test-\(getpid()).assay"
        try File.writeAtomically(Drafts.binary().serialized(), to: path)
        #expect(try Bundle.admit(file: path).treeCount == 3)
        try File.remove(path)
        let error = #expect(throws: BundleError.self) { try Bundle.admit(file: path) }
        if case .system = error {} else { Issue.record("\(String(describing: error))") }
    }

    @Test func rowsScoreOneByOneAsInABatch() throws {
        let bundle = try Bundle.admit(bytes: Drafts.binary().serialized())
        let rows: [Float] = [0.5, .nan, 9, .infinity, -2, .nan]
        var raw = [Float](repeating: 0, count: 2)
        var outputs = raw
        bundle.scoreBatch32(rows, rowCount: 2, raw: &raw, outputs: &outputs)
        #expect(outputs == [1.125, 1.125])
        bundle.score32(Array(rows[3...]), raw: &raw, outputs: &outputs)
        #expect(raw[0] == 1.125)
    }

    @Test func goldenRowsMayComeWithoutRawScores() throws {
        var draft = Drafts.binary()
        draft.golden.raw = nil
        #expect(try Bundle.admit(bytes: draft.serialized()).goldenRaw32() == [[-0.875], [3.75], [-0.875]])
        draft.golden = .none
        #expect(try Bundle.admit(bytes: draft.serialized()).isUnproven)
    }

    @Test func aDraftThatWouldBeRefusedIsNotWritten() {
        func expect(_ error: BundleError, _ change: (inout BundleDraft) -> Void, _ location: SourceLocation = #_sourceLocation) {
            var draft = Drafts.binary()
            change(&draft)
            #expect(throws: error, sourceLocation: location) { try draft.serialized() }
        }
        for name in ["", "Cards", "a/b", "é", String(repeating: "a", count: 65)] { expect(.nameInvalid) { $0.name = name } }
        expect(.objectiveInvalid) { $0.objective = "two\nlines" }
        expect(.featureCountWrong(schema: 2, forest: 3)) {
            $0.schema = FeatureSchema(features: [.init(name: "a"), .init(name: "b")])
        }
        expect(.featureNameRepeated(feature: 2)) {
            $0.schema = FeatureSchema(features: [.init(name: "a"), .init(name: "b"), .init(name: "a")])
        }
        expect(.featureNameInvalid(feature: 1)) {
            $0.schema = FeatureSchema(features: [.init(name: "a"), .init(name: ""), .init(name: "c")])
        }
        expect(.decidingOutputOutOfRange(output: 1, outputCount: 1)) {
            $0.policy = OutcomePolicy(decidingOutput: 1, reviewThreshold: 0, declineThreshold: 1)
        }
        for (review, decline) in [(1.0, 0.0), (.nan, 1), (0, .nan), (-.infinity, 0)] {
            expect(.thresholdsOutOfOrder) {
                $0.policy = OutcomePolicy(decidingOutput: 0, reviewThreshold: review, declineThreshold: decline)
            }
        }
        expect(.provenanceInvalid(entry: 0)) { $0.provenance = [("", "x")] }
        expect(.provenanceTooLong(count: 65, limit: 64)) { $0.provenance = .init(repeating: ("k", "v"), count: 65) }
        expect(.forest(.featureOutOfRange(tree: 0, node: 0, feature: 2, featureCount: 2))) {
            $0.ensemble.featureCount = 2
            $0.ensemble.trees = [$0.ensemble.trees[2]]
        }
        expect(.goldenCountWrong(rows: 4, values: 9, expected: 12)) { $0.golden.rowCount = 4 }
        let limit = BundleLimits.goldenRowCountMax
        expect(.goldenTooMany(rows: limit + 1, limit: limit)) {
            $0.golden = GoldenRows(
                rowCount: limit + 1, features: .init(repeating: 0, count: 3 * (limit + 1)),
                outputs: .init(repeating: 0, count: limit + 1))
        }
        expect(.goldenRowInfinite(row: 1, feature: 2)) { $0.golden.features[5] = .infinity }
        let actual = Float(3.75)
        let expected = actual.nextUp
        expect(.goldenMismatch(row: 1, output: 0, .transformed, expectedBits: expected.bitPattern, actualBits: actual.bitPattern))
        {
            $0.golden.outputs[1] = expected
        }
        expect(.goldenMismatch(row: 1, output: 0, .raw, expectedBits: expected.bitPattern, actualBits: actual.bitPattern)) {
            $0.golden.raw?[1] = expected
        }
    }

    @Test func thresholdsDecideAndWhatIsNoNumberIsReviewed() {
        let policy = OutcomePolicy.probability
        #expect(policy.outcome(score: 0.4999) == .approve)
        #expect(policy.outcome(score: 0.5) == .review)
        #expect(policy.outcome(score: 0.9) == .decline)
        #expect(policy.outcome(score: .nan) == .review)
        #expect(OutcomePolicy.approveAll.outcome(score: 1e300) == .approve)
    }
}
