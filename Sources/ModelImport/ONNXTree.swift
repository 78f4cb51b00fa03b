import Forest

/// A tree whose leaves are numbered: what it gives is a table beside it.
final class ONNXTree: Sendable {
    /// A leaf's value is its index in `leaves`.
    let nodes: [TreeEnsemble.Node]
    /// What the file calls each node; of meaning for leaves.
    let numbers: [UInt32]
    /// The leaves in the file; one may stand at several places of the tree.
    let leaves: [Int]

    init(nodes: [TreeEnsemble.Node], numbers: [UInt32], leaves: [Int]) {
        self.nodes = nodes
        self.numbers = numbers
        self.leaves = leaves
    }

    /// How many branches lie above each leaf; nil if a leaf stands at places of different depth.
    func leafDepths() -> [Int]? {
        var depths = [Int](repeating: -1, count: leaves.count)
        var stack = [(node: 0, depth: 0)]
        while let (node, depth) = stack.popLast() {
            switch nodes[node] {
            case .leaf(let leaf):
                guard depths[Int(leaf)] == -1 || depths[Int(leaf)] == depth else { return nil }
                depths[Int(leaf)] = depth
            case .vectorLeaf: return nil
            case .split(_, _, _, let left, let right), .categorySplit(_, _, _, let left, let right):
                stack.append((left, depth + 1))
                stack.append((right, depth + 1))
            }
        }
        return depths
    }
}

/// Makes trees of branches: every mode becomes ranges of its feature, and ranges become tests with `<`.
struct ONNXTreeReducer {
    private let source: ONNXBranches
    private let features: [ONNXFeature]
    private let place: ONNXPlace
    /// What branches compare in.
    private let precision: Precision
    private var isReached: [Bool]
    private var nodesLeft: Int

    // The tree being made.
    private var nodes: [TreeEnsemble.Node] = []
    private var numbers: [UInt32] = []
    private var leaves: [Int] = []
    private var leafIndices: [Int: Int] = [:]
    private var waiting: [(target: ONNXBranches.Target, place: Int)] = []

    init(_ source: ONNXBranches, features: [ONNXFeature], precision: Precision, place: ONNXPlace) {
        self.source = source
        self.features = features
        self.place = place
        self.precision = precision
        isReached = [Bool](repeating: false, count: source.branches.count)
        let memberCount = source.branches.reduce(0) { $0 + $1.members.count }
        let nodeCount = source.branches.count + source.leafNumbers.count + memberCount
        nodesLeft = nodeCount * ImportLimits.onnxCopiesPerNode + ImportLimits.onnxCopyCountMin
    }

    mutating func trees() throws(ONNXError) -> [ONNXTree] {
        try checkShape()
        var trees: [ONNXTree] = []
        trees.reserveCapacity(source.roots.count)
        for root in source.roots { trees.append(try tree(root)) }
        return trees
    }

    /// Every branch has one parent, or is one root.
    private mutating func checkShape() throws(ONNXError) {
        var stack: [Int] = []
        func push(_ target: ONNXBranches.Target, _ isReached: inout [Bool]) throws(ONNXError) {
            guard case .branch(let branch) = target else { return }
            guard !isReached[branch] else {
                throw .treeFault(place, .nodeReachedTwice(node: source.branchNodes[branch]))
            }
            isReached[branch] = true
            stack.append(branch)
        }
        for root in source.roots {
            try push(root, &isReached)
            while let branch = stack.popLast() {
                try push(source.branches[branch].whenTrue, &isReached)
                try push(source.branches[branch].whenFalse, &isReached)
            }
        }
        // What no root reaches and yet has a parent lies on a cycle or below one.
        guard let branch = isReached.firstIndex(of: false) else { return }
        throw .treeFault(place, .nodeUnreached(node: source.branchNodes[branch]))
    }

    private mutating func tree(_ root: ONNXBranches.Target) throws(ONNXError) -> ONNXTree {
        (nodes, numbers, leaves, leafIndices) = ([], [], [], [:])
        waiting = [(root, try newNode())]
        while let (target, node) = waiting.popLast() {
            switch target {
            case .leaf(let leaf):
                let index = leafIndices[leaf] ?? leaves.count
                if index == leaves.count {
                    leafIndices[leaf] = index
                    leaves.append(leaf)
                }
                nodes[node] = .leaf(Double(index))
                numbers[node] = source.leafNumbers[leaf]
            case .branch(let branch):
                let ranges = try ONNXRanges(source, branch: branch, features: features, precision: precision, place: place)
                nodesLeft -= ranges.readCount - 1
                guard nodesLeft >= 0 else { throw .useUnsupported(place, .branchCopies) }
                try place(ranges, at: node)
            }
        }
        return ONNXTree(nodes: nodes, numbers: numbers, leaves: leaves)
    }

    private mutating func newNode() throws(ONNXError) -> Int {
        nodesLeft -= 1
        guard nodesLeft >= 0 else { throw .useUnsupported(place, .branchCopies) }
        nodes.append(.leaf(0))
        numbers.append(0)
        return nodes.count - 1
    }

    private mutating func place(_ ranges: ONNXRanges, at node: Int) throws(ONNXError) {
        if let missing = ranges.targets.firstIndex(of: ranges.missing) {
            try place(ranges, 0..<ranges.targets.count, missing: missing, at: node)
            return
        }
        // No range goes where missing values go: a test for no category sends those right, and everything else left.
        let left = try newNode()
        let right = try newNode()
        nodes[node] = .categorySplit(feature: ranges.feature, categories: [], missingGoesLeft: false, left: left, right: right)
        waiting.append((ranges.missing, right))
        try place(ranges, 0..<ranges.targets.count, missing: 0, at: left)
    }

    /// A balanced tree over some of the ranges; missing values go to the range `missing` if it is among them.
    private mutating func place(_ ranges: ONNXRanges, _ some: Range<Int>, missing: Int, at node: Int) throws(ONNXError) {
        guard some.count > 1 else {
            waiting.append((ranges.targets[some.lowerBound], node))
            return
        }
        let middle = (some.lowerBound + some.upperBound) / 2
        let left = try newNode()
        let right = try newNode()
        nodes[node] = .split(
            feature: ranges.feature, threshold: ranges.cuts[middle - 1], missingGoesLeft: missing < middle, left: left,
            right: right)
        try place(ranges, some.lowerBound..<middle, missing: missing, at: left)
        try place(ranges, middle..<some.upperBound, missing: missing, at: right)
    }
}
