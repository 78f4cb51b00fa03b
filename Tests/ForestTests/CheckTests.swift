import Testing

@testable import Forest

/// A packed forest that comes from anywhere: what `check` admits is scored inside its memory.
@Suite struct CheckTests {
    @Test(arguments: Families.all) func packedForestsPassTheirCheck(family: Families) throws {
        for treeCount in [0, 1, 8, 20] {
            var maker = EnsembleMaker(seed: 5, featureCount: family.featureCount, options: family.options)
            let ensemble = maker.ensemble(treeCount: treeCount, depthMax: 7, outputCount: 2, transform: Transform(.softmax))
            try PackedForest(ensemble).withView { try $0.check() }
        }
    }

    /// Changes one 32-bit word of a packed forest at a time: either the check refuses it, or it scores inside its memory and as a tree of
    /// the same features would; nothing crashes.
    @Test(arguments: [EnsembleMaker.Options(), .lightGBM, .xgboost, .scikitLearn])
    func everyMutatedWordIsRefusedOrHarmless(options: EnsembleMaker.Options) throws {
        let seed: UInt64 = 99
        var maker = EnsembleMaker(seed: seed, featureCount: 5, options: options)
        let forest = try PackedForest(
            maker.ensemble(treeCount: 11, depthMax: 4, outputCount: 2, transform: Transform(.softmax)))
        let rows = maker.rows(4)
        let block = ForestBlock(forest)
        var refused = 0
        var admitted: [ForestPart: Int] = [:]
        for part in ForestPart.allCases {
            for word in 0..<(part.byteCount(in: forest.shape) / 4) {
                for _ in 0..<6 {
                    let original = block.words(of: part)[word]
                    let mutant = Self.changed(original, &maker.random)
                    block.words(of: part)[word] = mutant
                    defer { block.words(of: part)[word] = original }
                    do {
                        try block.view.check()
                        let (raw, _) = scores(block.view, rows)
                        _ = leaves(block.view, rows)
                        // What is derived from a forest of anywhere keeps inside its memory, too.
                        let scorer = ForestScorer(block.view)
                        let fast = collectScores(block.view.shape, rows) {
                            scorer.score($0, rowCount: $1, raw: &$2, outputs: &$3)
                        }
                        #expect(fast.raw.map(\.bits) == raw.map(\.bits), "seed \(seed) \(part) word \(word): \(mutant)")
                        admitted[part, default: 0] += 1
                    } catch {
                        refused += 1
                    }
                }
            }
        }
        print("forest mutants (seed \(seed)): \(refused) refused, \(admitted.values.reduce(0, +)) admitted")
        #expect(refused > 1000)
        // Where trees begin and how deep they are follows from the nodes: no other value is right.
        #expect(admitted[.roots] == nil && admitted[.groupDepths] == nil)
        #expect((admitted[.treeOutputs] == nil) == options.hasVectorLeaves)
        for part in [ForestPart.nodes, .baseMargins, .features, .thresholds, .leafValues, .leafNumbers] {
            #expect(admitted[part, default: 0] > 0, "\(part)")
        }
    }

