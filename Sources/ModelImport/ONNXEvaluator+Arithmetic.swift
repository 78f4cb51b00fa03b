import Forest
import Glibc

/// Operators on numbers, element by element.
extension ONNXEvaluator {
    /// Operators on two or more tensors, taken from left to right.
    mutating func combined(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        let isList = ["Sum", "Max", "Min"].contains(node.operatorName)
        try node.checkInputCount(isList ? 1...Int.max : 2...2)
        var result = try input(node, 0)
        if node.operatorName == "Sum", let sum = try sum(node) { return sum }
        for index in node.inputs.indices.dropFirst() { result = try combine(result, input(node, index), node) }
        return result
    }

    /// A sum of scores, without copying what was added up before: an Isolation Forest sums all of its trees. nil if constants are
    /// among what is summed.
    private mutating func sum(_ node: ONNXNode) throws(ONNXError) -> ONNXValue? {
        guard case .scores(var total) = try input(node, 0) else { return nil }
        for index in total.columns.indices {
            try spend(total.columns[index].stepCount)
            total.columns[index].absorb()
        }
        for index in node.inputs.indices.dropFirst() {
            guard case .scores(let scores) = try input(node, index) else { return nil }
            guard scores.columns.count == total.columns.count, scores.isTable == total.isTable else {
                throw .useUnsupported(node.place, .shapes)
            }
            for (place, column) in scores.columns.enumerated() {
                try spend(column.stepCount)
                guard total.columns[place].add(column) else { throw .useUnsupported(node.place, .afterTransform) }
            }
        }
        return .scores(total)
    }

    private mutating func combine(_ left: ONNXValue, _ right: ONNXValue, _ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        switch (left, right) {
        case (.scores(let scores), .constant(let tensor)):
            let constants = try broadcast(tensor, to: scores, node)
            var columns: [ONNXColumn] = []
            for (column, constant) in zip(scores.columns, constants) { columns.append(try apply(column, constant, node)) }
            return .scores(scores.replacing(columns))
        case (.constant(let tensor), .scores(let scores)):
            let constants = try broadcast(tensor, to: scores, node)
            var columns: [ONNXColumn] = []
            for (column, constant) in zip(scores.columns, constants) { columns.append(try apply(constant, column, node)) }
            return .scores(scores.replacing(columns))
        case (.scores(let left), .scores(let right)):
            guard left.columns.count == right.columns.count, left.isTable == right.isTable else {
                throw .useUnsupported(node.place, .shapes)
            }
            var columns: [ONNXColumn] = []
            for (left, right) in zip(left.columns, right.columns) { columns.append(try apply(left, right, node)) }
            return .scores(ONNXScores(columns: columns, isTable: left.isTable))
        case (.features(let features), .constant(let tensor)): return .features(try shifted(features, by: tensor, node))
        default: throw .useUnsupported(node.place, .operands)
        }
    }

    /// A constant for each column.
    private func broadcast(_ tensor: ONNXTensor, to scores: ONNXScores, _ node: ONNXNode) throws(ONNXError) -> [Double] {
        let count = scores.columns.count
        let isRow = tensor.dimensions.dropLast().allSatisfy { $0 == 1 } && tensor.dimensions.count <= (scores.isTable ? 2 : 1)
        if isRow, tensor.elements.count == 1 { return [Double](repeating: tensor.elements[0], count: count) }
        guard isRow, scores.isTable, tensor.elements.count == count else { throw .useUnsupported(node.place, .shapes) }
        return tensor.elements
    }

    private mutating func apply(_ column: ONNXColumn, _ constant: Double, _ node: ONNXNode) throws(ONNXError) -> ONNXColumn {
        try spend(column.trees.count + 1)
        switch node.operatorName {
        case "Add", "Sum": return column.scaled(by: 1, plus: constant)
        case "Sub": return column.scaled(by: 1, plus: -constant)
        case "Mul" where constant == 1, "Div" where constant == 1: return column
        case "Mul" where constant.isFinite && constant != 0: return column.scaled(by: constant)
        case "Div" where constant.isFinite && constant != 0: return column.divided(by: constant)
        default:
            try checkComparable((column.leafValues ?? []) + [constant], node)
            return try eachLeaf(column, node) { Self.compute(node.operatorName, $0, constant) }
        }
    }

    private mutating func apply(_ constant: Double, _ column: ONNXColumn, _ node: ONNXNode) throws(ONNXError) -> ONNXColumn {
        switch node.operatorName {
        case "Add", "Sum", "Mul": return try apply(column, constant, node)
        case "Sub":
            try spend(column.trees.count + 1)
            return column.scaled(by: -1, plus: constant)
        case "Pow" where constant == 2 && !column.isLinked:
            try spend(column.trees.count + 1)
            var column = column
            column.link = .exponentialOf2
            return column
        default:
            try checkComparable((column.leafValues ?? []) + [constant], node)
            return try eachLeaf(column, node) { Self.compute(node.operatorName, constant, $0) }
        }
    }

