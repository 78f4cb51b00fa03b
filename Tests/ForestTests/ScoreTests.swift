import Forest
import Glibc
import Testing

@Suite struct ScoreTests {
    /// Feature counts on both sides of the stack sizes and slot widths, tree counts around whole groups of eight.
    @Test(arguments: [1, 3, 29, 64, 65, 511, 512, 513, 5000, 8192], [0, 1, 7, 8, 9, 33])
    func randomForestsScoreAsTheOracleBitForBit(featureCount: Int, treeCount: Int) throws {
        let seed = UInt64(featureCount * 1000 + treeCount)
        var maker = EnsembleMaker(seed: seed, featureCount: featureCount)
        for outputCount in [1, 3] {
            let ensemble = maker.ensemble(treeCount: treeCount, depthMax: 9, outputCount: outputCount, transform: .identity)
            let rows = maker.rows(featureCount > 1000 ? 5 : 40)
            let (raw, outputs) = try packedScores(ensemble, rows)
            for (index, row) in rows.enumerated() {
                let expected = Oracle.margins(ensemble, row).map(\.bitPattern)
                #expect(raw[index].map(\.bitPattern) == expected, "seed \(seed) row \(index)")
                #expect(outputs[index].map(\.bitPattern) == expected, "seed \(seed) row \(index)")
            }
        }
    }

    @Test func valuesAtThresholdsGoRightAndZerosAreEqual() throws {
        func ensemble(_ threshold: Float, missingGoesLeft: Bool) -> TreeEnsemble {
            let split = TreeEnsemble.Node.split(
                feature: 0, threshold: threshold, missingGoesLeft: missingGoesLeft, left: 1, right: 2)
            return TreeEnsemble(
                featureCount: 1, baseMargins: [0], transform: .identity, trees: [.init(nodes: [split, .leaf(-1), .leaf(1)])])
        }
        for threshold: Float in [0, -0.0, 1.5, -1.5, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude]
        {
            let rows: [[Float]] = [
                [threshold], [threshold.nextUp], [threshold.nextDown], [.infinity], [-.infinity], [.nan], [-.nan], [0], [-0.0],
            ]
            for missingGoesLeft in [true, false] {
                let expected = rows.map { row -> Float in
                    let goesLeft = row[0].isNaN ? missingGoesLeft : row[0] < threshold
                    return goesLeft ? -1 : 1
                }
                #expect(
                    try packedScores(ensemble(threshold, missingGoesLeft: missingGoesLeft), rows).raw.map { $0[0] } == expected)
            }
        }
    }

    @Test func leavesOfMinusZeroAndMinusZeroMarginsKeepTheirSign() throws {
        let trees = [TreeEnsemble.Tree(nodes: [.leaf(-0.0)])]
        let ensemble = TreeEnsemble(featureCount: 1, baseMargins: [-0.0], transform: .identity, trees: trees)
        #expect(try packedScores(ensemble, [[0]]).raw[0][0].sign == .minus)
    }

    @Test func sumsAreFloatsInTreeOrder() throws {
        // 1e8 swallows 1 in float32: only the order below gives 0, then 1.
        let trees = [1e8, 1, -1e8, 1].map { TreeEnsemble.Tree(nodes: [.leaf($0)]) }
        let ensemble = TreeEnsemble(featureCount: 1, baseMargins: [0], transform: .identity, trees: trees)
        #expect(try packedScores(ensemble, [[0]]).raw == [[1]])
    }

    @Test func prunedNodesAreIgnoredAndWeightsAreRoundedIntoLeaves() throws {
        let nodes: [TreeEnsemble.Node] = [
            .split(feature: 0, threshold: 0, missingGoesLeft: true, left: 3, right: 2), .leaf(.nan), .leaf(0.1), .leaf(0.3),
            .split(feature: 99, threshold: .nan, missingGoesLeft: true, left: 4, right: 400),
        ]
        let ensemble = TreeEnsemble(
            featureCount: 1, baseMargins: [0.5], transform: .identity, trees: [.init(nodes: nodes, weight: 0.7)])
        let result = try packedScores(ensemble, [[-1], [1]])
        #expect(result.raw == [[0.5 + Float(0.3) * Float(0.7)], [0.5 + Float(0.1) * Float(0.7)]])
        #expect(try PackedForest(ensemble).nodes.count == 4)
    }

    @Test func transformsAreXGBoostsFormulas() throws {
        func outputs(_ margins: [Float], _ transform: Transform) throws -> [Float] {
            let ensemble = TreeEnsemble(featureCount: 1, baseMargins: margins, transform: transform, trees: [])
            return try packedScores(ensemble, [[0]]).outputs[0]
        }
        let margins: [Float] = [-200, -88.8, -1.5, -0.0, 0, 0.3, 4, 100]
        #expect(try outputs(margins, .logistic) == margins.map { 1 / (expf(min(-$0, 88.7)) + 1 + 1e-16) })
        #expect(try outputs(margins, .logistic).allSatisfy { $0 > 0 && $0 <= 1 })
        #expect(try outputs(margins, .exponential) == margins.map { expf($0) })
        #expect(try outputs(margins, .step) == [0, 0, 0, 0, 0, 1, 1, 1])
        #expect(try outputs([1, 3, 2, 3], .argmax) == [1])
        #expect(try outputs([0.25, 0.25], .softmax) == [0.5, 0.5])
        #expect(try outputs([300, 0, -300], .softmax) == [1, 0, 0])
    }

    @Test func baseScoresBecomeMarginsByTheirLink() {
        #expect(BaseLink.logit.margin(ofBaseScore: 0.5) == 0)
        #expect(BaseLink.logit.margin(ofBaseScore: 0.05) == -logf(1 / Float(0.05) - 1))
        #expect(BaseLink.logit.margin(ofBaseScore: 0) == BaseLink.logit.margin(ofBaseScore: 1e-6))
        #expect(BaseLink.logit.margin(ofBaseScore: 1).isFinite)
        #expect(BaseLink.log.margin(ofBaseScore: 2) == logf(2))
        #expect(BaseLink.identity.margin(ofBaseScore: -3) == -3)
    }
}
