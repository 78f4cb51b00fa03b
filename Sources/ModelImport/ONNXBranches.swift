/// The trees of a TreeEnsemble operator of any version, before they are reduced to tests with `<`.
struct ONNXBranches {
    /// A branch by its index, or a leaf.
    enum Target: Hashable {
        case branch(Int)
        case leaf(Int)
    }

    struct Branch {
        let mode: Mode
        let feature: Int
        let value: Double
        /// Where NaN goes, other than by the comparison.
        let missingTracksTrue: Bool
        var whenTrue: Target
        var whenFalse: Target
        /// For `.member`: the values.
        var members: [Double] = []
    }

    enum Mode: Int {
        case lessOrEqual = 0
        case less = 1
        case greaterOrEqual = 2
        case greater = 3
        case equal = 4
        case notEqual = 5
        case member = 6

        init?(name: String) {
            switch name {
            case "BRANCH_LEQ": self = .lessOrEqual
            case "BRANCH_LT": self = .less
            case "BRANCH_GTE": self = .greaterOrEqual
            case "BRANCH_GT": self = .greater
            case "BRANCH_EQ": self = .equal
            case "BRANCH_NEQ": self = .notEqual
            default: return nil
            }
        }
    }

    var branches: [Branch] = []
    var roots: [Target] = []
    /// What the file calls each leaf.
    var leafNumbers: [UInt32] = []
    /// In the file, a leaf may be the child of several branches.
    var leavesAreShared = false
    /// The node of the file that each branch and each leaf is, for errors.
    var branchNodes: [Int] = []
    var leafNodes: [Int] = []
}

/// Reads the attributes of TreeEnsembleClassifier and TreeEnsembleRegressor: parallel lists, one element a node.
struct ONNXNodeLists {
    /// The two numbers that name a node.
    struct Key: Hashable {
        let tree: Int
        let node: Int
    }

    let node: ONNXNode
    private(set) var trees = ONNXBranches()
    /// The leaf that has this name.
    private(set) var leaves: [Key: Int] = [:]
    let valueType: ONNXElementType

    init(_ node: ONNXNode) throws(ONNXError) {
        self.node = node
        guard let modes = try node.texts(.modes) else { throw node.fault(.modes, .missing) }
        let lists = try Lists(node, count: modes.count)
        valueType = lists.valueType
        let targets = try targets(modes, lists)
        var isChild = [Bool](repeating: false, count: modes.count)
        for index in modes.indices {
            guard case .branch = targets.byNode[index] else { continue }
            let children = try [lists.whenTrue[index], lists.whenFalse[index]].map { (child) throws(ONNXError) -> Int in
                guard let place = targets.byKey[Key(tree: lists.trees[index], node: child)] else {
                    throw .treeFault(node.place, .childMissing(node: index))
                }
                guard !isChild[place] else { throw .treeFault(node.place, .nodeReachedTwice(node: place)) }
                isChild[place] = true
                return place
            }
            guard let mode = ONNXBranches.Mode(name: modes[index]) else { continue }
            trees.branches.append(
                ONNXBranches.Branch(
                    mode: mode, feature: lists.features[index], value: lists.values[index],
                    missingTracksTrue: lists.missingTracksTrue[index] != 0, whenTrue: targets.byNode[children[0]],
                    whenFalse: targets.byNode[children[1]]))
            trees.branchNodes.append(index)
        }
        try findRoots(lists, targets.byNode, isChild)
    }

    private struct Lists {
        let trees: [Int]
        let nodes: [Int]
        let features: [Int]
        let values: [Double]
        let valueType: ONNXElementType
        let whenTrue: [Int]
        let whenFalse: [Int]
        let missingTracksTrue: [Int]

        init(_ node: ONNXNode, count: Int) throws(ONNXError) {
            trees = try node.integers(.treeIDs, count: count)
            nodes = try node.integers(.nodeIDs, count: count)
            features = try node.integers(.featureIDs, count: count)
            guard let numbers = try node.numbers(.values, orTensor: .valuesAsTensor) else { throw node.fault(.values, .missing) }
            guard numbers.values.count == count else {
                throw node.fault(.values, .count(numbers.values.count, expected: count))
            }
            (values, valueType) = numbers
            whenTrue = try node.integers(.trueNodeIDs, count: count)
            whenFalse = try node.integers(.falseNodeIDs, count: count)
            missingTracksTrue =
                try node.integers(.missingTracksTrue) == nil
                ? [Int](repeating: 0, count: count) : try node.integers(.missingTracksTrue, count: count)
        }
    }

    /// Numbers branches and leaves in the order of the lists.
    private mutating func targets(
        _ modes: [String], _ lists: Lists
    ) throws(ONNXError) -> (byNode: [ONNXBranches.Target], byKey: [Key: Int]) {
        var byNode: [ONNXBranches.Target] = []
        var byKey: [Key: Int] = [:]
        byKey.reserveCapacity(modes.count)
        var branchCount = 0
        for (index, mode) in modes.enumerated() {
            let key = Key(tree: lists.trees[index], node: lists.nodes[index])
            guard byKey.updateValue(index, forKey: key) == nil else {
                throw .treeFault(node.place, .nodeRepeated(node: index))
            }
            if mode == "LEAF" {
                guard let number = UInt32(exactly: key.node) else { throw node.fault(.nodeIDs, .outOfRange(index: index)) }
                leaves[key] = trees.leafNumbers.count
                byNode.append(.leaf(trees.leafNumbers.count))
                trees.leafNumbers.append(number)
                trees.leafNodes.append(index)
            } else {
                guard ONNXBranches.Mode(name: mode) != nil else {
                    throw .treeFault(node.place, .modeUnsupported(Quoted.name(mode), node: index))
                }
                byNode.append(.branch(branchCount))
                branchCount += 1
            }
        }
        return (byNode, byKey)
    }

    /// The first node of each tree is its root, and the only one without a parent: ONNX names no roots.
    private mutating func findRoots(_ lists: Lists, _ targets: [ONNXBranches.Target], _ isChild: [Bool]) throws(ONNXError) {
        var seen: Set<Int> = []
        for (index, target) in targets.enumerated() {
            let isFirst = seen.insert(lists.trees[index]).inserted
            if isFirst { trees.roots.append(target) }
            if isFirst && isChild[index] { throw .treeFault(node.place, .nodeReachedTwice(node: index)) }
            if !isFirst && !isChild[index] { throw .treeFault(node.place, .nodeUnreached(node: index)) }
        }
    }
}
