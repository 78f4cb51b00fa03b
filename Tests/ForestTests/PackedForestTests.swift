import Testing

@testable import Forest

/// The layout that a bundle stores, number by number.
@Suite struct PackedForestTests {
    /// Three trees over three features: numbers, missing both ways, a zero that is missing, a set of categories.
    private func ensemble(_ featurePrecision: Precision = .float32, _ sumPrecision: Precision = .float32) -> TreeEnsemble {
        let trees: [TreeEnsemble.Tree] = [
            .init(
                nodes: [
                    .split(feature: 0, threshold: 2, missingGoesLeft: true, left: 1, right: 2),
                    .split(feature: 1, threshold: 1, missingGoesLeft: false, left: 3, right: 4), .leaf(10), .leaf(20), .leaf(30),
                ], weight: 0.5, numbers: [100, 101, 102, 103, 104], covers: [7, 4, 3, 1, 3]),
            .init(
                nodes: [
                    .categorySplit(feature: 2, categories: [3, 5], missingGoesLeft: false, left: 2, right: 1), .leaf(1), .leaf(2),
                ], covers: [7, 5, 2]),
            .init(
                nodes: [.split(feature: 0, threshold: 1, missingGoesLeft: false, left: 1, right: 2), .leaf(3), .leaf(4)],
                covers: [7, 6, 1]),
        ]
        return TreeEnsemble(
            featureCount: 3, featurePrecision: featurePrecision, sumPrecision: sumPrecision,
            inputRules: .init(zeroIsMissing: [1]), baseMargins: [0.5], transform: Transform(.identity), trees: trees)
    }

