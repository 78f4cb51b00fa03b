import Forest
import Glibc
import Testing

@Suite struct ScoreTests {
    /// Feature counts on both sides of slot widths, tree counts around whole groups of eight.
    @Test(arguments: [1, 3, 29, 64, 65, 511, 512, 513, 5000, 8192], [0, 1, 7, 8, 9, 33])
    func randomForestsScoreAsTheOracleBitForBit(featureCount: Int, treeCount: Int) throws {
        let seed = UInt64(featureCount * 1000 + treeCount)
        var maker = EnsembleMaker(seed: seed, featureCount: featureCount)
        for outputCount in [1, 3] {
            let ensemble = maker.ensemble(
                treeCount: treeCount, depthMax: 9, outputCount: outputCount, transform: Transform(.identity))
            try expectOracle(ensemble, maker.rows(featureCount > 1000 ? 5 : 40), seed)
        }
    }

    @Test(arguments: Families.all)
    func everyKindOfForestScoresAsTheOracleBitForBit(family: Families) throws {
        for seed in family.seeds {
            var maker = EnsembleMaker(seed: seed, featureCount: family.featureCount, options: family.options)
            let ensemble = maker.ensemble(treeCount: 17, depthMax: 8, outputCount: 3, transform: Transform(.identity))
            try expectOracle(ensemble, maker.rows(120), seed)
        }
    }

    @Test func valuesAtThresholdsGoRightAndZerosAreEqual() throws {
        func ensemble(_ threshold: Double, missingGoesLeft: Bool) -> TreeEnsemble {
            let split = TreeEnsemble.Node.split(
                feature: 0, threshold: threshold, missingGoesLeft: missingGoesLeft, left: 1, right: 2)
            return TreeEnsemble(
                featureCount: 1, baseMargins: [0], transform: Transform(.identity),
                trees: [.init(nodes: [split, .leaf(-1), .leaf(1)])])
        }
        for threshold: Float in [0, -0.0, 1.5, -1.5, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude]
        {
            let rows: [[Float]] = [
                [threshold], [threshold.nextUp], [threshold.nextDown], [.infinity], [-.infinity], [.nan], [-.nan], [0], [-0.0],
            ]
            for missingGoesLeft in [true, false] {
                let expected = rows.map { row -> Double in
                    let goesLeft = row[0].isNaN ? missingGoesLeft : row[0] < threshold
                    return goesLeft ? -1 : 1
                }
                let ensemble = ensemble(Double(threshold), missingGoesLeft: missingGoesLeft)
                #expect(try packedScores(ensemble, floats: rows).raw.map { $0[0] } == expected)
                #expect(try packedScores(ensemble, rows.map { [Double($0[0])] }).raw.map { $0[0] } == expected)
            }
        }
    }

    @Test func leavesOfMinusZeroAndMinusZeroMarginsKeepTheirSign() throws {
        for precision in Precision.allCases {
            for nodes: TreeEnsemble.Node in [.leaf(-0.0), .vectorLeaf([-0.0])] {
                let ensemble = TreeEnsemble(
                    featureCount: 1, sumPrecision: precision, baseMargins: [-0.0], transform: Transform(.identity),
                    trees: [.init(nodes: [nodes])])
                #expect(try packedScores(ensemble, [[0.0]]).raw[0].bits == [-0.0].bits)
            }
        }
    }

    @Test func sumsAreOfTheirPrecisionInTreeOrder() throws {
        func sum(_ leaves: [Double], base: Double = 0, _ precision: Precision) throws -> Double {
            let trees = leaves.map { TreeEnsemble.Tree(nodes: [.leaf($0)]) }
            let ensemble = TreeEnsemble(
                featureCount: 1, sumPrecision: precision, baseMargins: [base], transform: Transform(.identity), trees: trees)
            return try packedScores(ensemble, [[0.0]]).raw[0][0]
        }
        // 1e8 swallows 1 in float32, not in float64: only this order gives 0, then 1.
        #expect(try sum([1e8, 1, -1e8, 1], .float32) == 1)
        #expect(try sum([1e8, 1, -1e8, 1], .float64) == 2)
        #expect(try sum([1e16, 1, -1e16, 1], .float64) == 1)
        #expect(try sum([1, -1e8], base: 1e8, .float32) == 0)
        #expect(try sum([0.1, 0.2], .float32) == Double(Float(0.1) + Float(0.2)))
        #expect(try sum([0.1, 0.2], .float64) == 0.1 + 0.2)
        #expect(try sum([], base: 0.1, .float32) == Double(Float(0.1)))
        #expect(try sum([], base: 0.1, .float64) == 0.1)
        // Sums may overflow, single leaves may not.
        #expect(try sum([3e38, 3e38, -3e38], .float32) == .infinity)
    }

    @Test func weightsAreRoundedIntoLeavesOnce() throws {
        func raw(_ precision: Precision) throws -> [Double] {
            let split = TreeEnsemble.Node.split(feature: 0, threshold: 0, missingGoesLeft: true, left: 1, right: 2)
            let trees = [TreeEnsemble.Tree(nodes: [split, .leaf(0.3), .leaf(0.1)], weight: 0.7)]
            let ensemble = TreeEnsemble(
                featureCount: 1, sumPrecision: precision, baseMargins: [0.5], transform: Transform(.identity), trees: trees)
            return try packedScores(ensemble, [[-1.0], [1.0]]).raw.flatMap(\.self)
        }
        #expect(try raw(.float32) == [Double(0.5 + Float(0.3) * Float(0.7)), Double(0.5 + Float(0.1) * Float(0.7))])
        #expect(try raw(.float64) == [0.5 + 0.3 * 0.7, 0.5 + 0.1 * 0.7])
        #expect(try raw(.float64) != raw(.float32))
    }

