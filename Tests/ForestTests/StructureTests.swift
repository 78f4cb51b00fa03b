import Forest
import Testing

@Suite struct StructureTests {
    private typealias Node = TreeEnsemble.Node

    private static func split(_ left: Int, _ right: Int, feature: Int = 0, threshold: Float = 0) -> Node {
        .split(feature: feature, threshold: threshold, missingGoesLeft: true, left: left, right: right)
    }

    private func pack(_ nodes: [Node], output: Int = 0, weight: Float = 1) throws {
        let tree = TreeEnsemble.Tree(nodes: nodes, output: output, weight: weight)
        _ = try PackedForest(TreeEnsemble(featureCount: 2, baseMargins: [0], transform: .identity, trees: [tree]))
    }

    @Test func impossibleTreesAreRefusedWithTheirPlace() {
        let leaf = Node.leaf(1)
        #expect(throws: ForestError.treeEmpty(tree: 0)) { try pack([]) }
        #expect(throws: ForestError.treeOutputOutOfRange(tree: 0, output: 1, outputCount: 1)) { try pack([leaf], output: 1) }
        #expect(throws: ForestError.leafNotFinite(tree: 0, node: 0)) { try pack([.leaf(.nan)]) }
        #expect(throws: ForestError.leafNotFinite(tree: 0, node: 0)) { try pack([.leaf(3e38)], weight: 2) }
        #expect(throws: ForestError.featureOutOfRange(tree: 0, node: 0, feature: 2, featureCount: 2)) {
            try pack([Self.split(1, 2, feature: 2), leaf, leaf])
        }
        #expect(throws: ForestError.featureOutOfRange(tree: 0, node: 0, feature: -1, featureCount: 2)) {
            try pack([Self.split(1, 2, feature: -1), leaf, leaf])
        }
        for threshold in [Float.nan, .infinity, -.infinity] {
            #expect(throws: ForestError.thresholdNotFinite(tree: 0, node: 0)) {
                try pack([Self.split(1, 2, threshold: threshold), leaf, leaf])
            }
        }
        #expect(throws: ForestError.childOutOfRange(tree: 0, node: 0, child: 3)) { try pack([Self.split(1, 3), leaf, leaf]) }
        #expect(throws: ForestError.childOutOfRange(tree: 0, node: 0, child: -1)) { try pack([Self.split(-1, 1), leaf, leaf]) }
        #expect(throws: ForestError.nodeReachedTwice(tree: 0, node: 1)) { try pack([Self.split(1, 1), leaf]) }
        #expect(throws: ForestError.nodeReachedTwice(tree: 0, node: 0)) {
            try pack([Self.split(1, 2), Self.split(0, 3), leaf, leaf])
        }
    }

    @Test func depthIsBounded() throws {
        func chain(_ depth: Int) -> [Node] {
            (0..<depth).flatMap { [Self.split(2 * $0 + 2, 2 * $0 + 1), Node.leaf(0)] } + [.leaf(1)]
        }
        #expect(throws: Never.self) { try pack(chain(ForestLimits.depthMax)) }
        #expect(throws: ForestError.tooDeep(tree: 0, limit: ForestLimits.depthMax)) { try pack(chain(ForestLimits.depthMax + 1)) }
    }

    @Test func countsAreBounded() {
        func pack(features: Int, margins: [Float]) throws {
            _ = try PackedForest(TreeEnsemble(featureCount: features, baseMargins: margins, transform: .identity, trees: []))
        }
        #expect(throws: ForestError.countOutOfRange(.features, count: 0, limit: 1)) { try pack(features: 0, margins: [0]) }
        #expect(throws: ForestError.countOutOfRange(.features, count: 8193, limit: 8192)) {
            try pack(features: 8193, margins: [0])
        }
        #expect(throws: ForestError.countOutOfRange(.outputs, count: 0, limit: 1)) { try pack(features: 1, margins: []) }
        #expect(throws: ForestError.baseMarginNotFinite(output: 1)) { try pack(features: 1, margins: [0, .nan]) }
    }

    /// Changes one 32-bit word of a packed forest at a time: either the check refuses it, or it scores inside its memory and as a tree of
    /// the same features would; nothing crashes.
    @Test func everyMutatedWordIsRefusedOrHarmless() throws {
        let seed: UInt64 = 99
        var maker = EnsembleMaker(seed: seed, featureCount: 5)
        let forest = try PackedForest(maker.ensemble(treeCount: 11, depthMax: 5, outputCount: 2, transform: .softmax))
        let rows = maker.rows(4)
        var refused = 0
        var admitted = 0
        for word in 0..<(2 * forest.nodes.count + forest.roots.count + forest.treeOutputs.count + forest.groupDepths.count + 2) {
            for _ in 0..<6 {
                var mutant = MutableForest(forest)
                mutant.mutate(word: word, with: &maker.random)
                // Where trees begin and how deep they are follows from the nodes: no other value is right.
                let isDerived = mutant.roots != forest.roots || mutant.groupDepths != forest.groupDepths
                mutant.withView { view in
                    do {
                        try view.check()
                        _ = scores(view, rows)
                        admitted += 1
                        #expect(!isDerived, "seed \(seed) word \(word)")
                    } catch {
                        refused += 1
                    }
                }
            }
        }
        print("forest mutants (seed \(seed)): \(refused) refused, \(admitted) admitted")
        #expect(refused > 1000)
        #expect(admitted > 1000)
    }

    @Test func packedForestsPassTheirCheck() throws {
        for treeCount in [0, 1, 8, 20] {
            var maker = EnsembleMaker(seed: 5, featureCount: 700)
            let forest = try PackedForest(maker.ensemble(treeCount: treeCount, depthMax: 7, outputCount: 1, transform: .identity))
            try forest.withView { try $0.check() }
        }
    }
}

