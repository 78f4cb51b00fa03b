import Decision
import Forest
import ModelBundle
import Testing

/// Rows as they travel, of either precision.
@Suite struct FeatureRowsTests {
    private func bundle(_ precision: Precision) throws -> Bundle {
        let draft = BundleDraft(
            name: "weights", objective: "linear", schema: FeatureSchema(features: [.init(name: "a"), .init(name: "b")]),
            policy: .approveAll,
            ensemble: TreeEnsemble(
                featureCount: 2, featurePrecision: precision, sumPrecision: precision, baseMargins: [0.5],
                transform: Transform(.step), trees: []), linear: LinearModel(weights: [2, -1]))
        return try Bundle.admit(bytes: draft.serialized())
    }

    private func check(_ rows: FeatureRows, _ bundle: Bundle) {
        var raw = [0.0, 0, 0]
        var outputs = raw
        rows.score(with: bundle, rowCount: 3, raw: &raw, outputs: &outputs)
        #expect(raw == [0.5, -1.5, 5.5])
        #expect(outputs == [1, 0, 1])
        var contributions = [Double](repeating: 0, count: 9)
        var scratch = ExplainerScratch(byteCount: bundle.explainerScratchByteCount)
        rows.contributions(of: bundle, rowCount: 3, into: &contributions, scratch: &scratch)
        #expect(contributions == [2, -2, 0.5, 0, -2, 0.5, 6, -1, 0.5])
        #expect([rows.value(0), rows.value(1)] == [1, 2])
        for (index, value) in [1.0, .nan, 3].enumerated() {
            let row = rows.row(index, featureCount: 2)
            #expect(row.value(0).bitPattern == value.bitPattern)
            #expect(row.float32.count + row.float64.count == 2)
        }
    }

    @Test func bothPrecisionsScoreAndExplain() throws {
        let values: [Double] = [1, 2, .nan, 2, 3, 1]
        for precision in Precision.allCases {
            let bundle = try bundle(precision)
            values.withUnsafeBufferPointer { check(FeatureRows($0), bundle) }
            values.map(Float.init).withUnsafeBufferPointer { check(FeatureRows($0), bundle) }
        }
    }
}