    @Test func prunedNodesAreIgnored() throws {
        let nodes: [TreeEnsemble.Node] = [
            .split(feature: 0, threshold: 0, missingGoesLeft: true, left: 3, right: 2), .leaf(.nan), .leaf(0.25), .leaf(0.5),
            .split(feature: 99, threshold: .nan, missingGoesLeft: true, left: 4, right: 400), .vectorLeaf([1, 2, 3]),
            .categorySplit(feature: -1, categories: [2, 1], missingGoesLeft: true, left: 0, right: 0),
        ]
        var ensemble = TreeEnsemble(
            featureCount: 1, baseMargins: [0], transform: Transform(.identity), trees: [.init(nodes: nodes)])
        #expect(try packedScores(ensemble, [[-1.0], [1.0]]).raw == [[0.5], [0.25]])
        #expect(try PackedForest(ensemble).nodes.count == 4)
        // A pruned leaf of another kind does not say what the leaves are.
        ensemble.baseMargins = [0, 0]
        ensemble.trees = [
            .init(nodes: [
                .split(feature: 0, threshold: 0, missingGoesLeft: true, left: 2, right: 3), .leaf(9), .vectorLeaf([1, 2]),
                .vectorLeaf([3, 4]),
            ])
        ]
        #expect(try packedScores(ensemble, [[-1.0], [1.0]]).raw == [[1, 2], [3, 4]])
    }

    @Test func vectorLeavesAddToEveryOutputWhateverOutputTheirTreeNames() throws {
        let tree = TreeEnsemble.Tree(
            nodes: [
                .split(feature: 0, threshold: 0, missingGoesLeft: false, left: 1, right: 2), .vectorLeaf([1, 2, 3]),
                .vectorLeaf([10, 20, 30]),
            ], output: 7, weight: 0.5)
        let ensemble = TreeEnsemble(
            featureCount: 1, sumPrecision: .float64, baseMargins: [0.25, 0, -1], transform: Transform(.identity),
            trees: [tree, tree])
        #expect(try packedScores(ensemble, [[-1.0], [.nan]]).raw == [[1.25, 2, 2], [10.25, 20, 29]])
        let forest = try PackedForest(ensemble)
        #expect(forest.shape.leafWidth == 3)
        #expect(forest.leafValues.bits == [0.5, 1, 1.5, 5, 10, 15, 0.5, 1, 1.5, 5, 10, 15, -0.0, -0.0, -0.0].bits)
    }

    @Test func leafNumbersAreTheFrameworksOrNodeIndices() throws {
        let nodes: [TreeEnsemble.Node] = [
            .split(feature: 0, threshold: 0, missingGoesLeft: true, left: 4, right: 1),
            .split(feature: 0, threshold: 5, missingGoesLeft: true, left: 3, right: 2), .leaf(1), .leaf(2), .leaf(3),
        ]
        let ensemble = TreeEnsemble(
            featureCount: 1, baseMargins: [0], transform: Transform(.identity),
            trees: [.init(nodes: nodes), .init(nodes: nodes, numbers: [0, 1, 0, .max, 77]), .init(nodes: [.leaf(1)])])
        #expect(try packedLeaves(ensemble, [[-1.0], [1.0], [5.0]]) == [[4, 77, 0], [3, .max, 0], [2, 0, 0]])
    }

    /// The plain kernel against the oracle: raw scores, outputs, leaf numbers, rows of Double and of Float.
    private func expectOracle(
        _ ensemble: TreeEnsemble, _ rows: [[Double]], _ seed: UInt64, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let floats = rows.map { $0.map(Float.init) }
        let (scored, leafNumbers, floatRaw) = try PackedForest(ensemble).withView { view in
            try view.check()
            return (scores(view, rows), leaves(view, rows), scores(view, floats: floats).raw)
        }
        for (index, row) in rows.enumerated() {
            let expected = Oracle.margins(ensemble, row).bits
            #expect(scored.raw[index].bits == expected, "seed \(seed) row \(index)", sourceLocation: location)
            #expect(scored.outputs[index].bits == expected, "seed \(seed) row \(index)", sourceLocation: location)
            #expect(leafNumbers[index] == Oracle.leaves(ensemble, row), "seed \(seed) row \(index)", sourceLocation: location)
            let widened = Oracle.margins(ensemble, floats[index].map(Double.init)).bits
            #expect(floatRaw[index].bits == widened, "seed \(seed) row \(index) of floats", sourceLocation: location)
        }
    }
}

/// Kinds of forests, each with what the others lack.
struct Families: CustomTestStringConvertible, Sendable {
    let name: String
    var featureCount = 9
    var seeds = UInt64(0)..<12
    let options: EnsembleMaker.Options

    var testDescription: String { name }

    static let all: [Families] = [
        Families(name: "XGBoost", options: .xgboost), Families(name: "LightGBM", options: .lightGBM),
        Families(name: "scikit-learn", options: .scikitLearn),
        Families(name: "float64 features, float32 sums", options: .init(featurePrecision: .float64)),
        Families(
            name: "float64 vectors with weights",
            options: .init(
                featurePrecision: .float64, sumPrecision: .float64, hasVectorLeaves: true, hasWeights: true, hasNumbers: true)),
        Families(
            name: "float32 with every rule",
            options: .init(
                flushesTiny: true, categoryFeatureStride: 2, zeroIsMissingStride: 3, hasVectorLeaves: true, hasWeights: true)),
        Families(
            name: "more than 64 sets", featureCount: 2, seeds: 100..<106,
            options: .init(categoryRule: .towardZero, categoryFeatureStride: 2, categorySetCount: 90, categoryCount: 300)),
    ]
}
