/// Lays trees out level by level, siblings side by side, and checks every node on the way.
///
/// What a split compares with is known only when all splits are: `finish` numbers thresholds and category sets and writes the links.
struct ForestPacker {
    private let ensemble: TreeEnsemble
    private let outputCount: Int
    private let hasVectorLeaves: Bool
    private let leafWidth: Int
    private let hasCovers: Bool
    private var packed: PackedForest
    private var splits: [PendingSplit] = []

    /// A split whose key and slot are not known yet.
    struct PendingSplit {
        let place: Int
        let distance: Int
        let feature: Int
        let test: Test
        let missingGoesLeft: Bool
        /// For errors.
        let tree: Int
        let node: Int

        enum Test {
            case threshold(Double)
            case categories([UInt32])
        }
    }

    init(_ ensemble: TreeEnsemble) throws(ForestError) {
        self.ensemble = ensemble
        outputCount = ensemble.baseMargins.count
        try ForestShape.check(.features, ensemble.featureCount, 1...ForestLimits.featureCountMax)
        try ForestShape.check(.outputs, outputCount, 1...ForestLimits.outputCountMax)
        try ForestShape.check(.trees, ensemble.trees.count, 0...ForestLimits.treeCountMax)
        let baseMargins = ensemble.baseMargins.map { $0.rounded(to: ensemble.sumPrecision) }
        for (output, margin) in baseMargins.enumerated() where !margin.isFinite { throw .baseMarginNotFinite(output: output) }
        hasVectorLeaves = ensemble.hasVectorLeaves
        leafWidth = hasVectorLeaves ? outputCount : 1
        hasCovers = !ensemble.trees.isEmpty && ensemble.trees.allSatisfy { !$0.covers.isEmpty }
        let shape = ForestShape(
            featureCount: ensemble.featureCount, featurePrecision: ensemble.featurePrecision, sumPrecision: ensemble.sumPrecision,
            flushesTiny: ensemble.inputRules.flushesTiny, categoryRule: ensemble.inputRules.categories, rawCount: outputCount,
            leafWidth: leafWidth, transform: ensemble.transform, treeCount: ensemble.trees.count, nodeCount: 0, leafCount: 0,
            thresholdCount: 0, categoryFeatureCount: 0, categoryCount: 0, categoryWordCount: 0, categorySlotCount: 0,
            hasCovers: hasCovers)
        guard shape.transform.isValid(in: shape.sumPrecision) else { throw .transformInvalid }
        packed = PackedForest(shape: shape, baseMargins: baseMargins)
    }

    /// A node of the tree being packed, waiting for its children to get their places.
    private struct Waiting {
        let source: Int
        let place: Int
    }

    mutating func append(_ tree: TreeEnsemble.Tree, index: Int) throws(ForestError) {
        guard !tree.nodes.isEmpty else { throw .treeEmpty(tree: index) }
        let output = hasVectorLeaves ? 0 : tree.output
        guard (0..<outputCount).contains(output) else {
            throw .treeOutputOutOfRange(tree: index, output: output, outputCount: outputCount)
        }
        for count in [tree.numbers.count, tree.covers.count] where count != 0 && count != tree.nodes.count {
            throw .treeTableCount(tree: index, count: count, nodeCount: tree.nodes.count)
        }
        packed.roots.append(UInt32(packed.nodes.count))
        packed.treeOutputs.append(UInt32(output))
        var isReached = [Bool](repeating: false, count: tree.nodes.count)
        isReached[0] = true
        var level = [Waiting(source: 0, place: packed.nodes.count)]
        packed.nodes.append(.leaf(ordinal: 0))
        var depth = 0
        while !level.isEmpty {
            guard depth <= ForestLimits.depthMax else { throw .tooDeep(tree: index, limit: ForestLimits.depthMax) }
            level = try place(level, of: tree, index: index, isReached: &isReached)
            depth += 1
        }
        note(depth: depth - 1, tree: index)
    }

    /// Writes the nodes of one level, gives their children places, and returns those.
    private mutating func place(
        _ level: [Waiting], of tree: TreeEnsemble.Tree, index: Int, isReached: inout [Bool]
    ) throws(ForestError) -> [Waiting] {
        var next: [Waiting] = []
        for node in level {
            if hasCovers {
                let cover = tree.covers[node.source]
                guard cover.isFinite, cover >= 0 else { throw .coverInvalid(tree: index, node: node.source) }
                packed.covers.append(cover)
            }
            switch tree.nodes[node.source] {
            case .leaf(let value): try place(leaf: CollectionOfOne(value), node.source, node.place, tree, index)
            case .vectorLeaf(let values): try place(leaf: values, node.source, node.place, tree, index)
            case .split(let feature, let threshold, let missingGoesLeft, let left, let right):
                guard threshold.isFinite, threshold.rounded(to: ensemble.featurePrecision) == threshold else {
                    throw .thresholdNotFinite(tree: index, node: node.source)
                }
                try place(
                    split: feature, .threshold(threshold), missingGoesLeft, [left, right], node, tree, index, &isReached, &next)
            case .categorySplit(let feature, let categories, let missingGoesLeft, let left, let right):
                guard CategoryTable.isValid(categories) else { throw .categoriesInvalid(tree: index, node: node.source) }
                try place(
                    split: feature, .categories(categories), missingGoesLeft, [left, right], node, tree, index, &isReached, &next)
            }
        }
        try ForestShape.check(.nodes, packed.nodes.count + 1, 1...ForestLimits.nodeCountMax)
        return next
    }

