import Forest
import ModelBundle

/// Scores of the graph as a bundle holds them: trees, weights and one transform of their sums.
struct ONNXForest {
    private(set) var precision: Precision
    private(set) var baseMargins: [Double]
    private(set) var transform: Transform
    private(set) var trees: [TreeEnsemble.Tree] = []
    private(set) var linear: LinearModel?
    let objective: String
    let policy: OutcomePolicy

    /// - Parameter evaluator: What made the scores, whose steps making the trees takes.
    /// - Throws: `useUnsupported` at `place` when no bundle can say what the scores are.
    init(_ scores: ONNXScores, _ evaluator: inout ONNXEvaluator, _ place: ONNXPlace) throws(ONNXError) {
        let kind = Kind(scores)
        var columns = kind.columns(scores.columns)
        guard let first = columns.first, columns.allSatisfy({ $0.link.isSameTransform(as: first.link) }) else {
            throw .useUnsupported(place, .output)
        }
        precision = columns.reduce(.float32) { $0.wider($1.precision) }
        if first.link == .exponentialOf2 {
            guard columns.count == 1, let isolation = ONNXIsolation(first) else { throw .useUnsupported(place, .output) }
            precision = .float64
            transform = isolation.transform
            baseMargins = [0]
            trees = isolation.trees
            objective = "isolation forest"
            policy = .approveAll
            return
        }
        guard let transformKind = first.link.transformKind(columnCount: columns.count, columns), columns.allSatisfy(\.isInnermost)
        else {
            throw .useUnsupported(place, .output)
        }
        // A division of the sum stays one when it is the same for all and nothing follows it.
        let isDivision = columns.allSatisfy { $0.divisor == first.divisor && $0.factor == 1 && $0.offset == 0 }
        let divisor = isDivision && first.divisor.rounded(toFloat: precision == .float32) == first.divisor ? first.divisor : 1
        for index in columns.indices {
            if divisor != 1 { columns[index].divisor = 1 }
            columns[index].fold()
            precision = precision.wider(columns[index].precision)
        }
        if transformKind == .softplus { precision = .float64 }
        transform = Transform(transformKind, divisor: divisor)
        baseMargins = [Double](repeating: 0, count: columns.count)
        objective = kind.objective(isLinear: columns.contains { !$0.weights.isEmpty })
        policy = kind.policy
        try addTrees(columns, &evaluator)
        addOffsets(columns)
        if columns.contains(where: { !$0.weights.isEmpty }) {
            // A bundle scores with weights or with trees.
            guard trees.isEmpty else { throw .useUnsupported(place, .output) }
            let none = [Double](repeating: 0, count: evaluator.featureCount)
            linear = LinearModel(weights: columns.flatMap { $0.weights.isEmpty ? none : $0.weights })
        }
    }

    /// What the output is, as far as that decides which columns are kept.
    private enum Kind {
        /// One class's probability is one less the other's: the second is kept.
        case binaryProbability
        /// Of two classes, scores that are no probabilities or have nothing to do with each other: the second is kept.
        case binaryScore
        /// Two or more classes that share a softmax, or are neither of the above.
        case classes(count: Int)
        case numbers

        init(_ scores: ONNXScores) {
            let columns = scores.columns
            guard columns.count == 2 else {
                self = scores.areClasses ? .classes(count: columns.count) : .numbers
                return
            }
            if columns[0].isComplement(of: columns[1]) {
                self = .binaryProbability
            } else if case .softmax = columns[0].link {
                self = .classes(count: 2)
            } else {
                self = scores.areClasses ? .binaryScore : .numbers
            }
        }

        func columns(_ all: [ONNXColumn]) -> [ONNXColumn] {
            switch self {
            case .binaryProbability, .binaryScore: [all[1]]
            case .classes, .numbers: all
            }
        }

        func objective(isLinear: Bool) -> String {
            let prefix = isLinear ? "linear " : ""
            return switch self {
            case .binaryProbability, .binaryScore: prefix + "binary classification"
            case .classes: prefix + "classification"
            case .numbers: prefix + "regression"
            }
        }

