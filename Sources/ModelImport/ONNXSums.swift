import Forest

/// What the trees of one operator add to each of its targets.
struct ONNXSums {
    /// For each target the trees that add to it.
    private(set) var parts: [[ONNXColumn.Part]]
    /// For each target whether every row gets a weight, because some tree has one at all of its leaves.
    private(set) var isAlwaysWeighted: [Bool]
    private(set) var hasNegative = false
    private(set) var treeCount = 0
    private let precision: Precision

    /// Weights in the order of the file: of which leaf, for which target, how much.
    struct Weights {
        let leaves: [Int]
        let targets: [Int]
        let values: [Double]

        /// The weights leaf after leaf: those of leaf i are `order[starts[i]..<starts[i + 1]]`.
        func orderByLeaf(leafCount: Int) -> (starts: [Int], order: [Int]) {
            var starts = [Int](repeating: 0, count: leafCount + 1)
            for leaf in leaves { starts[leaf + 1] += 1 }
            for leaf in 0..<leafCount { starts[leaf + 1] += starts[leaf] }
            var next = starts
            var order = [Int](repeating: 0, count: leaves.count)
            for (weight, leaf) in leaves.enumerated() {
                order[next[leaf]] = weight
                next[leaf] += 1
            }
            return (starts, order)
        }
    }

    init(targetCount: Int, precision: Precision) {
        parts = [[ONNXColumn.Part]](repeating: [], count: targetCount)
        isAlwaysWeighted = [Bool](repeating: false, count: targetCount)
        self.precision = precision
    }

    /// How many numbers `append` makes of a tree.
    static func stepCount(_ tree: ONNXTree, _ weights: Weights, _ byLeaf: (starts: [Int], order: [Int])) -> Int {
        var targets: Set<Int> = []
        for leaf in tree.leaves {
            for weight in byLeaf.order[byLeaf.starts[leaf]..<byLeaf.starts[leaf + 1]] { targets.insert(weights.targets[weight]) }
        }
        return targets.count * tree.leaves.count + 1
    }

    /// Adds a tree; false if a leaf has two weights for one target.
    mutating func append(_ tree: ONNXTree, _ weights: Weights, _ byLeaf: (starts: [Int], order: [Int])) -> Bool {
        treeCount += 1
        // A tree adds to few targets, or has all at each leaf: a table of what it has is small either way.
        var tables: [Int: [Double]] = [:]
        for (index, leaf) in tree.leaves.enumerated() {
            for weight in byLeaf.order[byLeaf.starts[leaf]..<byLeaf.starts[leaf + 1]] {
                let value = weights.values[weight]
                if value < 0 { hasNegative = true }
                let target = weights.targets[weight]
                var table = tables.removeValue(forKey: target) ?? [Double](repeating: .nan, count: tree.leaves.count)
                guard table[index].isNaN else { return false }
                table[index] = value
                tables[target] = table
            }
        }
        for (target, table) in tables {
            if !table.contains(where: \.isNaN) { isAlwaysWeighted[target] = true }
            parts[target].append(ONNXColumn.Part(tree: tree, values: table.map { $0.isNaN ? 0 : $0 }))
        }
        return true
    }

    func column(_ target: Int) -> ONNXColumn { ONNXColumn(trees: parts[target], precision: precision) }
}
