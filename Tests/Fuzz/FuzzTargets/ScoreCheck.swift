import Forest
import ModelBundle

/// Scores rows with an admitted bundle in every way there is: all must give the same bits.
struct ScoreCheck {
    private let bundle: Bundle
    private let rows: [Double]
    private static let rowCount = 21

    init(_ bundle: Bundle) {
        self.bundle = bundle
        rows = ProbeRows.rows(for: bundle.forest, precision: bundle.precision, count: Self.rowCount, seed: 1)
    }

    func run() {
        let scores = bundle.score(rows: rows)
        checkSingleRows(scores)
        if !bundle.preparesRows {
            let leaves = bundle.leaves(rows: rows)
            for kernel in Kernel.available { check(kernel, scores, leaves) }
            explain()
        }
        if bundle.explains { _ = bundle.contributions(rows: rows) }
    }

    private func checkSingleRows(_ scores: (raw: [Double], outputs: [Double])) {
        var raw: [Double] = []
        var outputs: [Double] = []
        for row in 0..<Self.rowCount {
            let one = bundle.score(rows: Array(rows[(row * bundle.featureCount)..<((row + 1) * bundle.featureCount)]))
            raw += one.raw
            outputs += one.outputs
        }
        expectSame(scores, (raw, outputs), "one row after another")
    }

    /// One kernel, from both types of rows.
    private func check(_ kernel: Kernel, _ scores: (raw: [Double], outputs: [Double]), _ expectedLeaves: [UInt32]) {
        let scorer = ForestScorer(bundle.forest, kernel: kernel)
        var raw = [Double](repeating: 0, count: Self.rowCount * bundle.rawCount)
        var outputs = [Double](repeating: 0, count: Self.rowCount * bundle.outputCount)
        scorer.score(rows, rowCount: Self.rowCount, raw: &raw, outputs: &outputs)
        expectSame(scores, (raw, outputs), kernel.rawValue)
        var leaves = [UInt32](repeating: 0, count: Self.rowCount * bundle.treeCount)
        scorer.leaves(rows, rowCount: Self.rowCount, into: &leaves)
        precondition(leaves == expectedLeaves, "\(kernel) finds other leaves")
        guard bundle.precision == .float32 else { return }
        scorer.score(rows.map(Float.init), rowCount: Self.rowCount, raw: &raw, outputs: &outputs)
        expectSame(scores, (raw, outputs), "\(kernel) from Float")
    }

    /// Contributions with every kernel of this processor, of single rows and of many at once.
    private func explain() {
        for kernel in ExplainerKernel.allCases where kernel.isAvailable {
            guard let explainer = try? Explainer(bundle.forest, kernel: kernel) else { return }
            var scratch = ExplainerScratch(byteCount: explainer.scratchByteCount)
            var contributions = [Double](repeating: 0, count: Self.rowCount * explainer.contributionCount)
            explainer.contributions(rows, rowCount: Self.rowCount, into: &contributions, scratch: &scratch)
            explainer.contributions(rows, rowCount: 1, into: &contributions, scratch: &scratch)
        }
    }

    private func expectSame(
        _ scores: (raw: [Double], outputs: [Double]), _ others: (raw: [Double], outputs: [Double]), _ what: String
    ) {
        for (values, other) in [(scores.raw, others.raw), (scores.outputs, others.outputs)] {
            for (index, pair) in zip(values, other).enumerated() where pair.0.bitPattern != pair.1.bitPattern {
                preconditionFailure("\(what) gives \(pair.1) at \(index), not \(pair.0)")
            }
        }
    }
}
