extension ForestView {
    /// Proves that scoring stays inside the forest: one pass over the nodes, one byte of memory a node.
    ///
    /// - Throws: The first thing wrong, and in which tree and node (counted within its tree).
    public func check() throws(ForestError) {
        try shape.check()
        try checkBaseMargins()
        try checkTreeTable()
        var depths = [UInt8](repeating: 0, count: shape.nodeCount)
        for group in 0..<groupCount {
            var deepest = 0
            let first = group * ForestShape.groupTreeCount
            for tree in first..<min(first + ForestShape.groupTreeCount, shape.treeCount) {
                deepest = max(deepest, try checkTree(tree, depths: &depths))
            }
            let stored = unsafe Int(groupDepths[group])
            guard stored == deepest else { throw .groupDepthWrong(group: group, stored: stored, actual: deepest) }
        }
    }

    private func checkBaseMargins() throws(ForestError) {
        for output in 0..<shape.rawCount {
            guard unsafe baseMargins[output].isFinite else { throw .baseMarginNotFinite(output: output) }
        }
    }

    /// Trees follow one another without gaps from node 0 up to the padding leaf.
    private func checkTreeTable() throws(ForestError) {
        let paddingIndex = shape.nodeCount - 1
        guard unsafe nodes[paddingIndex] == .padding else { throw .paddingMalformed }
        var previous = -1
        for tree in 0..<shape.treeCount {
            let root = unsafe Int(roots[tree])
            guard root > previous, root < paddingIndex, tree > 0 || root == 0 else { throw .treeRangeInvalid(tree: tree) }
            previous = root
            let output = unsafe Int(treeOutputs[tree])
            guard output < shape.rawCount else {
                throw .treeOutputOutOfRange(tree: tree, output: output, outputCount: shape.rawCount)
            }
        }
        guard shape.treeCount > 0 || shape.nodeCount == 1 else { throw .treeRangeInvalid(tree: 0) }
        for tree in shape.treeCount..<shape.paddedTreeCount {
            guard unsafe roots[tree] == paddingIndex, unsafe treeOutputs[tree] == 0 else { throw .paddingMalformed }
        }
    }

    /// Checks the nodes of one tree in order and returns its depth. Children come after their parent, so one pass sees all; the depth
    /// of a node not yet reached is 0, which is the root's alone.
    private func checkTree(_ tree: Int, depths: inout [UInt8]) throws(ForestError) -> Int {
        let first = unsafe Int(roots[tree])
        let end = tree + 1 < shape.treeCount ? unsafe Int(roots[tree + 1]) : shape.nodeCount - 1
        let slotMask = UInt32(1) << UInt32(shape.slotBitCount) - 1
        var deepest = 0
        for index in first..<end {
            let node = unsafe nodes[index]
            let depth = Int(depths[index])
            guard depth > 0 || index == first else { throw .nodeUnreachable(tree: tree, node: index - first) }
            deepest = max(deepest, depth)
            let distance = Int(node.link >> UInt32(shape.slotBitCount))
            let slot = Int(node.link & slotMask)
            guard distance > 0 else {
                try checkLeaf(node, slot: slot, tree: tree, index: index - first)
                continue
            }
            try checkSplit(node, slot: slot, tree: tree, index: index - first)
            let left = index + distance
            guard left + 1 < end else { throw .childOutOfRange(tree: tree, node: index - first, child: left - first) }
            guard depth < ForestLimits.depthMax else { throw .tooDeep(tree: tree, limit: ForestLimits.depthMax) }
            for child in left...(left + 1) {
                guard depths[child] == 0 else { throw .nodeReachedTwice(tree: tree, node: child - first) }
                depths[child] = UInt8(depth + 1)
            }
        }
        return deepest
    }

    private func checkLeaf(_ node: ForestNode, slot: Int, tree: Int, index: Int) throws(ForestError) {
        guard slot == 0 else { throw .nodeMalformed(tree: tree, node: index) }
        guard node.value.isFinite else { throw .leafNotFinite(tree: tree, node: index) }
    }

    private func checkSplit(_ node: ForestNode, slot: Int, tree: Int, index: Int) throws(ForestError) {
        guard slot > 0 else { throw .nodeMalformed(tree: tree, node: index) }
        guard slot < Slot.count(featureCount: shape.featureCount) else {
            throw .featureOutOfRange(tree: tree, node: index, feature: (slot - 1) / 2, featureCount: shape.featureCount)
        }
        guard node.key < OrderKey.greatest, OrderKey.value(of: node.key + 1).isFinite else {
            throw .thresholdNotFinite(tree: tree, node: index)
        }
    }
}
