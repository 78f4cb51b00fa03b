import Forest
import Testing

@testable import ModelBundle

/// Golden rows: what vouches for a bundle, when it is written and when it is admitted.
@Suite struct GoldenTests {
    private func expect(
        _ error: BundleError, _ draft: BundleDraft = Drafts.binary(), _ location: SourceLocation = #_sourceLocation,
        _ change: (inout BundleDraft) -> Void
    ) {
        var draft = draft
        change(&draft)
        #expect(throws: error, sourceLocation: location) { try draft.serialized() }
    }

    @Test func goldenRowsMayComeWithoutRawScores() throws {
        for var draft in [Drafts.binary(), Drafts.float64()] {
            let raw = draft.golden.raw
            draft.golden.raw = nil
            #expect(try Bundle.admit(bytes: draft.serialized()).goldenRaw == raw)
            draft.golden = .none
            let unproven = try Bundle.admit(bytes: draft.serialized())
            #expect(unproven.isUnproven)
            #expect(unproven.goldenFeatures.isEmpty && unproven.goldenRaw.isEmpty && unproven.goldenOutputs.isEmpty)
        }
    }

    @Test func countsMustFit() {
        expect(.goldenCountWrong(rows: 4, values: 9, expected: 12)) { $0.golden.rowCount = 4 }
        expect(.goldenCountWrong(rows: 3, values: 8, expected: 9)) { $0.golden.features.removeLast() }
        expect(.goldenCountWrong(rows: 3, values: 2, expected: 3)) { $0.golden.outputs.removeLast() }
        expect(.goldenCountWrong(rows: 3, values: 4, expected: 3)) { $0.golden.raw?.append(1) }
        let limit = BundleLimits.goldenRowCountMax
        expect(.goldenTooMany(rows: limit + 1, limit: limit)) {
            $0.golden = GoldenRows(
                rowCount: limit + 1, features: .init(repeating: 0, count: 3 * (limit + 1)),
                outputs: .init(repeating: 0, count: limit + 1))
        }
    }

    /// Trees without a split, too, have leaves to add: admission is kept busy by neither.
    @Test func rowsThatKeepAdmissionBusyAreRefused() {
        let (rowCount, outputCount) = (BundleLimits.goldenRowCountMax, ForestLimits.outputCountMax)
        let treeCount = BundleLimits.goldenStepCountMax / (rowCount * outputCount) + 1
        let leaf = TreeEnsemble.Node.vectorLeaf(.init(repeating: 1, count: outputCount))
        var draft = Drafts.binary()
        draft.schema = FeatureSchema(features: [.init(name: "a")])
        draft.ensemble = TreeEnsemble(
            featureCount: 1, baseMargins: .init(repeating: 0, count: outputCount), transform: Transform(.argmax),
            trees: .init(repeating: .init(nodes: [leaf]), count: treeCount))
        draft.golden = GoldenRows(
            rowCount: rowCount, features: .init(repeating: 0, count: rowCount), outputs: .init(repeating: 0, count: rowCount))
        // Three slots to fill as well.
        let steps = rowCount * (treeCount * outputCount + 3)
        expect(.goldenTooCostly(steps: steps, limit: BundleLimits.goldenStepCountMax), draft) { _ in }
    }

    @Test func whatDiffersIsNamed() {
        for draft in [Drafts.binary(), Drafts.float64()] {
            let (raw, output) = ((draft.golden.raw ?? [])[1], draft.golden.outputs[1])
            expect(.goldenMismatch(row: 1, output: 0, .raw, expected: raw.nextUp, actual: raw), draft) {
                $0.golden.raw?[1] = raw.nextUp
            }
            expect(.goldenMismatch(row: 1, output: 0, .transformed, expected: output.nextDown, actual: output), draft) {
                $0.golden.outputs[1] = output.nextDown
            }
        }
        expect(.goldenMismatch(row: 1, output: 2, .raw, expected: 5, actual: 0.6), Drafts.classes()) { $0.golden.raw?[5] = 5 }
    }

    /// Equal in value is not enough.
    @Test func exactMeansTheSameBits() throws {
        var draft = Drafts.binary()
        draft.ensemble.trees = []
        draft.ensemble.baseMargins = [-0.0]
        draft.golden = GoldenRows(rowCount: 1, features: [0, 0, 0], raw: [0], outputs: [-0.0])
        let error = #expect(throws: BundleError.self) { try draft.serialized() }
        if case .goldenMismatch(0, 0, .raw, _, _) = error {} else { Issue.record("\(String(describing: error))") }
        draft.golden.raw = [-0.0]
        #expect(throws: Never.self) { try draft.serialized() }
    }

