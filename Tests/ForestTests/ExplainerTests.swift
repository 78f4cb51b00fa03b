import Testing

@testable import Forest

@Suite struct ExplainerTests {
    static let kernels = ExplainerKernel.allCases.filter(\.isAvailable)

    /// The largest difference, relative to the largest contribution of the row to the same output.
    static func difference(_ explained: [[[Double]]], _ expected: [[[Double]]]) -> Double {
        precondition(explained.map(\.count) == expected.map(\.count), "as many rows and outputs")
        var difference = 0.0
        for (found, wanted) in zip(explained.joined(), expected.joined()) {
            precondition(found.count == wanted.count, "as many features")
            let scale = wanted.reduce(1e-300) { max($0, $1.magnitude) }
            for (a, b) in zip(found, wanted) { difference = max(difference, a.isFinite ? (a - b).magnitude / scale : .infinity) }
        }
        return difference
    }

    @Test(arguments: kernels) func smallForestsMatchTheDefinitionOfShapleyValues(kernel: ExplainerKernel) throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            var forests = ExplainerForests(seed: seed)
            forests.featureCount = Int(seed % 6) + 1
            forests.outputCount = Int(seed % 3) + 1
            forests.hasVectorLeaves = seed % 4 == 0
            forests.firstCategoryFeature = seed % 2 == 0 ? 2 : .max
            forests.zeroIsMissing = seed % 5 == 0 ? [0] : []
            forests.precision = seed % 3 == 0 ? .float32 : .float64
            let ensemble = forests.ensemble(treeCount: 5)
            let rows = forests.rows(18)
            let explained = try explained(ensemble, rows, kernel: kernel)
            let expected = rows.map { row in
                (0..<forests.outputCount).map { ExplainerOracle.byDefinition(ensemble, row, output: $0) }
            }
            #expect(Self.difference(explained, expected) < 1e-12, "seed \(seed)")
        }
    }

    /// By levels, leaves and features: from stumps to trees with 50 features on a path; the last ones are chains.
    static let shapes = [
        (1, 2, 3), (2, 4, 2), (6, 64, 30), (8, 200, 12), (8, 120, 300), (12, 300, 20), (30, 63, 40), (20, 21, 12), (30, 31, 24),
        (50, 51, 60), (60, 61, 70), (100, 101, 9), (255, 256, 12),
    ]

    @Test(arguments: shapes) func forestsOfEveryShapeMatchTreeSHAP(shape: (Int, Int, Int)) throws {
        var forests = ExplainerForests(seed: UInt64(shape.1))
        (forests.depthMax, forests.leafCountMax, forests.featureCount) = shape
        forests.isChain = shape.0 + 1 == shape.1
        forests.firstCategoryFeature = shape.2 * 2 / 3
        forests.emptySideOdds = 9
        let ensemble = forests.ensemble(treeCount: 2)
        let rows = forests.rows(5)
        let expected = rows.map { ExplainerOracle.byPaths(ensemble, $0, output: 0) }
        for kernel in Self.kernels {
            let explained = try explained(ensemble, rows, kernel: kernel)
            #expect(Self.difference(explained, expected.map { [$0] }) < 1e-11, "\(kernel)")
        }
    }

    @Test func theOraclesAgree() {
        var forests = ExplainerForests(seed: 77)
        forests.emptySideOdds = 5
        let ensemble = forests.ensemble(treeCount: 4)
        for row in forests.rows(10) {
            let byPaths = ExplainerOracle.byPaths(ensemble, row, output: 0)
            let byDefinition = ExplainerOracle.byDefinition(ensemble, row, output: 0)
            #expect(Self.difference([[byPaths]], [[byDefinition]]) < 1e-13)
        }
    }

    static func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }

    /// Every level tests the next feature and ends at a leaf on the right; only the leaf at the very end has a value.
    static func chain(levels: Int, featureCount: Int) -> TreeEnsemble {
        var nodes: [TreeEnsemble.Node] = []
        var covers: [Double] = []
        for level in 0..<levels {
            nodes += [
                .split(
                    feature: level % featureCount, threshold: 1, missingGoesLeft: false, left: 2 * level + 2, right: 2 * level + 1
                ),
                .leaf(0),
            ]
            covers += [power(300 - level), power(299 - level)]
        }
        nodes.append(.leaf(3))
        covers.append(power(300 - levels))
        return TreeEnsemble(
            featureCount: featureCount, featurePrecision: .float64, sumPrecision: .float64, baseMargins: [0.25],
            transform: Transform(.identity), trees: [.init(nodes: nodes, covers: covers)])
    }

    /// With all features alike, each gets the same part of the score, however many points the quadrature takes.
    @Test(arguments: kernels, [1, 2, 7, 8, 9, 16, 17, 100, 253, 254, 255])
    func featuresAlikeShareEqually(kernel: ExplainerKernel, levels: Int) throws {
        let ensemble = Self.chain(levels: levels, featureCount: levels)
        let rows = [[Double](repeating: 0, count: levels), [Double](repeating: 2, count: levels)]
        let explained = try explained(ensemble, rows, kernel: kernel)
        let expected = 3 * Self.power(-levels)
        #expect((explained[0][0][levels] - expected - 0.25).magnitude < 1e-15)
        for feature in 0..<levels {
            #expect((explained[0][0][feature] * Double(levels) - (3 - expected)).magnitude < 1e-12)
            #expect((explained[1][0][feature] * Double(levels) + expected).magnitude < 1e-12)
        }
    }

    @Test(arguments: kernels) func deepChainsOfFewFeaturesMatchTreeSHAP(kernel: ExplainerKernel) throws {
        let ensemble = Self.chain(levels: 255, featureCount: 5)
        let rows = [[0, 0, 0, 0, 0], [0, 2, 0, 0, 0], [2, 2, 2, 2, 2]] as [[Double]]
        let explained = try explained(ensemble, rows, kernel: kernel)
        let expected = rows.map { [ExplainerOracle.byPaths(ensemble, $0, output: 0)] }
        #expect(Self.difference(explained, expected) < 1e-12)
    }

    @Test func contributionsAndBaseSumToTheScore() throws {
        var forests = ExplainerForests(seed: 5)
        (forests.depthMax, forests.leafCountMax, forests.featureCount, forests.outputCount) = (9, 90, 25, 3)
        forests.firstCategoryFeature = 20
        let ensemble = forests.ensemble(treeCount: 30)
        let rows = forests.rows(37)
        let explained = try explained(ensemble, rows)
        var raw = [Double](repeating: .nan, count: rows.count * 3)
        var outputs = raw
        try PackedForest(ensemble).withView { view in
            view.score(rows.flatMap(\.self), rowCount: rows.count, raw: &raw, outputs: &outputs)
        }
        for (sums, contributions) in zip(raw.chunks(of: 3), explained) {
            for (sum, contribution) in zip(sums, contributions) { #expect((contribution.reduce(0, +) - sum).magnitude < 1e-12) }
        }
    }

    @Test func featuresThatNoSplitTestsContributeNothing() throws {
        var ensemble = Self.chain(levels: 3, featureCount: 3)
        ensemble.featureCount = 5
        let explained = try explained(ensemble, [[0, 0, 2, 7, .nan]])[0][0]
        #expect(explained[3] == 0 && explained[4] == 0)
        #expect(explained[0] != 0)
    }

    @Test func treesOfOneLeafGoToTheBase() throws {
        let trees = [2.5, 3].map { TreeEnsemble.Tree(nodes: [.leaf($0)], covers: [0]) }
        let ensemble = TreeEnsemble(featureCount: 2, baseMargins: [1], transform: Transform(.identity), trees: trees)
        #expect(try explained(ensemble, [[1, 2], [3, .nan]]) == [[[0, 0, 6.5]], [[0, 0, 6.5]]])
    }

    @Test func aForestWithoutTreesIsItsBase() throws {
        let ensemble = TreeEnsemble(featureCount: 2, baseMargins: [1, 2], transform: Transform(.identity), trees: [])
        #expect(try explained(ensemble, [[1, 2]]) == [[[0, 0, 1], [0, 0, 2]]])
    }

    @Test func withoutCoversThereIsAReason() throws {
        let tree = TreeEnsemble.Tree(nodes: [.leaf(1)])
        _ = try PackedForest(TreeEnsemble(featureCount: 1, baseMargins: [0], transform: Transform(.identity), trees: [tree]))
            .withView { view in
                #expect(throws: ExplainerError.noCovers) { try Explainer(view) }
            }
    }

    @Test func whatTakesTooMuchMemoryIsRefused() throws {
        try PackedForest(Self.chain(levels: 20, featureCount: 20)).withView { view in
            let byteCount = try Explainer(view).byteCount
            #expect(throws: ExplainerError.tooLarge(byteCount: byteCount, limit: byteCount - 1)) {
                try Explainer(view, kernel: nil, byteCountMax: byteCount - 1, rowByteCountMax: 1 << 20)
            }
        }
    }

    /// One row at a time, by the kernel of sixteen, which is what trees get that are too large for the other one.
    @Test(arguments: kernels) func rowsOfLargeTreesAreExplainedLikeOthers(kernel: ExplainerKernel) throws {
        var forests = ExplainerForests(seed: 31)
        (forests.depthMax, forests.leafCountMax, forests.featureCount, forests.outputCount) = (20, 100, 30, 2)
        let ensemble = forests.ensemble(treeCount: 6)
        let rows = forests.rows(3)
        let expected = try explained(ensemble, rows, kernel: kernel)
        try PackedForest(ensemble).withView { view in
            let explainer = try Explainer(view, kernel: kernel, byteCountMax: 1 << 20, rowByteCountMax: 0)
            var scratch = ExplainerScratch(byteCount: explainer.scratchByteCount)
            for (row, expected) in zip(rows, expected) {
                var found = [Double](repeating: .nan, count: explainer.contributionCount)
                explainer.contributions(row, rowCount: 1, into: &found, scratch: &scratch)
                #expect(Self.difference([found.chunks(of: 31)], [expected]) < 1e-12)
            }
        }
    }

    /// Rounded to float32, a row of doubles is the row of floats.
    @Test func floatsAndDoublesAreExplainedAlike() throws {
        var forests = ExplainerForests(seed: 9)
        forests.precision = .float32
        let ensemble = forests.ensemble(treeCount: 3)
        let rows = forests.rows(20).flatMap(\.self)
        try PackedForest(ensemble).withView { view in
            let explainer = try Explainer(view)
            var scratch = ExplainerScratch(byteCount: explainer.scratchByteCount)
            var doubles = [Double](repeating: .nan, count: 20 * explainer.contributionCount)
            var floats = doubles
            explainer.contributions(rows, rowCount: 20, into: &doubles, scratch: &scratch)
            explainer.contributions(rows.map(Float.init), rowCount: 20, into: &floats, scratch: &scratch)
            #expect(doubles == floats)
        }
    }

    @Test func theStrongestReasonsComeFirst() {
        let contributions = [0.5, -2, 0, 2, 0.25, -0.5]
        func top(_ count: Int) -> [UInt32] {
            var wanted = [UInt32](repeating: 99, count: count)
            var span = wanted.mutableSpan
            let found = Explainer.topReasons(contributions.span, into: &span)
            return Array(wanted[..<found])
        }
        #expect(top(0) == [])
        #expect(top(1) == [1])
        #expect(top(3) == [1, 3, 0])
        #expect(top(8) == [1, 3, 0, 5, 4])
    }
}