    private static func changed(_ word: UInt32, _ random: inout SeededRandom) -> UInt32 {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return word ^ 1 << UInt32.random(in: 0..<32, using: &random)
        case 1:
            let other = UInt32.random(in: 0...UInt32.max, using: &random)
            return other == word ? ~word : other
        default: return word &+ (Bool.random(using: &random) ? 1 : .max)
        }
    }

    /// The forest of every check below: a split, a set and two leaves that are vectors.
    private func block(_ change: (ForestBlock) -> Void) -> Result<Void, ForestError> {
        let trees: [TreeEnsemble.Tree] = [
            .init(
                nodes: [
                    .split(feature: 0, threshold: 1, missingGoesLeft: true, left: 1, right: 2), .vectorLeaf([1, 2]),
                    .vectorLeaf([3, 4]),
                ], covers: [2, 1, 1]),
            .init(
                nodes: [
                    .categorySplit(feature: 1, categories: [1, 2], missingGoesLeft: true, left: 1, right: 2),
                    .vectorLeaf([1, 2]),
                    .vectorLeaf([3, 4]),
                ], covers: [2, 1, 1]),
        ]
        let ensemble = TreeEnsemble(
            featureCount: 2, baseMargins: [0, 0], transform: Transform(.identity), trees: trees)
        guard let forest = try? PackedForest(ensemble) else { preconditionFailure("the forest is sound") }
        let block = ForestBlock(forest)
        change(block)
        return Result { () throws(ForestError) in try block.view.check() }
    }

    private func expect(_ error: ForestError, _ location: SourceLocation = #_sourceLocation, _ change: (ForestBlock) -> Void) {
        #expect(throws: error, sourceLocation: location) { try block(change).get() }
    }

    @Test func eachPartsFaultsAreNamed() throws {
        try block { _ in }.get()
        expect(.paddingMalformed) { $0.words(of: .nodes)[12] = 3 }
        expect(.paddingMalformed) { $0.words(of: .leafNumbers)[4] = 1 }
        expect(.paddingMalformed) { $0.words(of: .leafValues)[9] = 0 }
        expect(.paddingMalformed) { $0.words(of: .covers)[12] = 1 }
        expect(.paddingMalformed) { $0.words(of: .roots)[7] = 0 }
        expect(.leafOrdinalWrong(tree: 0, node: 2)) { $0.words(of: .nodes)[4] = 0 }
        expect(.leafOrdinalWrong(tree: 1, node: 1)) { $0.words(of: .nodes)[8] = 9 }
        expect(.leafValueNotFinite(leaf: 1)) { $0.words(of: .leafValues)[3] = Float.infinity.bitPattern }
        expect(.coverInvalid(tree: 1, node: 0)) { $0.words(of: .covers)[7] = UInt32.max }
        expect(.thresholdOutOfRange(tree: 0, node: 0)) { $0.words(of: .nodes)[0] = 1 }
        expect(.nodeMalformed(tree: 1, node: 0)) { $0.words(of: .nodes)[6] = 1 }
        expect(.treeOutputOutOfRange(tree: 1, output: 1, outputCount: 2)) { $0.words(of: .treeOutputs)[1] = 1 }
        expect(.thresholdsInvalid(feature: 0)) { $0.words(of: .thresholds)[0] = Float.nan.bitPattern }
        expect(.thresholdsInvalid(feature: 0)) { $0.words(of: .thresholds)[0] = Float(-0.0).bitPattern }
        expect(.thresholdsInvalid(feature: 0)) { $0.words(of: .features)[0] = 2 }
        expect(.thresholdsInvalid(feature: 1)) { $0.words(of: .features)[2] = 0 }
        expect(.thresholdsInvalid(feature: 1)) { $0.words(of: .features)[3] = 2 }
        expect(.baseMarginNotFinite(output: 0)) { $0.words(of: .baseMargins)[0] = 1 }
        for word in 0..<8 { expect(.categoryFeatureInvalid(0)) { $0.words(of: .categoryFeatures)[word] += 1 } }
        expect(.categoryFeatureInvalid(0)) { $0.words(of: .categories)[0] = 2 }
        expect(.categoryFeatureInvalid(0)) { $0.words(of: .categories)[1] = 1 << 31 }
        expect(.categoryFeatureInvalid(0)) { $0.words(of: .categoryWords)[0] = 1 }
        expect(.categoryFeatureInvalid(0)) { $0.words(of: .categoryWords)[2] = 2 }
    }

    @Test func thresholdsMustAscendStrictly() throws {
        let trees = [1.0, 2, 3].map { threshold in
            TreeEnsemble.Tree(nodes: [
                .split(feature: 0, threshold: threshold, missingGoesLeft: true, left: 1, right: 2), .leaf(1), .leaf(2),
            ])
        }
        let forest = try PackedForest(
            TreeEnsemble(featureCount: 1, baseMargins: [0], transform: Transform(.identity), trees: trees))
        for thresholds in [[1, 1, 3], [1, 3, 3], [2, 1, 3], [1, 3, 2]] as [[Double]] {
            var mutant = forest
            mutant.thresholds = thresholds
            #expect(throws: ForestError.thresholdsInvalid(feature: 0)) { try mutant.withView { try $0.check() } }
        }
    }

    /// No packer makes such a tree; its last leaf is split once more here.
    @Test func treesThatAreTooDeepAreRefused() throws {
        let limit = ForestLimits.depthMax
        let nodes = (0..<limit).flatMap { level -> [TreeEnsemble.Node] in
            [.split(feature: 0, threshold: 0, missingGoesLeft: true, left: 2 * level + 2, right: 2 * level + 1), .leaf(1)]
        }
        var forest = try PackedForest(
            TreeEnsemble(
                featureCount: 1, baseMargins: [0], transform: Transform(.identity), trees: [.init(nodes: nodes + [.leaf(2)])]))
        try forest.withView { try $0.check() }
        let deepest = 2 * limit - 1
        forest.nodes[deepest] = ForestNode(key: 0, link: forest.nodes[1].link)
        forest.nodes.insert(contentsOf: [.leaf(ordinal: 0), .leaf(ordinal: 0)], at: deepest + 2)
        var leafCount = 0
        for index in forest.nodes.indices where forest.nodes[index].link == 0 {
            forest.nodes[index].key = UInt32(leafCount)
            leafCount += 1
        }
        forest.leafValues.insert(3, at: 0)
        forest.leafNumbers.insert(3, at: 0)
        forest.roots = forest.roots.map { $0 == 0 ? 0 : UInt32(forest.nodes.count - 1) }
        forest.groupDepths = [UInt32(limit + 1)]
        (forest.shape.nodeCount, forest.shape.leafCount) = (forest.nodes.count, leafCount - 1)
        #expect(throws: ForestError.tooDeep(tree: 0, limit: limit)) { try forest.withView { try $0.check() } }
    }

    @Test func countsThatNoForestHasAreRefused() throws {
        var maker = EnsembleMaker(seed: 1, featureCount: 3, options: .lightGBM)
        let sound = try PackedForest(
            maker.ensemble(treeCount: 9, depthMax: 4, outputCount: 2, transform: Transform(.identity))
        ).shape
        try sound.check()
        func expect(
            _ quantity: ForestError.Quantity, _ count: WritableKeyPath<ForestShape, Int>, _ values: [Int],
            _ location: SourceLocation = #_sourceLocation
        ) {
            for value in values {
                var shape = sound
                shape[keyPath: count] = value
                let error = #expect(throws: ForestError.self, sourceLocation: location) { try shape.check() }
                if case .countOutOfRange(quantity, let count, _) = error {
                    #expect(count == value || quantity == .slots, sourceLocation: location)
                } else {
                    Issue.record("\(String(describing: error))", sourceLocation: location)
                }
            }
        }
        expect(.features, \.featureCount, [0, -1, 8193, .max])
        expect(.outputs, \.rawCount, [0, 1025])
        expect(.trees, \.treeCount, [-1, ForestLimits.treeCountMax + 1])
        expect(.nodes, \.nodeCount, [0, 9, ForestLimits.nodeCountMax + 1])
        expect(.leaves, \.leafCount, [8, sound.nodeCount])
        expect(.thresholds, \.thresholdCount, [-1, sound.nodeCount + 1])
        expect(.slots, \.categorySlotCount, [-1, ForestLimits.slotCountMax + 1, ForestLimits.slotCountMax - 2, .max])
        expect(.categoryFeatures, \.categoryFeatureCount, [-1, 4])
        expect(.categoryWords, \.categoryWordCount, [-1, ForestLimits.categoryWordCountMax + 1])
        expect(.categories, \.categoryCount, [-1, sound.categoryWordCount + 1])
        var shape = sound
        shape.leafWidth = 3
        #expect(throws: ForestError.leafWidthInvalid(3, outputCount: 2)) { try shape.check() }
        shape.leafWidth = 0
        #expect(throws: ForestError.leafWidthInvalid(0, outputCount: 2)) { try shape.check() }
        shape.leafWidth = 2
        shape.transform.divisor = 0
        #expect(throws: ForestError.transformInvalid) { try shape.check() }
    }
}

/// A packed forest's parts in memory, exactly as long as they must be, to be changed.
private final class ForestBlock {
    private let shape: ForestShape
    private var parts: ForestParts<UnsafeMutableRawBufferPointer>

    init(_ forest: PackedForest) {
        shape = forest.shape
        parts = ForestParts(repeating: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        for part in ForestPart.allCases {
            let bytes = forest.bytes(of: part)
            parts[part] = .allocate(byteCount: bytes.count, alignment: 8)
            parts[part].copyBytes(from: bytes)
        }
    }

    deinit { for part in ForestPart.allCases { parts[part].deallocate() } }

    func words(of part: ForestPart) -> UnsafeMutableBufferPointer<UInt32> { parts[part].bindMemory(to: UInt32.self) }

    var view: ForestView {
        var pointers = ForestParts(repeating: UnsafeRawPointer(parts[.nodes].baseAddress!))
        for part in ForestPart.allCases { pointers[part] = UnsafeRawPointer(parts[part].baseAddress!) }
        return ForestView(shape: shape, parts: pointers)
    }
}
