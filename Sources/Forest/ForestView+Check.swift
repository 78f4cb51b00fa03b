extension ForestView {
    /// Proves that scoring stays inside the forest: one pass over the nodes, one byte of memory a node.
    ///
    /// - Throws: The first thing wrong, and in which tree and node (counted within its tree).
    public func check() throws(ForestError) {
        try shape.check()
        for output in 0..<shape.rawCount {
            let margin = unsafe baseMargins[output]
            guard margin.isFinite, margin.rounded(to: shape.sumPrecision) == margin else {
                throw .baseMarginNotFinite(output: output)
            }
        }
        try checkFeatures()
        try checkCategoryFeatures()
        try checkTreeTable()
        try checkLeafValues()
        var depths = [UInt8](repeating: 0, count: shape.nodeCount)
        var leafCount = 0
        for group in 0..<shape.groupCount {
            var deepest = 0
            let first = group * ForestShape.groupTreeCount
            for tree in first..<min(first + ForestShape.groupTreeCount, shape.treeCount) {
                deepest = max(deepest, try checkTree(tree, depths: &depths, leafCount: &leafCount))
            }
            let stored = unsafe Int(groupDepths[group])
            guard stored == deepest else { throw .groupDepthWrong(group: group, stored: stored, actual: deepest) }
        }
        guard leafCount == shape.leafCount else {
            throw .countOutOfRange(.leaves, count: shape.leafCount, limit: leafCount)
        }
    }

    /// Trees follow one another without gaps from node 0 up to the padding leaf.
    private func checkTreeTable() throws(ForestError) {
        let padding = shape.nodeCount - 1
        guard unsafe nodes[padding] == .leaf(ordinal: shape.leafCount), unsafe leafNumbers[shape.leafCount] == 0 else {
            throw .paddingMalformed
        }
        guard unsafe !shape.hasCovers || covers[padding].bitPattern == 0 else { throw .paddingMalformed }
        var previous = -1
        for tree in 0..<shape.treeCount {
            let root = unsafe Int(roots[tree])
            guard root > previous, root < padding, tree > 0 || root == 0 else { throw .treeRangeInvalid(tree: tree) }
            previous = root
            let output = unsafe Int(treeOutputs[tree])
            guard output < shape.rawCount, shape.leafWidth == 1 || output == 0 else {
                throw .treeOutputOutOfRange(tree: tree, output: output, outputCount: shape.rawCount)
            }
        }
        guard shape.treeCount > 0 || shape.nodeCount == 1 else { throw .treeRangeInvalid(tree: 0) }
        for tree in shape.treeCount..<shape.paddedTreeCount {
            guard unsafe roots[tree] == padding, unsafe treeOutputs[tree] == 0 else { throw .paddingMalformed }
        }
    }

    private func checkLeafValues() throws(ForestError) {
        for leaf in 0..<shape.leafCount {
            for column in 0..<shape.leafWidth {
                guard leafValue(leaf, column).isFinite else { throw .leafValueNotFinite(leaf: leaf) }
            }
        }
        for column in 0..<shape.leafWidth {
            guard leafValue(shape.leafCount, column).bitPattern == (-0.0).bitPattern else { throw .paddingMalformed }
        }
    }

    /// Checks the nodes of one tree in order and returns its depth. Children come after their parent, so one pass sees all; the depth
    /// of a node not yet reached is 0, which is the root's alone.
    private func checkTree(_ tree: Int, depths: inout [UInt8], leafCount: inout Int) throws(ForestError) -> Int {
        let first = unsafe Int(roots[tree])
        let end = tree + 1 < shape.treeCount ? unsafe Int(roots[tree + 1]) : shape.nodeCount - 1
        var deepest = 0
        for index in first..<end {
            let node = unsafe nodes[index]
            let depth = Int(depths[index])
            guard depth > 0 || index == first else { throw .nodeUnreachable(tree: tree, node: index - first) }
            deepest = max(deepest, depth)
            if shape.hasCovers {
                let cover = unsafe covers[index]
                guard cover.isFinite, cover >= 0 else { throw .coverInvalid(tree: tree, node: index - first) }
            }
            let distance = distance(of: node)
            guard distance > 0 else {
                guard slot(of: node) == 0 else { throw .nodeMalformed(tree: tree, node: index - first) }
                guard Int(node.key) == leafCount else { throw .leafOrdinalWrong(tree: tree, node: index - first) }
                leafCount += 1
                continue
            }
            try checkSplit(node, tree: tree, index: index - first)
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

    private func checkSplit(_ node: ForestNode, tree: Int, index: Int) throws(ForestError) {
        let slot = slot(of: node)
        guard slot > 0 else { throw .nodeMalformed(tree: tree, node: index) }
        guard slot < shape.slotCount else {
            throw .featureOutOfRange(tree: tree, node: index, feature: (slot - 1) / 2, featureCount: shape.featureCount)
        }
        guard slot < Slot.firstCategorySlot(featureCount: shape.featureCount) else {
            guard node.key == 0 else { throw .nodeMalformed(tree: tree, node: index) }
            return
        }
        guard Int(node.key) < thresholdRange(ofFeature: (slot - 1) / 2).count else {
            throw .thresholdOutOfRange(tree: tree, node: index)
        }
    }
}