    private mutating func apply(_ left: ONNXColumn, _ right: ONNXColumn, _ node: ONNXNode) throws(ONNXError) -> ONNXColumn {
        try spend(left.stepCount + right.stepCount)
        if ["Add", "Sum", "Sub"].contains(node.operatorName) {
            var sum = left
            guard sum.add(node.operatorName == "Sub" ? right.scaled(by: -1) : right) else {
                throw .useUnsupported(node.place, .afterTransform)
            }
            return sum
        }
        guard let lefts = left.leafValues, let rights = right.leafValues, left.trees[0].tree === right.trees[0].tree else {
            throw .useUnsupported(node.place, left.isLinked || right.isLinked ? .afterTransform : .notOfOneTree)
        }
        try checkComparable(lefts + rights, node)
        let values = zip(lefts, rights).map { Self.compute(node.operatorName, $0, $1) }
        return try leafColumn(left.trees[0].tree, values, node)
    }

    /// Numbers are wider here than in the graph: what a comparison gives is sure for whole ones.
    private func checkComparable(_ values: [Double], _ node: ONNXNode) throws(ONNXError) {
        guard ["Equal", "Greater", "Less"].contains(node.operatorName) else { return }
        guard values.allSatisfy({ $0 == $0.rounded() }) else { throw .useUnsupported(node.place, .operands) }
    }

    /// Operators on one tensor.
    mutating func mapped(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        try node.checkInputCount(1...1)
        guard case .scores(var scores) = try input(node, 0) else { throw .useUnsupported(node.place, .operands) }
        // Probabilities are positive already.
        if node.operatorName == "Abs", try isDistribution(scores) { return .scores(scores) }
        for index in scores.columns.indices {
            let column = scores.columns[index]
            try spend(column.trees.count + 1)
            scores.columns[index] =
                switch node.operatorName {
                case "Abs": try eachLeaf(column, node) { abs($0) }
                case "Neg": column.scaled(by: -1)
                case "Sigmoid": try linked(column, .logistic, node)
                case "Exp": try linked(column, .exponential, node)
                case "Softplus": try linked(column, .softplus, node)
                default: try eachLeaf(column, node) { log($0) }
                }
        }
        return .scores(scores)
    }

    private func linked(_ column: ONNXColumn, _ link: ONNXColumn.Link, _ node: ONNXNode) throws(ONNXError) -> ONNXColumn {
        guard !column.isLinked else { throw .useUnsupported(node.place, .afterTransform) }
        var column = column
        column.link = link
        return column
    }

    mutating func softmax(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        let axis = try node.integer(.axis, default: -1)
        guard case .scores(let scores) = try input(node, 0) else { throw .useUnsupported(node.place, .operands) }
        guard axis == 1 || axis == -1, scores.isTable else { throw .useUnsupported(node.place, .axis) }
        return .scores(try softmax(scores, node))
    }

    mutating func softmax(_ scores: ONNXScores, _ node: ONNXNode) throws(ONNXError) -> ONNXScores {
        try spend(scores.columns.count)
        let id = nextSoftmaxID()
        var scores = scores
        for index in scores.columns.indices {
            let count = scores.columns.count
            scores.columns[index] = try linked(scores.columns[index], .softmax(id: id, index: index, count: count), node)
        }
        return scores
    }

    /// Any function at all, of columns that depend on one tree each: its value for each leaf.
    mutating func eachLeaf(
        _ scores: ONNXScores, _ node: ONNXNode, _ function: (Double) -> Double
    ) throws(ONNXError) -> ONNXScores {
        var scores = scores
        for index in scores.columns.indices { scores.columns[index] = try eachLeaf(scores.columns[index], node, function) }
        return scores
    }

    mutating func eachLeaf(
        _ column: ONNXColumn, _ node: ONNXNode, _ function: (Double) -> Double
    ) throws(ONNXError) -> ONNXColumn {
        try spend(column.stepCount)
        guard let values = column.leafValues else {
            throw .useUnsupported(node.place, column.isLinked ? .afterTransform : .notOfOneTree)
        }
        return try leafColumn(column.trees[0].tree, values.map(function), node)
    }

    /// A function of one tree's leaf. Numbers that are not finite are in no bundle.
    private func leafColumn(_ tree: ONNXTree, _ values: [Double], _ node: ONNXNode) throws(ONNXError) -> ONNXColumn {
        guard values.allSatisfy(\.isFinite) else { throw .useUnsupported(node.place, .output) }
        return ONNXColumn(trees: [ONNXColumn.Part(tree: tree, values: values)], precision: .float64)
    }

    private static func compute(_ name: String, _ left: Double, _ right: Double) -> Double {
        switch name {
        case "Add", "Sum": left + right
        case "Sub": left - right
        case "Mul": left * right
        case "Div": left / right
        case "Max": max(left, right)
        case "Min": min(left, right)
        case "Pow": pow(left, right)
        case "Equal": left == right ? 1 : 0
        case "Greater": left > right ? 1 : 0
        case "Less": left < right ? 1 : 0
        default: .nan
        }
    }
}
