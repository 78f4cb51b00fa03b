import Forest
import Testing

/// Every kernel of this processor against the plain one, bit for bit.
@Suite struct KernelTests {
    @Test(arguments: KernelForest.all)
    func everyKernelGivesTheSameBits(_ forest: KernelForest) throws {
        var maker = KernelForestMaker(forest, seed: 20_261_121)
        let ensemble = maker.ensemble()
        try expectSameBits(ensemble, maker.rows(), fits: forest.fits)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func everyKernelGivesTheSameBitsForRandomForests(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var options = EnsembleMaker.Options()
        options.featurePrecision = seed % 2 == 0 ? .float32 : .float64
        options.sumPrecision = seed % 4 < 2 ? .float32 : .float64
        options.flushesTiny = seed % 3 == 0
        options.categoryRule = seed % 5 == 0 ? .towardZero : .nonNegative
        options.categoryFeatureStride = seed % 4 == 3 ? 3 : 0
        options.zeroIsMissingStride = seed % 7 == 0 ? 2 : 0
        options.hasVectorLeaves = seed % 10 == 9
        options.hasNumbers = true
        options.hasWeights = seed % 2 == 0
        var maker = EnsembleMaker(seed: seed, featureCount: Int.random(in: 1...60, using: &random), options: options)
        let ensemble = maker.ensemble(
            treeCount: Int.random(in: 0...120, using: &random), depthMax: Int.random(in: 0...12, using: &random),
            outputCount: [1, 1, 3][Int(seed % 3)], transform: Transform(.logistic))
        try expectSameBits(ensemble, maker.rows(90), fits: nil)
    }

    @Test func thousandsOfRowsInOneBatch() throws {
        var forest = KernelForest(name: "", treeCount: 50, shape: .complete(depth: 6))
        forest.rowCount = 4001
        var maker = KernelForestMaker(forest, seed: 7)
        let ensemble = maker.ensemble()
        try expectSameBits(ensemble, maker.rows(), fits: true)
    }

    @Test func theBestKernelIsAvailable() {
        #expect(Kernel.available.first == .plain)
        #expect(Kernel.available.contains(.portable))
        #expect(Kernel.best == Kernel.available.last)
    }

    /// A forest that needs more memory than a plan may have is walked by its own nodes.
    @Test func whatIsDerivedStaysInProportion() throws {
        var maker = KernelForestMaker(KernelForest(name: "", treeCount: 64, shape: .complete(depth: 10)), seed: 3)
        try PackedForest(maker.ensemble()).withView { view in
            for kernel in Kernel.available where kernel != .plain {
                #expect(ForestScorer(view, kernel: kernel).byteCount < 40 * view.shape.nodeCount + 4096 * view.shape.featureCount)
            }
        }
    }

    private func expectSameBits(_ ensemble: TreeEnsemble, _ rows: [[Double]], fits: Bool?) throws {
        try PackedForest(ensemble).withView { view in
            try view.check()
            let doubles = rows.flatMap(\.self)
            let floats = doubles.map { Float($0) }
            let plain = ForestScorer(view, kernel: .plain)
            let expected = results(plain, floats, doubles, rows.count, by: rows.count)
            for kernel in Kernel.available where kernel != .plain {
                let scorer = ForestScorer(view, kernel: kernel)
                if let fits, kernel == .avx512 { #expect(scorer.hasByteTrees == fits, "\(kernel)") }
                for count in [1, 23, rows.count] {
                    let actual = results(scorer, floats, doubles, rows.count, by: count)
                    #expect(actual == expected, "\(kernel), \(count) rows at a time")
                }
            }
        }
    }

    /// The bits of everything a scorer computes.
    private struct Results: Equatable, CustomStringConvertible {
        var raw: [UInt64] = []
        var outputs: [UInt64] = []
        var leaves: [UInt32] = []
        var description: String { "\(raw.count) sums, \(leaves.count) leaves" }
    }

    /// Scores float and double rows, so many at a time.
    private func results(_ scorer: ForestScorer, _ floats: [Float], _ doubles: [Double], _ rowCount: Int, by count: Int)
        -> Results
    {
        let shape = scorer.view.shape
        var results = Results()
        for isDouble in [false, true] {
            for start in stride(from: 0, to: rowCount, by: count) {
                let count = min(count, rowCount - start)
                let values = start * shape.featureCount..<(start + count) * shape.featureCount
                var raw = [Double](repeating: .nan, count: count * shape.rawCount)
                var outputs = [Double](repeating: .nan, count: count * shape.outputCount)
                var leaves = [UInt32](repeating: .max, count: count * shape.treeCount)
                if isDouble {
                    scorer.score(Array(doubles[values]), rowCount: count, raw: &raw, outputs: &outputs)
                    scorer.leaves(Array(doubles[values]), rowCount: count, into: &leaves)
                } else {
                    scorer.score(Array(floats[values]), rowCount: count, raw: &raw, outputs: &outputs)
                    scorer.leaves(Array(floats[values]), rowCount: count, into: &leaves)
                }
                results.raw += raw.map(\.bitPattern)
                results.outputs += outputs.map(\.bitPattern)
                results.leaves += leaves
            }
        }
        return results
    }
}
