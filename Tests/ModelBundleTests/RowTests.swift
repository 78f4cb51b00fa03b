import Forest
import Glibc
import Testing

@testable import ModelBundle

/// Rows of either precision on bundles of either precision.
@Suite struct RowTests {
    private func scores(_ bundle: Bundle, floats rows: [Float]) -> (raw: [Double], outputs: [Double]) {
        let rowCount = rows.count / bundle.featureCount
        var raw = [Double](repeating: .nan, count: rowCount * bundle.rawCount)
        var outputs = [Double](repeating: .nan, count: rowCount * bundle.outputCount)
        bundle.score(rows, rowCount: rowCount, raw: &raw, outputs: &outputs)
        return (raw, outputs)
    }

    private func scores(_ bundle: Bundle, doubles rows: [Double]) -> (raw: [Double], outputs: [Double]) {
        let rowCount = rows.count / bundle.featureCount
        var raw = [Double](repeating: .nan, count: rowCount * bundle.rawCount)
        var outputs = [Double](repeating: .nan, count: rowCount * bundle.outputCount)
        bundle.score(rows, rowCount: rowCount, raw: &raw, outputs: &outputs)
        return (raw, outputs)
    }

    @Test func rowsScoreOneByOneAsInABatch() throws {
        let bundle = try Bundle.admit(bytes: Drafts.binary().serialized())
        let rows: [Float] = [0.5, .nan, 9, .infinity, -2, .nan]
        #expect(scores(bundle, floats: rows).outputs == [1.125, 1.125])
        #expect(scores(bundle, floats: Array(rows[3...])).raw == [1.125])
        #expect(bundle.score(rows: rows.map(Double.init)).outputs == [1.125, 1.125])
        #expect(bundle.score(rows: []).raw.isEmpty)
    }

    @Test func doubleRowsAreRoundedByAFloat32Bundle() throws {
        let bundle = try Bundle.admit(bytes: Drafts.binary().serialized())
        // In float32 both are 0.5, which is not below the threshold.
        let rows: [Double] = [0.5 - 1e-12, 0, 0, 0.5, 0, 0, 0.499, 0, 0]
        let expected = [1.125, 1.125, -0.875]
        #expect(scores(bundle, doubles: rows).raw == expected)
        #expect(bundle.score(rows: rows).raw == expected)
        #expect(scores(bundle, floats: rows.map(Float.init)).raw == expected)
    }

    @Test func floatRowsAreWidenedByAFloat64Bundle() throws {
        let bundle = try Bundle.admit(bytes: Drafts.float64().serialized())
        // The float32 nearest to 0.1 is above it.
        let rows: [Float] = [0.1, 2, 5, Float(0.1).nextDown, 2, 5]
        let expected = [-0.7 - 0.2 - 1.5, 0.1 - 0.2 - 1.5]
        #expect(scores(bundle, floats: rows).raw == expected)
        #expect(scores(bundle, doubles: rows.map(Double.init)).raw == expected)
        #expect(bundle.score(rows: rows.map(Double.init)).raw == expected)
        #expect(bundle.score(rows: [(0.1).nextDown, 2, 5, 0.1, 2, 5]).raw == [expected[1], expected[0]])
        #expect(bundle.score(rows: [0.1, 2, 5]).outputs == [1 / (1 + exp(-0.5 * expected[0]))])
    }

    /// A bundle says what features travel in, apart from what its model compares.
    @Test func rowsAreRoundedToTheBundlesPrecisionToo() throws {
        var draft = Drafts.float64()
        draft.precision = .float32
        draft.golden = .none
        let bundle = try Bundle.admit(bytes: draft.serialized())
        #expect((bundle.precision, bundle.scoring.shape.featurePrecision) == (.float32, .float64))
        #expect(bundle.score(rows: [(0.1).nextDown, 2, 5]).raw == [-0.7 - 0.2 - 1.5])
        #expect(bundle.leaves(rows: [(0.1).nextDown, 2, 5])[0] == 1)
        var wide = Drafts.binary()
        wide.precision = .float64
        let widened = try Bundle.admit(bytes: wide.serialized())
        #expect((widened.precision, widened.scoring.shape.featurePrecision) == (.float64, .float32))
        #expect(widened.score(rows: [0.5 - 1e-12, 0, 0]).raw == [1.125])
    }

    @Test func leavesAreTheFrameworksNumbers() throws {
        let float64 = try Bundle.admit(bytes: Drafts.float64().serialized())
        #expect(float64.leaves(rows: Drafts.float64().golden.features) == [0, 1, 1, 1, 0, 0, 1, 0, 0])
        let binary = try Bundle.admit(bytes: Drafts.binary().serialized())
        #expect(binary.leaves(rows: [0.5 - 1e-12, 0, 0, 0, -3, 11]) == [2, 2, 1, 1, 1, 2])
        #expect(binary.leaves(rows: []).isEmpty)
        let linear = try Bundle.admit(bytes: Drafts.linear(.float32).serialized())
        #expect(linear.leaves(rows: [1, 2, 3]).isEmpty)
    }

    @Test func leavesAreThoseOfScaledRows() throws {
        var draft = Drafts.binary()
        draft.golden = .none
        draft.scaler = StandardScaler(means: [10, 0, 0], scales: [2, 1, -1])
        draft.precision = .float64
        let bundle = try Bundle.admit(bytes: draft.serialized())
        // Scaled: [0.5, 0, 11] and [0.495, 0, -11].
        let rows: [Double] = [11, 0, -11, 10.99, 0, 11]
        #expect(bundle.leaves(rows: rows) == [2, 2, 2, 1, 2, 1])
        #expect(bundle.score(rows: rows).raw == [0.5 + 1 - 0.5 + 2, 0.5 - 1 - 0.5 + 0.125])
        #expect(scores(bundle, floats: [11, 0, -11]).raw == [3])
    }

    @Test func vectorLeavesAndTheBestClass() throws {
        let bundle = try Bundle.admit(bytes: Drafts.classes().serialized())
        let (raw, outputs) = bundle.score(rows: [0, .nan, 0, 0.5])
        #expect(raw == [0.1 + 0.1, 0.7 + 0.7, 0.2 + 0.2, 0.6 + 0.6, 0.1 + 0.1, 0.3 + 0.3])
        #expect(outputs == [1, 0])
        #expect(bundle.leaves(rows: [0, .nan, 0, 0.5]) == [1, 1, 2, 2])
    }
}
