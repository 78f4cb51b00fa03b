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
        #expect((bundle.precision, bundle.sumPrecision) == (.float32, .float32))
        #expect(bundle.schema == draft.schema)
        #expect(bundle.schema.features.map(\.reason) == ["the amount is unusual", "", ""])
        #expect(bundle.schema.missingAllowed == [0b101])
        #expect(bundle.schema.sources == [0, 0, DerivedFeature.bitcoinFee.rawValue])
        #expect(bundle.policy == draft.policy)
        #expect(bundle.provenance.map(\.key) == ["trainer", "note"])
        #expect(bundle.provenance.map(\.value) == ["by hand", ""])
        #expect((bundle.featureCount, bundle.rawCount, bundle.outputCount) == (3, 1, 1))
        #expect((bundle.treeCount, bundle.nodeCount, bundle.goldenRowCount) == (3, 9, 3))
        #expect(!bundle.isUnproven)
        #expect(bundle.goldenTolerance == .exact)
        #expect(!bundle.explains)
        #expect(bundle.byteCount == bytes.count)
        #expect(Array(bundle.fileBytes) == bytes)
        #expect(bundle.digest == SHA256Hasher.hash(bytes))
        #expect(bundle.goldenOutputs == [-0.875, 3.75, -0.875])
        #expect(bundle.goldenRaw == bundle.goldenOutputs)
        #expect(bundle.goldenFeatures[3..<6] == [1, -3, 11])
        #expect(bundle.goldenFeatures.count { $0.isNaN } == 3)
    }

    @Test func aFloat64BundleKeepsWhatFloat32Loses() throws {
        let draft = Drafts.float64()
        let bundle = try Bundle.admit(bytes: draft.serialized())
        #expect((bundle.precision, bundle.sumPrecision) == (.float64, .float64))
        #expect((bundle.treeCount, bundle.nodeCount, bundle.goldenRowCount) == (3, 9, 3))
        #expect(bundle.goldenFeatures.map(\.bitPattern) == draft.golden.features.map(\.bitPattern))
        #expect(bundle.goldenRaw == draft.golden.raw)
        #expect(bundle.goldenOutputs == draft.golden.outputs)
        #expect(bundle.goldenRaw[0] != bundle.goldenRaw[1])
        #expect(bundle.explains)
        #expect(bundle.scoring.shape.transform == Transform(.logistic, scale: 0.5))
        #expect(bundle.scoring.shape.flushesTiny)
        #expect(bundle.scoring.shape.categoryRule == .towardZero)
    }

    @Test func precisionIsTheModelsUnlessAScalerComesFirst() {
        #expect(Drafts.binary().precision == .float32)
        #expect(Drafts.float64().precision == .float64)
        #expect(Drafts.classes().precision == .float32)
        #expect(Drafts.linear(.float32).precision == .float32)
        let scaler = StandardScaler(means: [0, 0, 0], scales: [1, 1, 1])
        #expect(Drafts.linear(.float32, scaler: scaler).precision == .float64)
    }

    @Test func theSameDraftGivesTheSameBytes() throws {
        #expect(try Drafts.binary().serialized() == Drafts.binary().serialized())
        #expect(try Drafts.float64().serialized() == Drafts.float64().serialized())
        #expect(try Drafts.binary().serialized() != Drafts.binary(name: "other").serialized())
    }

    /// What a bundle computes differently must be another bundle.
    @Test func everyRuleOfTheModelIsInTheBytes() throws {
        var drafts = [Drafts.float64()]
        let changes: [(inout TreeEnsemble) -> Void] = [
            { $0.inputRules.flushesTiny = false }, { $0.inputRules.categories = .nonNegative },
            { $0.inputRules.zeroIsMissing = [] }, { $0.transform.scale = 2 }, { $0.transform.divisor = 2 },
            {
                $0.transform.kind = .identity; $0.transform.scale = 1
            }, { $0.baseMargins = [1] },
            {
                $0.sumPrecision = .float32; $0.transform.scale = 1
            },
            { $0.trees[0].numbers = [] }, { $0.trees[0].covers = [9, 4, 5] }, { $0.trees[0].covers = [] },
            { $0.trees[2].nodes[0] = .categorySplit(feature: 1, categories: [2, 41], missingGoesLeft: true, left: 1, right: 2) },
            {
                $0.trees[2].nodes[0] = .categorySplit(feature: 1, categories: [2, 40], missingGoesLeft: false, left: 1, right: 2)
            },
        ]
        for change in changes {
            var draft = Drafts.float64()
            change(&draft.ensemble)
            drafts.append(draft)
        }
        for index in drafts.indices { drafts[index].golden = .none }
        var precision = drafts[0]
        precision.precision = .float32
        drafts.append(precision)
        let files = try drafts.map { try $0.serialized() }
        for file in files { #expect(throws: Never.self) { try Bundle.admit(bytes: file) } }
        #expect(Set(files).count == drafts.count)
    }

    @Test func aFileIsAdmittedAndAMissingOneSaysSo() throws {
        let path = "/tmp/assay-bundle-test-\(getpid()).assay"
        try File.writeAtomically(Drafts.binary().serialized(), to: path)
        #expect(try Bundle.admit(file: path).treeCount == 3)
        try File.remove(path)
        let error = #expect(throws: BundleError.self) { try Bundle.admit(file: path) }
        if case .system = error {} else { Issue.record("\(String(describing: error))") }
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
        for reason in ["two\nlines", String(repeating: "x", count: 257)] {
            expect(.reasonInvalid(feature: 2)) {
                $0.schema = FeatureSchema(features: [.init(name: "a"), .init(name: "b"), .init(name: "c", reason: reason)])
            }
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
        expect(.forest(.baseMarginNotFinite(output: 0))) { $0.ensemble.baseMargins = [1e39] }
        expect(.linearWithTrees) { $0.linear = LinearModel(weights: [1, 2, 3]) }
    }

    @Test func thresholdsDecideAndWhatIsNoNumberIsReviewed() {
        let policy = OutcomePolicy.probability
        #expect(policy.outcome(score: 0.4999) == .approve)
        #expect(policy.outcome(score: 0.5) == .review)
        #expect(policy.outcome(score: 0.9) == .decline)
        #expect(policy.outcome(score: .nan) == .review)
        #expect(OutcomePolicy.approveAll.outcome(score: 1e300) == .approve)
    }

    @Test func theDecidingRawScoreIsTheOutputsOwnOrTheBestClasss() throws {
        func deciding(_ bundle: Bundle, _ outputs: [Double]) -> Int {
            outputs.withUnsafeBufferPointer { bundle.decidingRaw(outputs: $0) }
        }
        var draft = Drafts.linear(.float64)
        draft.policy = OutcomePolicy(decidingOutput: 1, reviewThreshold: 0, declineThreshold: 1)
        #expect(try deciding(Bundle.admit(bytes: draft.serialized()), [0.5, 0.7]) == 1)
        let classes = try Bundle.admit(bytes: Drafts.classes().serialized())
        #expect((classes.rawCount, classes.outputCount) == (3, 1))
        for best in 0..<3 { #expect(deciding(classes, [Double(best)]) == best) }
        #expect(try deciding(Bundle.admit(bytes: Drafts.binary().serialized()), [5]) == 0)
    }
}
