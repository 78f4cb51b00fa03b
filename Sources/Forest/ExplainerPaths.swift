/// What is true of the paths of a tree, whatever the row: for each split the nearest edge above of the same feature, and how much of
/// the training data the edges of that feature let through.
struct ExplainerPaths {
    private let view: ForestView
    private let columnOfSlot: [UInt32]
    /// By column, for the path that is being walked: the last edge of the feature, and the product of the shares of its edges.
    private var lastEdge: [Edge]
    private var reach: [Double]
    private(set) var splits: [Split] = []
    /// The most distinct features on a path of the tree.
    private(set) var featureCountMax = 0
    /// How many levels of splits the tree has.
    private(set) var depth = 0
    /// How many splits test a feature that a split above tested.
    private(set) var repeatCount = 0

    /// An edge down from a split.
    struct Edge: Equatable {
        /// In its tree, as the view orders them; -1: no edge.
        var node: Int
        var isRight: Bool
        static let none = Edge(node: -1, isRight: false)
    }

    /// By node in the tree; of no meaning for a leaf.
    struct Split {
        var above = Edge.none
        var reach = 1.0
    }

    /// - Parameter columnOfSlot: Which column, that is which feature in use, the key of a slot belongs to.
    init(_ view: ForestView, columnOfSlot: [UInt32], columnCount: Int) {
        self.view = view
        self.columnOfSlot = columnOfSlot
        lastEdge = Array(repeating: .none, count: columnCount)
        reach = Array(repeating: 1, count: columnCount)
    }

    /// Walks all paths of a tree; it is at most `ForestLimits.depthMax` levels deep.
    mutating func walk(_ nodes: Range<Int>) {
        splits = Array(repeating: Split(), count: nodes.count)
        featureCountMax = 0
        depth = 0
        repeatCount = 0
        visit(0, first: nodes.lowerBound, level: 0, featureCount: 0)
    }

    private mutating func visit(_ node: Int, first: Int, level: Int, featureCount: Int) {
        let packed = unsafe view.nodes[first + node]
        let distance = view.distance(of: packed)
        guard distance > 0 else {
            featureCountMax = max(featureCountMax, featureCount)
            depth = max(depth, level)
            return
        }
        let column = Int(columnOfSlot[view.slot(of: packed)])
        let above = (edge: lastEdge[column], reach: reach[column])
        splits[node] = Split(above: above.edge, reach: above.reach)
        if above.edge != .none { repeatCount += 1 }
        let share = view.leftShare(left: first + node + distance)
        for isRight in [false, true] {
            lastEdge[column] = Edge(node: node, isRight: isRight)
            reach[column] = above.reach * (isRight ? 1 - share : share)
            visit(
                node + distance + (isRight ? 1 : 0), first: first, level: level + 1,
                featureCount: featureCount + (above.edge == .none ? 1 : 0))
        }
        lastEdge[column] = above.edge
        reach[column] = above.reach
    }
}

extension ForestView {
    /// The nodes of a tree.
    func nodeRange(ofTree tree: Int) -> Range<Int> {
        unsafe Int(roots[tree])..<(tree + 1 < shape.treeCount ? Int(roots[tree + 1]) : shape.nodeCount - 1)
    }

    /// The share of a split's training data that went to its left child; a half if none is known to have reached it.
    ///
    /// - Parameter left: The left child, a node of the forest.
    func leftShare(left: Int) -> Double {
        // Halved so that the sum is finite.
        let leftCover = unsafe covers[left] / 2
        let cover = unsafe leftCover + covers[left + 1] / 2
        return cover > 0 ? leftCover / cover : 0.5
    }
}