/// The words of a packed forest, to be changed.
private struct MutableForest {
    let shape: ForestShape
    var nodes: [UInt32]
    var roots: [UInt32]
    var treeOutputs: [UInt32]
    var groupDepths: [UInt32]
    var baseMargins: [UInt32]

    init(_ forest: PackedForest) {
        shape = forest.shape
        nodes = forest.nodes.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
        roots = forest.roots
        treeOutputs = forest.treeOutputs
        groupDepths = forest.groupDepths
        baseMargins = forest.baseMargins.map(\.bitPattern)
    }

    mutating func mutate(word: Int, with random: inout SeededRandom) {
        var index = word
        for part in [\MutableForest.nodes, \.roots, \.treeOutputs, \.groupDepths, \.baseMargins] {
            if index < self[keyPath: part].count {
                switch Int.random(in: 0..<3, using: &random) {
                case 0: self[keyPath: part][index] ^= 1 << UInt32.random(in: 0..<32, using: &random)
                case 1: self[keyPath: part][index] = UInt32.random(in: 0...UInt32.max, using: &random)
                default: self[keyPath: part][index] &+= Bool.random(using: &random) ? 1 : .max
                }
                return
            }
            index -= self[keyPath: part].count
        }
    }

    func withView(_ body: (ForestView) -> Void) {
        nodes.withUnsafeBytes { nodes in
            roots.withUnsafeBytes { roots in
                treeOutputs.withUnsafeBytes { treeOutputs in
                    groupDepths.withUnsafeBytes { groupDepths in
                        baseMargins.withUnsafeBytes { baseMargins in
                            body(
                                ForestView(
                                    shape: shape, nodes: nodes.baseAddress!, roots: roots.baseAddress!,
                                    treeOutputs: treeOutputs.baseAddress!, groupDepths: groupDepths.baseAddress!,
                                    baseMargins: baseMargins.baseAddress!))
                        }
                    }
                }
            }
        }
    }
}
