/// Lays trees out level by level, siblings side by side, and checks every node on the way.
struct ForestPacker {
    private(set) var nodes: [ForestNode] = []
    private(set) var roots: [UInt32] = []
    private(set) var treeOutputs: [UInt32] = []
    private(set) var groupDepths: [UInt32] = []
    let slotBitCount: Int
    private let featureCount: Int
    private let outputCount: Int

    init(_ ensemble: TreeEnsemble) throws(ForestError) {
        featureCount = ensemble.featureCount
        outputCount = ensemble.baseMargins.count
        try ForestShape.check(.features, featureCount, 1...ForestLimits.featureCountMax)
        try ForestShape.check(.outputs, outputCount, 1...ForestLimits.outputCountMax)
        try ForestShape.check(.trees, ensemble.trees.count, 0...ForestLimits.treeCountMax)
        for (output, margin) in ensemble.baseMargins.enumerated() where !margin.isFinite {
            throw .baseMarginNotFinite(output: output)
        }
        slotBitCount = ForestShape.slotBitCount(featureCount: featureCount)
    }

    /// A node of the tree being packed, waiting for its children to get their places.
    private struct Waiting {
        let source: Int
        let place: Int
    }

    mutating func append(_ tree: TreeEnsemble.Tree, index: Int) throws(ForestError) {
        guard !tree.nodes.isEmpty else { throw .treeEmpty(tree: index) }
        guard (0..<outputCount).contains(tree.output) else {
            throw .treeOutputOutOfRange(tree: index, output: tree.output, outputCount: outputCount)
        }
        roots.append(UInt32(nodes.count))
        treeOutputs.append(UInt32(tree.output))
        var isReached = [Bool](repeating: false, count: tree.nodes.count)
        isReached[0] = true
        var level = [Waiting(source: 0, place: nodes.count)]
        nodes.append(.padding)
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
            switch tree.nodes[node.source] {
            case .leaf(let value):
                let weighted = value * tree.weight
                guard weighted.isFinite else { throw .leafNotFinite(tree: index, node: node.source) }
                nodes[node.place] = .leaf(weighted)
            case .split(let feature, let threshold, let missingGoesLeft, let left, let right):
                guard (0..<featureCount).contains(feature) else {
                    throw .featureOutOfRange(tree: index, node: node.source, feature: feature, featureCount: featureCount)
                }
                guard threshold.isFinite else { throw .thresholdNotFinite(tree: index, node: node.source) }
                for child in [left, right] {
                    guard tree.nodes.indices.contains(child) else {
                        throw .childOutOfRange(tree: index, node: node.source, child: child)
                    }
                    guard !isReached[child] else { throw .nodeReachedTwice(tree: index, node: child) }
                    isReached[child] = true
                    next.append(Waiting(source: child, place: nodes.count))
                    nodes.append(.padding)
                }
                let link = try link(from: node, slot: Slot.of(feature: feature, missingGoesLeft: missingGoesLeft), tree: index)
                nodes[node.place] = ForestNode(key: OrderKey.of(threshold) - 1, link: link)
            }
        }
        try ForestShape.check(.nodes, nodes.count + 1, 1...ForestLimits.nodeCountMax)
        return next
    }

    /// The link to the pair of children just appended.
    private func link(from node: Waiting, slot: Int, tree: Int) throws(ForestError) -> UInt32 {
        let distance = nodes.count - 2 - node.place
        let limit = 1 << (32 - slotBitCount) - 1
        guard distance <= limit else { throw .linkTooLong(tree: tree, node: node.source, distance: distance, limit: limit) }
        return UInt32(distance << slotBitCount | slot)
    }

    private mutating func note(depth: Int, tree: Int) {
        if tree % ForestShape.groupTreeCount == 0 {
            groupDepths.append(UInt32(depth))
        } else {
            groupDepths[groupDepths.count - 1] = max(groupDepths[groupDepths.count - 1], UInt32(depth))
        }
    }

    /// Fills the last group of eight up with the padding leaf.
    mutating func finish() {
        while roots.count % ForestShape.groupTreeCount != 0 {
            roots.append(UInt32(nodes.count))
            treeOutputs.append(0)
        }
        nodes.append(.padding)
    }
}