    @Test func everyPartIsAsDescribed() throws {
        let forest = try PackedForest(ensemble())
        // Ten bits of slot: feature f has 1 + 2f and 2 + 2f, the set has 7.
        func split(_ key: UInt32, slot: UInt32, distance: UInt32) -> ForestNode {
            ForestNode(key: key, link: distance << 10 | slot)
        }
        func leaf(_ ordinal: UInt32) -> ForestNode { ForestNode(key: ordinal, link: 0) }
        #expect(
            forest.nodes == [
                split(1, slot: 1, distance: 1), split(0, slot: 4, distance: 2), leaf(0), leaf(1), leaf(2),
                split(0, slot: 7, distance: 1), leaf(3), leaf(4), split(0, slot: 2, distance: 1), leaf(5), leaf(6), leaf(7),
            ])
        #expect(forest.roots == [0, 5, 8, 11, 11, 11, 11, 11])
        #expect(forest.treeOutputs == [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(forest.groupDepths == [2])
        #expect(forest.baseMargins == [0.5])
        #expect(forest.features.map(\.thresholdEnd) == [2, 3, 3])
        #expect(forest.features.map(\.flags) == [0, 1, 0])
        #expect(forest.thresholds == [1, 2, 1])
        #expect(forest.leafValues.bits == [5, 10, 15, 2, 1, 3, 4, -0.0].bits)
        #expect(forest.leafNumbers == [102, 103, 104, 2, 1, 1, 2, 0])
        #expect(forest.covers == [7, 4, 3, 1, 3, 7, 2, 5, 7, 6, 1, 0])
        #expect(
            forest.categoryFeatures == [
                PackedCategoryFeature(
                    feature: 2, firstSlot: 7, slotCount: 1, firstCategory: 0, categoryCount: 2, firstWord: 0, wordCount: 1)
            ])
        #expect(forest.categories == [3, 5])
        // Unknown values go left, missing ones right, members right.
        #expect(forest.categoryWords == [0, 1, 1, 1])
    }

    @Test func theShapeCountsThem() throws {
        let shape = try PackedForest(ensemble()).shape
        #expect((shape.featureCount, shape.rawCount, shape.outputCount, shape.leafWidth) == (3, 1, 1, 1))
        #expect((shape.treeCount, shape.nodeCount, shape.leafCount, shape.thresholdCount) == (3, 12, 7, 3))
        #expect((shape.paddedTreeCount, shape.groupCount, shape.leafValueCount, shape.coverCount) == (8, 1, 8, 12))
        #expect((shape.categoryFeatureCount, shape.categoryCount, shape.categoryWordCount) == (1, 2, 4))
        #expect((shape.categorySlotCount, shape.slotCount, shape.slotBitCount) == (1, 8, 10))
        #expect(shape.hasCovers)
        // Eight trees of two levels, and three leaves.
        #expect(try PackedForest(ensemble()).withView(\.stepsPerRow) == 19)
    }

    @Test(arguments: Precision.allCases, Precision.allCases)
    func bytesAreLittleEndianNumbersOfTheirPrecision(_ featurePrecision: Precision, _ sumPrecision: Precision) throws {
        let forest = try PackedForest(ensemble(featurePrecision, sumPrecision))
        for part in ForestPart.allCases {
            #expect(forest.bytes(of: part).count == part.byteCount(in: forest.shape), "\(part)")
        }
        func words(_ part: ForestPart) -> [UInt32] {
            let bytes = forest.bytes(of: part)
            return stride(from: 0, to: bytes.count, by: 4).map { at in
                (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
            }
        }
        func words(_ values: [Double], _ precision: Precision) -> [UInt32] {
            precision == .float32
                ? values.map { Float($0).bitPattern }
                : values.flatMap { [UInt32(truncatingIfNeeded: $0.bitPattern), UInt32($0.bitPattern >> 32)] }
        }
        #expect(words(.nodes) == forest.nodes.flatMap { [$0.key, $0.link] })
        #expect(words(.roots) == forest.roots)
        #expect(words(.treeOutputs) == forest.treeOutputs)
        #expect(words(.groupDepths) == forest.groupDepths)
        #expect(words(.baseMargins) == words([0.5], .float64))
        #expect(words(.features) == [2, 0, 3, 1, 3, 0])
        #expect(words(.thresholds) == words([1, 2, 1], featurePrecision))
        #expect(words(.leafValues) == words([5, 10, 15, 2, 1, 3, 4, -0.0], sumPrecision))
        #expect(words(.leafNumbers) == forest.leafNumbers)
        #expect(words(.covers) == words(forest.covers, .float64))
        #expect(words(.categoryFeatures) == [2, 7, 1, 0, 2, 0, 1, 0])
        #expect(words(.categories) == [3, 5])
        #expect(words(.categoryWords) == [0, 1, 1, 1])
    }

    @Test func coversAreKnownOfAllTreesOrOfNone() throws {
        var ensemble = ensemble()
        ensemble.trees[1].covers = []
        let forest = try PackedForest(ensemble)
        #expect(!forest.shape.hasCovers)
        #expect(forest.covers.isEmpty)
        #expect(forest.bytes(of: .covers).isEmpty)
        try forest.withView { try $0.check() }
    }

    @Test func thresholdsOfAFeatureAreKeptOnceAndZerosAreOne() throws {
        let trees = [0.0, -0.0, 3, 3, -1].map { threshold in
            TreeEnsemble.Tree(nodes: [
                .split(feature: 0, threshold: threshold, missingGoesLeft: true, left: 1, right: 2), .leaf(1), .leaf(2),
            ])
        }
        let forest = try PackedForest(
            TreeEnsemble(featureCount: 1, baseMargins: [0], transform: Transform(.identity), trees: trees))
        #expect(forest.thresholds.bits == [-1, 0, 3].bits)
        #expect((0..<5).map { forest.nodes[3 * $0].key } == [1, 1, 2, 2, 0])
    }

    /// A link's low bits are as many as the slots need, ten at least.
    @Test(arguments: [(1, 10), (511, 10), (512, 11), (1023, 11), (1024, 12), (8192, 15)])
    func slotBitsGrowWithTheFeatures(featureCount: Int, bitCount: Int) throws {
        let split = TreeEnsemble.Node.split(
            feature: featureCount - 1, threshold: 0, missingGoesLeft: false, left: 1, right: 2)
        let forest = try PackedForest(
            TreeEnsemble(
                featureCount: featureCount, baseMargins: [0], transform: Transform(.identity),
                trees: [.init(nodes: [split, .leaf(1), .leaf(2)])]))
        #expect(forest.shape.slotBitCount == bitCount)
        #expect(forest.nodes[0].link == 1 << UInt32(bitCount) | UInt32(2 * featureCount))
    }

    @Test func aForestOfNoTreesIsItsMargins() throws {
        let ensemble = TreeEnsemble(featureCount: 2, baseMargins: [1, 2], transform: Transform(.identity), trees: [])
        let forest = try PackedForest(ensemble)
        #expect(forest.nodes.count == 1)
        #expect(forest.shape.leafCount == 0)
        #expect(try packedScores(ensemble, [[0, 0], [.nan, 1]]).raw == [[1, 2], [1, 2]])
        #expect(try packedLeaves(ensemble, [[0, 0]]) == [[]])
    }
}
