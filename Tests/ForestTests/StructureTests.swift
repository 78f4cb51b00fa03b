import Forest
import Testing

/// What the packer refuses, and where it says the fault is.
@Suite struct StructureTests {
    private typealias Node = TreeEnsemble.Node

    private static func split(_ left: Int, _ right: Int, feature: Int = 0, threshold: Double = 0) -> Node {
        .split(feature: feature, threshold: threshold, missingGoesLeft: true, left: left, right: right)
    }

    private static func categorySplit(_ categories: [UInt32], feature: Int = 0, left: Int = 1, right: Int = 2) -> Node {
        .categorySplit(feature: feature, categories: categories, missingGoesLeft: true, left: left, right: right)
    }

    private func pack(
        _ nodes: [Node], output: Int = 0, weight: Double = 1, numbers: [UInt32] = [], covers: [Double] = [],
        margins: [Double] = [0], featurePrecision: Precision = .float32, sumPrecision: Precision = .float32
    ) throws {
        let tree = TreeEnsemble.Tree(nodes: nodes, output: output, weight: weight, numbers: numbers, covers: covers)
        _ = try PackedForest(
            TreeEnsemble(
                featureCount: 2, featurePrecision: featurePrecision, sumPrecision: sumPrecision, baseMargins: margins,
                transform: Transform(.identity), trees: [tree]))
    }