    @Test func rowsMustBeFiniteAndOfTheBundlesPrecision() {
        for draft in [Drafts.binary(), Drafts.float64()] {
            expect(.goldenRowInfinite(row: 1, feature: 2), draft) { $0.golden.features[5] = .infinity }
            expect(.goldenRowInfinite(row: 0, feature: 0), draft) { $0.golden.features[0] = -.infinity }
        }
        // Scored as float32 these rows score the same: they are refused for what they are.
        expect(.goldenNotRepresentable(row: 0, feature: 1)) { $0.golden.features[1] = 1e-50 }
        expect(.goldenNotRepresentable(row: 1, feature: 0)) { $0.golden.features[3] = 1 + 1e-12 }
        expect(.goldenNotRepresentable(row: 1, feature: 2)) { $0.golden.features[5] = 1e300 }
        #expect(throws: Never.self) {
            var draft = Drafts.binary()
            draft.precision = .float64
            draft.golden.features[3] = 1 + 1e-12
            _ = try Bundle.admit(bytes: draft.serialized())
        }
    }

    /// A draft whose references are off by `difference` of a raw score and an output.
    private func draft(off difference: Double, _ tolerance: GoldenTolerance) -> BundleDraft {
        var draft = Drafts.float64()
        draft.golden.tolerance = tolerance
        draft.golden.raw?[1] += difference
        draft.golden.outputs[2] -= difference
        return draft
    }

    @Test func toleranceIsGrantedUpToItsLimit() throws {
        let granted = GoldenTolerance(raw: 1e-6, outputs: 1e-6)
        let bundle = try Bundle.admit(bytes: draft(off: 0.9e-6, granted).serialized())
        #expect(bundle.goldenTolerance == granted)
        #expect(!bundle.goldenTolerance.isExact)
        // The references are kept, not what is computed.
        #expect(bundle.goldenRaw == draft(off: 0.9e-6, granted).golden.raw)
        for difference in [1.2e-6, -1.2e-6, 1, .nan, .infinity] {
            #expect(throws: BundleError.self, "\(difference)") { try draft(off: difference, granted).serialized() }
        }
        #expect(throws: BundleError.self) { try draft(off: 0.9e-6, GoldenTolerance(raw: 1e-6)).serialized() }
        #expect(throws: BundleError.self) { try draft(off: 0.9e-6, GoldenTolerance(outputs: 1e-6)).serialized() }
        #expect(throws: BundleError.self) { try draft(off: 1e-15, .exact).serialized() }
    }

    /// Above 1 a tolerance is relative.
    @Test func toleranceGrowsWithTheReference() {
        func expectation(_ expected: Double, _ actual: Double, _ tolerance: Double) -> Bool {
            (try? GoldenCheck.compare([actual], [expected], width: 1, tolerance: tolerance, .raw)) != nil
        }
        #expect(expectation(1e6, 1e6 + 0.9, 1e-6))
        #expect(!expectation(1e6, 1e6 + 1.1, 1e-6))
        #expect(expectation(-1e6, -1e6 - 0.9, 1e-6))
        #expect(expectation(1e-9, -1e-9, 1e-6))
        #expect(expectation(0, -0.0, 1e-6))
        #expect(!expectation(0, -0.0, 0))
    }

    @Test func noToleranceMakesANumberOfWhatIsNone() {
        func isGranted(_ expected: Double, _ actual: Double) -> Bool {
            (try? GoldenCheck.compare([actual], [expected], width: 1, tolerance: 1e-3, .transformed)) != nil
        }
        #expect(!isGranted(.infinity, 5))
        #expect(!isGranted(.infinity, -.infinity))
        #expect(!isGranted(5, .infinity))
        #expect(!isGranted(.nan, 5))
        #expect(!isGranted(5, .nan))
        #expect(isGranted(.infinity, .infinity))
        #expect(isGranted(.nan, .nan))
    }

    @Test func toleranceIsBounded() {
        for value in [-1e-9, 1.1e-3, 1, .nan, .infinity] {
            expect(.goldenToleranceInvalid) { $0.golden.tolerance.raw = value }
            expect(.goldenToleranceInvalid) { $0.golden.tolerance.outputs = value }
        }
        #expect(throws: Never.self) { try draft(off: 0, GoldenTolerance(raw: 1e-3, outputs: 1e-3)).serialized() }
    }

    @Test func mismatchesAreToldInNumbersAndBits() {
        let error = BundleError.goldenMismatch(row: 7, output: 2, .raw, expected: 0.5, actual: 0.25)
        #expect(
            error.description
                == "golden row 7: raw output 2 is 0.25 (0x3fd0000000000000), the reference says 0.5 (0x3fe0000000000000)")
    }
}
