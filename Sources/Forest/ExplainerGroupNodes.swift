/// The nodes of a group's trees, one tree after another, each with what the kernels call it.
struct ExplainerGroupNodes {
    private(set) var nodes: [Node] = []
    private var levels: [Int] = []

    struct Node {
        /// In the forest.
        let index: Int
        /// Where among these nodes its left child is, which the right one follows; nil for a leaf.
        let left: Int?
        let isPair: Bool
        /// A split's place among the group's; a leaf's among those that are no pair's, after the splits; of no meaning for a pair's leaf.
        var name = 0
        /// The split's nearest edge above of the same feature, its node among these.
        let path: ExplainerPaths.Split

        var isInner: Bool { left != nil && !isPair }
    }

    init(_ view: ForestView, _ group: ExplainerGroups.Group, _ paths: inout ExplainerPaths) {
        for tree in group.trees { append(view.nodeRange(ofTree: tree), view, &paths) }
        name(group)
    }

    private mutating func append(_ range: Range<Int>, _ view: ForestView, _ paths: inout ExplainerPaths) {
        paths.walk(range)
        let start = nodes.count
        levels += [Int](repeating: 0, count: range.count)
        for index in range {
            let place = start + index - range.lowerBound
            let distance = unsafe view.distance(of: view.nodes[index])
            var path = paths.splits[index - range.lowerBound]
            if path.above != .none { path.above.node += start }
            let isPair = distance > 0 && view.isPair(index, root: range.lowerBound)
            nodes.append(Node(index: index, left: distance > 0 ? place + distance : nil, isPair: isPair, path: path))
            if distance > 0 {
                levels[place + distance] = levels[place] + 1
                levels[place + distance + 1] = levels[place] + 1
            }
        }
    }

    /// Inner splits get the first names, level by level; then pairs, then the leaves that are no pair's.
    private mutating func name(_ group: ExplainerGroups.Group) {
        let inner = nodes.indices.filter { nodes[$0].isInner }.sorted { (levels[$0], $0) < (levels[$1], $1) }
        for (name, place) in inner.enumerated() { nodes[place].name = name }
        var name = inner.count
        for place in nodes.indices where nodes[place].isPair {
            nodes[place].name = name
            name += 1
        }
        for place in inner {
            guard let left = nodes[place].left else { continue }
            for child in left...(left + 1) where nodes[child].left == nil {
                nodes[child].name = name
                name += 1
            }
        }
    }
}
