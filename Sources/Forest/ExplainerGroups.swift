import CForestKernels

/// Which trees the kernels do together, and how much of everything that takes, known before any of it is made.
struct ExplainerGroups {
    /// Trees of one output lie together.
    private(set) var groups: [Group] = []
    /// Which groups add to each raw score; all of them to each if leaves are vectors.
    private(set) var ranges: [Range<Int>] = []
    private(set) var splitCount = 0
    private(set) var leafCount = 0
    private(set) var factorCount = 0

    /// Trees with as many points; what is counted is as in `assay_shap_group`.
    struct Group {
        var trees: [Int] = []
        var pointCount = 1
        /// Of the deepest tree, in splits.
        var depth = 0
        var innerCount = 0
        var pairCount = 0
        /// How many splits test a feature that a split above tested.
        var repeatCount = 0

        var splitCount: Int { innerCount + pairCount }
        /// A tree has one leaf more than splits.
        var leafCount: Int { splitCount + trees.count }
        var stride: Int { ExplainerQuadrature.paddedCount(pointCount: pointCount) }
        /// Whether k and t of each split are precomputed.
        var hasFactors: Bool { stride <= 8 }
        /// In doubles: k and t of a path left, of the first test of a feature, and of each split that tests one again.
        var factorCount: Int { hasFactors ? (2 + repeatCount) * 2 * stride : 0 }
        /// What one row needs: a vector for each split and each leaf of no pair.
        var rowByteCount: Int { (2 * innerCount + trees.count) * stride * 8 }
        /// What sixteen rows need: two vectors for the root, then those of each level, and of one below for what pairs compute.
        var lanesByteCount: Int {
            (2 + (depth + 1) * ASSAY_SHAP_LEVEL_VECTORS) * pointCount * ASSAY_SHAP_LANES * 8
        }

        mutating func add(_ other: Group) {
            trees += other.trees
            pointCount = other.pointCount
            depth = max(depth, other.depth)
            innerCount += other.innerCount
            pairCount += other.pairCount
            repeatCount += other.repeatCount
        }
    }

    init(_ view: ForestView, _ paths: inout ExplainerPaths) {
        // A tree of one leaf contributes to the base alone.
        let trees = (0..<view.shape.treeCount).filter { view.isSplit(view.nodeRange(ofTree: $0).lowerBound) }
        let outlines = trees.map { Self.outline($0, view, &paths) }
        if view.shape.leafWidth > 1 {
            append(outlines)
            ranges = Array(repeating: groups.indices, count: view.shape.rawCount)
        } else {
            var perOutput = [[Group]](repeating: [], count: view.shape.rawCount)
            for (tree, outline) in zip(trees, outlines) { unsafe perOutput[Int(view.treeOutputs[tree])].append(outline) }
            for outlines in perOutput {
                let start = groups.count
                append(outlines)
                ranges.append(start..<groups.count)
            }
        }
    }

    /// Makes as few groups as possible of trees with as many points, as long as what a row needs stays in the first cache.
    private mutating func append(_ outlines: [Group]) {
        var group = Group()
        // By points, and of those as they come: `sorted` is stable, but does not say so.
        for outline in outlines.sorted(by: { ($0.pointCount, $0.trees[0]) < ($1.pointCount, $1.trees[0]) }) {
            let isFull = group.rowByteCount + outline.rowByteCount > ExplainerLimits.groupByteCountMax
            if !group.trees.isEmpty, isFull || group.pointCount != outline.pointCount {
                close(group)
                group = Group()
            }
            group.add(outline)
        }
        if !group.trees.isEmpty { close(group) }
    }

    private mutating func close(_ group: Group) {
        groups.append(group)
        splitCount += group.splitCount
        leafCount += group.leafCount
        factorCount += group.factorCount
    }

    private static func outline(_ tree: Int, _ view: ForestView, _ paths: inout ExplainerPaths) -> Group {
        let nodes = view.nodeRange(ofTree: tree)
        paths.walk(nodes)
        var group = Group(trees: [tree])
        for index in nodes where view.isSplit(index) {
            if view.isPair(index, root: nodes.lowerBound) { group.pairCount += 1 } else { group.innerCount += 1 }
        }
        group.pointCount = ExplainerQuadrature.pointCount(featureCount: paths.featureCountMax)
        group.depth = paths.depth
        group.repeatCount = paths.repeatCount
        return group
    }
}

extension ForestView {
    func isSplit(_ index: Int) -> Bool { unsafe distance(of: nodes[index]) > 0 }

    /// Whether both children of a split are leaves, and it is not the root.
    func isPair(_ index: Int, root: Int) -> Bool {
        let left = unsafe index + distance(of: nodes[index])
        return index != root && !isSplit(left) && !isSplit(left + 1)
    }
}