    @Test func impossibleTreesAreRefusedWithTheirPlace() {
        let leaf = Node.leaf(1)
        #expect(throws: ForestError.treeEmpty(tree: 0)) { try pack([]) }
        for output in [1, -1] {
            #expect(throws: ForestError.treeOutputOutOfRange(tree: 0, output: output, outputCount: 1)) {
                try pack([leaf], output: output)
            }
        }
        for feature in [2, -1] {
            for node in [Self.split(1, 2, feature: feature), Self.categorySplit([1], feature: feature)] {
                #expect(throws: ForestError.featureOutOfRange(tree: 0, node: 0, feature: feature, featureCount: 2)) {
                    try pack([node, leaf, leaf])
                }
            }
        }
        #expect(throws: ForestError.childOutOfRange(tree: 0, node: 0, child: 3)) { try pack([Self.split(1, 3), leaf, leaf]) }
        #expect(throws: ForestError.childOutOfRange(tree: 0, node: 0, child: -1)) { try pack([Self.split(-1, 1), leaf, leaf]) }
        #expect(throws: ForestError.childOutOfRange(tree: 0, node: 0, child: 9)) {
            try pack([Self.categorySplit([1], right: 9), leaf, leaf])
        }
        #expect(throws: ForestError.nodeReachedTwice(tree: 0, node: 1)) { try pack([Self.split(1, 1), leaf]) }
        #expect(throws: ForestError.nodeReachedTwice(tree: 0, node: 0)) {
            try pack([Self.split(1, 2), Self.split(0, 3), leaf, leaf])
        }
        // Round in a circle on the leftmost path.
        #expect(throws: ForestError.nodeReachedTwice(tree: 0, node: 0)) { try pack([Self.split(0, 1), leaf]) }
    }

    @Test func leavesMustBeFiniteInTheirPrecision() {
        let refusal = ForestError.leafNotFinite(tree: 0, node: 0)
        for value in [Double.nan, .infinity, -.infinity] {
            for precision in Precision.allCases {
                #expect(throws: refusal) { try pack([.leaf(value)], sumPrecision: precision) }
                #expect(throws: refusal) { try pack([.vectorLeaf([value])], sumPrecision: precision) }
                #expect(throws: refusal) { try pack([.leaf(1)], weight: value, sumPrecision: precision) }
            }
        }
        #expect(throws: refusal) { try pack([.leaf(3e38)], weight: 2) }
        #expect(throws: refusal) { try pack([.leaf(1e39)]) }
        #expect(throws: refusal) { try pack([.leaf(0.5)], weight: 1e39) }
        #expect(throws: Never.self) { try pack([.leaf(1e39)], sumPrecision: .float64) }
        #expect(throws: refusal) { try pack([.leaf(1e200)], weight: 1e200, sumPrecision: .float64) }
    }

    @Test func thresholdsMustBeNumbersOfTheirPrecision() {
        let refusal = ForestError.thresholdNotFinite(tree: 0, node: 0)
        for threshold in [Double.nan, .infinity, -.infinity] {
            for precision in Precision.allCases {
                #expect(throws: refusal) {
                    try pack([Self.split(1, 2, threshold: threshold), .leaf(1), .leaf(2)], featurePrecision: precision)
                }
            }
        }
        for threshold in [0.1, 1e39, 1e-50] {
            #expect(throws: refusal) { try pack([Self.split(1, 2, threshold: threshold), .leaf(1), .leaf(2)]) }
            #expect(throws: Never.self) {
                try pack([Self.split(1, 2, threshold: threshold), .leaf(1), .leaf(2)], featurePrecision: .float64)
            }
        }
    }

    @Test func categoriesMustAscendInRange() {
        let most = UInt32(ForestLimits.categoryMax)
        for categories in [[2, 1], [1, 1], [0, 3, 3], [most + 1], [5, .max]] as [[UInt32]] {
            #expect(throws: ForestError.categoriesInvalid(tree: 0, node: 0)) {
                try pack([Self.categorySplit(categories), .leaf(1), .leaf(2)])
            }
        }
        for categories in [[], [0], [most], [0, 1, most]] as [[UInt32]] {
            #expect(throws: Never.self) { try pack([Self.categorySplit(categories), .leaf(1), .leaf(2)]) }
        }
    }

    @Test func vectorLeavesHaveAValueForEachOutput() {
        func expectRefused(_ nodes: [Node], node: Int, _ margins: [Double], _ location: SourceLocation = #_sourceLocation) {
            #expect(throws: ForestError.leafWidthWrong(tree: 0, node: node), sourceLocation: location) {
                try pack(nodes, margins: margins)
            }
        }
        expectRefused([.vectorLeaf([1])], node: 0, [0, 0])
        expectRefused([.vectorLeaf([1, 2, 3])], node: 0, [0, 0])
        expectRefused([.vectorLeaf([])], node: 0, [0])
        expectRefused([Self.split(1, 2), .vectorLeaf([1, 2]), .leaf(1)], node: 2, [0, 0])
        expectRefused([Self.split(1, 2), .leaf(1), .vectorLeaf([1, 2])], node: 2, [0, 0])
    }

    @Test func tablesOfNodesMustBeWhole() {
        let nodes = [Self.split(1, 2), .leaf(1), .leaf(2)]
        for count in [1, 2, 4] {
            let refusal = ForestError.treeTableCount(tree: 0, count: count, nodeCount: 3)
            #expect(throws: refusal) { try pack(nodes, numbers: .init(repeating: 0, count: count)) }
            #expect(throws: refusal) { try pack(nodes, covers: .init(repeating: 1, count: count)) }
        }
        for (node, cover) in [(0, Double.nan), (1, -1), (2, .infinity)] {
            var covers = [1.0, 1, 1]
            covers[node] = cover
            #expect(throws: ForestError.coverInvalid(tree: 0, node: node)) { try pack(nodes, covers: covers) }
        }
        #expect(throws: Never.self) { try pack(nodes, covers: [0, 0, 0]) }
    }

    @Test func depthIsBounded() throws {
        func chain(_ depth: Int) -> [Node] {
            (0..<depth).flatMap { [Self.split(2 * $0 + 2, 2 * $0 + 1), Node.leaf(0)] } + [.leaf(1)]
        }
        #expect(throws: Never.self) { try pack(chain(ForestLimits.depthMax)) }
        #expect(throws: ForestError.tooDeep(tree: 0, limit: ForestLimits.depthMax)) { try pack(chain(ForestLimits.depthMax + 1)) }
        let deepest = TreeEnsemble(
            featureCount: 1, baseMargins: [0], transform: Transform(.identity),
            trees: [.init(nodes: chain(ForestLimits.depthMax))])
        #expect(try packedScores(deepest, [[-1.0], [1.0]]).raw == [[1], [0]])
    }

    @Test func countsAreBounded() {
        func pack(features: Int = 1, margins: [Double] = [0], trees: Int = 0, precision: Precision = .float32) throws {
            let tree = TreeEnsemble.Tree(nodes: [.leaf(1)])
            _ = try PackedForest(
                TreeEnsemble(
                    featureCount: features, sumPrecision: precision, baseMargins: margins, transform: Transform(.identity),
                    trees: .init(repeating: tree, count: trees)))
        }
        #expect(throws: ForestError.countOutOfRange(.features, count: 0, limit: 1)) { try pack(features: 0) }
        #expect(throws: ForestError.countOutOfRange(.features, count: 8193, limit: 8192)) { try pack(features: 8193) }
        #expect(throws: ForestError.countOutOfRange(.outputs, count: 0, limit: 1)) { try pack(margins: []) }
        #expect(throws: ForestError.countOutOfRange(.outputs, count: 1025, limit: 1024)) {
            try pack(margins: .init(repeating: 0, count: 1025))
        }
        let treeLimit = ForestLimits.treeCountMax
        #expect(throws: ForestError.countOutOfRange(.trees, count: treeLimit + 1, limit: treeLimit)) {
            try pack(trees: treeLimit + 1)
        }
        for margin in [Double.nan, .infinity] {
            #expect(throws: ForestError.baseMarginNotFinite(output: 1)) { try pack(margins: [0, margin]) }
        }
        #expect(throws: ForestError.baseMarginNotFinite(output: 0)) { try pack(margins: [1e39]) }
        #expect(throws: Never.self) { try pack(margins: [1e39], precision: .float64) }
    }

    /// A tree of so many leaves whose splits each have a set of one category of their own.
    private func setsOfOneCategory(_ count: Int) -> TreeEnsemble {
        let splits = (0..<count).map { Self.categorySplit([UInt32($0)], left: 2 * $0 + 1, right: 2 * $0 + 2) }
        return TreeEnsemble(
            featureCount: 1, baseMargins: [0], transform: Transform(.identity),
            trees: [.init(nodes: splits + .init(repeating: .leaf(0), count: count + 1))])
    }

    @Test func categorySlotsAndWordsAreBounded() {
        let slots = ForestLimits.slotCountMax
        #expect(throws: ForestError.countOutOfRange(.slots, count: slots + 1, limit: slots)) {
            try PackedForest(setsOfOneCategory(slots - 2))
        }
        // As many words for each of the categories, the unknown and the missing as the sets have bits.
        let count = 47_000
        let words = (count + 2) * ((count + 31) / 32)
        let limit = ForestLimits.categoryWordCountMax
        #expect(throws: ForestError.countOutOfRange(.categoryWords, count: words, limit: limit)) {
            try PackedForest(setsOfOneCategory(count))
        }
    }

    @Test func aLinkReachesAsFarAsItsBitsSay() throws {
        // With 8192 features 17 bits are left; on a complete tree's lowest splits a child is as far as the level is wide.
        func complete(_ depth: Int) -> TreeEnsemble {
            let count = 1 << depth - 1
            let nodes = (0..<count).map { Self.split(2 * $0 + 1, 2 * $0 + 2) } + .init(repeating: .leaf(1), count: count + 1)
            return TreeEnsemble(
                featureCount: 8192, baseMargins: [0], transform: Transform(.identity), trees: [.init(nodes: nodes)])
        }
        #expect(throws: Never.self) { try PackedForest(complete(17)) }
        #expect(throws: ForestError.linkTooLong(tree: 0, node: 1 << 17 - 1, distance: 1 << 17, limit: 1 << 17 - 1)) {
            try PackedForest(complete(18))
        }
    }
}