        var policy: OutcomePolicy {
            switch self {
            case .binaryProbability: .probability
            case .classes(2):
                OutcomePolicy(
                    decidingOutput: 1, reviewThreshold: OutcomePolicy.probability.reviewThreshold,
                    declineThreshold: OutcomePolicy.probability.declineThreshold)
            default: .approveAll
            }
        }
    }

    /// Makes the columns' trees: of one column in its order, of several in that of the file, so that each is there once.
    private mutating func addTrees(_ columns: [ONNXColumn], _ evaluator: inout ONNXEvaluator) throws(ONNXError) {
        var indices: [ObjectIdentifier: Int] = [:]
        var entries: [(tree: ONNXTree, values: [(column: Int, values: [Double])])] = []
        let treeCount = columns.map(\.trees.count).max() ?? 0
        // Tree by tree over all columns: boosting makes the trees of one round one after another.
        for place in 0..<treeCount {
            for (column, parts) in columns.enumerated() where place < parts.trees.count {
                let part = parts.trees[place]
                let index = indices[ObjectIdentifier(part.tree)] ?? entries.count
                if index == entries.count {
                    indices[ObjectIdentifier(part.tree)] = index
                    entries.append((part.tree, []))
                }
                entries[index].values.append((column, part.values))
            }
        }
        let areVectors = entries.contains { entry in Set(entry.values.map(\.column)).count > 1 }
        for (tree, values) in entries {
            let width = areVectors ? columns.count : 1
            try evaluator.spend(tree.leaves.count * width)
            var table = [Double](repeating: 0, count: tree.leaves.count * width)
            for (column, values) in values {
                for (leaf, value) in values.enumerated() { table[leaf * width + (areVectors ? column : 0)] += value }
            }
            let nodes = tree.nodes.map { node -> TreeEnsemble.Node in
                guard case .leaf(let leaf) = node else { return node }
                let start = Int(leaf) * width
                return areVectors ? .vectorLeaf(Array(table[start..<(start + width)])) : .leaf(table[start])
            }
            trees.append(TreeEnsemble.Tree(nodes: nodes, output: areVectors ? 0 : values[0].column, numbers: tree.numbers))
        }
    }

    /// Base values: runtimes add them after the trees, which a tree of one leaf does, too. Without trees they are the base margins.
    private mutating func addOffsets(_ columns: [ONNXColumn]) {
        guard columns.contains(where: { $0.offset != 0 }) else { return }
        guard let first = trees.first else {
            baseMargins = columns.map(\.offset)
            return
        }
        if first.nodes.contains(where: { if case .vectorLeaf = $0 { true } else { false } }) {
            trees.append(TreeEnsemble.Tree(nodes: [.vectorLeaf(columns.map(\.offset))]))
            return
        }
        for (index, column) in columns.enumerated() where column.offset != 0 {
            trees.append(TreeEnsemble.Tree(nodes: [.leaf(column.offset)], output: index))
        }
    }
}

extension ONNXColumn {
    /// Whether nothing follows the link.
    fileprivate var isInnermost: Bool { outerFactor == 1 && outerOffset == 0 }
}

extension ONNXColumn.Link {
    fileprivate func isSameTransform(as other: ONNXColumn.Link) -> Bool {
        if case .softmax(let id, _, _) = self, case .softmax(let otherID, _, _) = other { return id == otherID }
        return self == other
    }

    /// The transform of all columns; nil if they are not all columns of a softmax in their order.
    fileprivate func transformKind(columnCount: Int, _ columns: [ONNXColumn]) -> Transform.Kind? {
        switch self {
        case .identity: return .identity
        case .logistic: return .logistic
        case .exponential: return .exponential
        case .softplus: return .softplus
        case .exponentialOf2: return nil
        case .softmax(let id, _, let count):
            guard count == columnCount else { return nil }
            let isWhole = columns.enumerated().allSatisfy { index, column in
                column.link == .softmax(id: id, index: index, count: count)
            }
            return isWhole ? .softmax : nil
        }
    }
}