    private mutating func place(
        leaf values: some Collection<Double>, _ source: Int, _ place: Int, _ tree: TreeEnsemble.Tree, _ index: Int
    ) throws(ForestError) {
        guard values.count == leafWidth else { throw .leafWidthWrong(tree: index, node: source) }
        packed.nodes[place] = .leaf(ordinal: packed.leafNumbers.count)
        packed.leafNumbers.append(tree.numbers.isEmpty ? UInt32(source) : tree.numbers[source])
        for value in values {
            let weighted = ensemble.sumPrecision.product(value, tree.weight)
            guard weighted.isFinite else { throw .leafNotFinite(tree: index, node: source) }
            packed.leafValues.append(weighted)
        }
    }

    private mutating func place(
        split feature: Int, _ test: PendingSplit.Test, _ missingGoesLeft: Bool, _ children: [Int], _ node: Waiting,
        _ tree: TreeEnsemble.Tree, _ index: Int, _ isReached: inout [Bool], _ next: inout [Waiting]
    ) throws(ForestError) {
        guard (0..<ensemble.featureCount).contains(feature) else {
            throw .featureOutOfRange(tree: index, node: node.source, feature: feature, featureCount: ensemble.featureCount)
        }
        for child in children {
            guard tree.nodes.indices.contains(child) else { throw .childOutOfRange(tree: index, node: node.source, child: child) }
            guard !isReached[child] else { throw .nodeReachedTwice(tree: index, node: child) }
            isReached[child] = true
            next.append(Waiting(source: child, place: packed.nodes.count))
            packed.nodes.append(.leaf(ordinal: 0))
        }
        splits.append(
            PendingSplit(
                place: node.place, distance: packed.nodes.count - 2 - node.place, feature: feature, test: test,
                missingGoesLeft: missingGoesLeft, tree: index, node: node.source))
    }

    private mutating func note(depth: Int, tree: Int) {
        if tree % ForestShape.groupTreeCount == 0 { packed.groupDepths.append(0) }
        packed.groupDepths[packed.groupDepths.count - 1] = max(packed.groupDepths[packed.groupDepths.count - 1], UInt32(depth))
    }

    /// Numbers thresholds and category sets, writes the splits, and pads.
    consuming func finish() throws(ForestError) -> PackedForest {
        let thresholds = ThresholdTable(splits, featureCount: ensemble.featureCount)
        let categories = try CategoryTable(splits, featureCount: ensemble.featureCount)
        packed.thresholds = thresholds.values
        packed.features = thresholds.ends.enumerated().map { feature, end in
            PackedFeature(
                thresholdEnd: UInt32(end),
                flags: ensemble.inputRules.zeroIsMissing.contains(feature) ? PackedFeature.zeroIsMissing : 0)
        }
        packed.categoryFeatures = categories.features
        packed.categories = categories.categories
        packed.categoryWords = categories.words
        pad()
        complete(thresholds, categories)
        try packed.shape.check()
        let slotBitCount = packed.shape.slotBitCount
        let limit = 1 << (32 - slotBitCount) - 1
        for split in splits {
            guard split.distance <= limit else {
                throw .linkTooLong(tree: split.tree, node: split.node, distance: split.distance, limit: limit)
            }
            let slot: Int
            let key: Int
            switch split.test {
            case .threshold(let threshold):
                slot = Slot.of(feature: split.feature, missingGoesLeft: split.missingGoesLeft)
                key = thresholds.index(of: threshold, feature: split.feature)
            case .categories(let set):
                slot = categories.slot(of: set, feature: split.feature, missingGoesLeft: split.missingGoesLeft)
                key = 0
            }
            packed.nodes[split.place] = ForestNode(key: UInt32(key), link: UInt32(split.distance << slotBitCount | slot))
        }
        return packed
    }

    private mutating func pad() {
        let padding = packed.nodes.count
        packed.nodes.append(.leaf(ordinal: packed.leafNumbers.count))
        packed.leafNumbers.append(0)
        packed.leafValues += [Double](repeating: -0.0, count: leafWidth)
        if hasCovers { packed.covers.append(0) }
        while packed.roots.count % ForestShape.groupTreeCount != 0 {
            packed.roots.append(UInt32(padding))
            packed.treeOutputs.append(0)
        }
    }

    private mutating func complete(_ thresholds: ThresholdTable, _ categories: CategoryTable) {
        packed.shape.nodeCount = packed.nodes.count
        packed.shape.leafCount = packed.leafNumbers.count - 1
        packed.shape.thresholdCount = thresholds.values.count
        packed.shape.categoryFeatureCount = categories.features.count
        packed.shape.categoryCount = categories.categories.count
        packed.shape.categoryWordCount = categories.words.count
        packed.shape.categorySlotCount = categories.slotCount
    }
}

extension TreeEnsemble {
    /// Whether the leftmost leaf of the first tree is a vector; the packer refuses a mixture. Pruned nodes do not count.
    var hasVectorLeaves: Bool {
        guard let nodes = trees.first?.nodes else { return false }
        var index = 0
        // A malformed tree may go round in a circle: no walk is longer than there are nodes.
        for _ in nodes.indices {
            guard nodes.indices.contains(index) else { return false }
            switch nodes[index] {
            case .vectorLeaf: return true
            case .leaf: return false
            case .split(_, _, _, let left, _), .categorySplit(_, _, _, let left, _): index = left
            }
        }
        return false
    }
}

extension Double {
    /// The nearest number of a precision; infinite where the number is beyond it.
    public func rounded(to precision: Precision) -> Double { precision == .float32 ? Double(Float(self)) : self }
}

extension Precision {
    /// A product rounded once.
    func product(_ value: Double, _ weight: Double) -> Double {
        self == .float32 ? Double(Float(value) * Float(weight)) : value * weight
    }
}
