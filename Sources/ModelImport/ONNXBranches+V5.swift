/// Reads the attributes of TreeEnsemble (ai.onnx.ml 5): branches and leaves in lists of their own.
extension ONNXBranches {
    init(ensemble node: ONNXNode) throws(ONNXError) {
        guard let modes = try node.tensor(.modes) else { throw node.fault(.modes, .missing) }
        let count = modes.elements.count
        guard let splits = try node.tensor(.splits) else { throw node.fault(.splits, .missing) }
        guard splits.elements.count == count else { throw node.fault(.splits, .count(splits.elements.count, expected: count)) }
        let features = try node.integers(.featureIDs, count: count)
        let tracks =
            try node.integers(.missingTracksTrue) == nil
            ? [Int](repeating: 0, count: count) : try node.integers(.missingTracksTrue, count: count)
        guard let leaves = try node.integers(.leafTargetIDs) else { throw node.fault(.leafTargetIDs, .missing) }
        let whenTrue = try Self.children(node, .trueNodeIDs, .trueLeafs, count, leafCount: leaves.count)
        let whenFalse = try Self.children(node, .falseNodeIDs, .falseLeafs, count, leafCount: leaves.count)
        var members = try Members(node)
        for index in 0..<count {
            guard let number = Int(exactly: modes.elements[index]), let mode = Mode(rawValue: number) else {
                throw node.fault(.modes, .outOfRange(index: index))
            }
            var branch = Branch(
                mode: mode, feature: features[index], value: splits.elements[index], missingTracksTrue: tracks[index] != 0,
                whenTrue: whenTrue[index], whenFalse: whenFalse[index])
            if mode == .member {
                guard let set = members.next() else { throw node.fault(.members, .outOfRange(index: index)) }
                branch.members = set
            }
            branches.append(branch)
        }
        guard members.next() == nil else { throw node.fault(.members, .count(members.setCount, expected: members.takenCount)) }
        guard let roots = try node.integers(.treeRoots) else { throw node.fault(.treeRoots, .missing) }
        for (index, root) in roots.enumerated() {
            guard (0..<count).contains(root) else { throw node.fault(.treeRoots, .outOfRange(index: index)) }
            self.roots.append(.branch(root))
        }
        leafNumbers = (0..<leaves.count).map { UInt32(truncatingIfNeeded: $0) }
        leavesAreShared = true
        branchNodes = Array(0..<count)
        leafNodes = Array(0..<leaves.count)
    }

    private static func children(
        _ node: ONNXNode, _ name: ONNXAttributeName, _ leafFlags: ONNXAttributeName, _ count: Int, leafCount: Int
    ) throws(ONNXError) -> [Target] {
        let isLeaf = try node.integers(leafFlags, count: count)
        var targets: [Target] = []
        for (index, child) in try node.integers(name, count: count).enumerated() {
            guard child >= 0, child < (isLeaf[index] != 0 ? leafCount : count) else {
                throw node.fault(name, .outOfRange(index: index))
            }
            targets.append(isLeaf[index] != 0 ? .leaf(child) : .branch(child))
        }
        return targets
    }

    /// The sets of BRANCH_MEMBER nodes, in their order, each ended by NaN.
    private struct Members {
        private let sets: [[Double]]
        private(set) var takenCount = 0
        var setCount: Int { sets.count }

        init(_ node: ONNXNode) throws(ONNXError) {
            guard let values = try node.tensor(.members) else {
                sets = []
                return
            }
            var sets: [[Double]] = []
            var set: [Double] = []
            for value in values.elements {
                if value.isNaN {
                    sets.append(set)
                    set = []
                } else {
                    set.append(value)
                }
            }
            if !set.isEmpty { sets.append(set) }
            self.sets = sets
        }

        mutating func next() -> [Double]? {
            guard takenCount < sets.count else { return nil }
            takenCount += 1
            return sets[takenCount - 1]
        }
    }
}
