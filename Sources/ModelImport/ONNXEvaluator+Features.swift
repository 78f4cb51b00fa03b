import Forest

/// Operators on features, before trees or linear models see them.
extension ONNXEvaluator {
    /// ai.onnx.ml.Scaler: `(x - offset) * scale`, in float32 unless the features are doubles.
    mutating func scaled(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        var features = try features(node)
        let offsets = try perFeature(try node.floats(.offset) ?? [0], features.count, node, .offset)
        let scales = try perFeature(try node.floats(.scale) ?? [1], features.count, node, .scale)
        try spend(features.count)
        for index in features.indices {
            let isDouble = features[index].type == .double
            try append(.add, -offsets[index], isDouble ? .float64 : .float32, to: &features[index], node)
            try append(.multiply, scales[index], isDouble ? .float64 : .float32, to: &features[index], node)
            // What it gives are floats.
            if isDouble { try append(.round, 0, .float32, to: &features[index], node) }
            features[index].type = .float
        }
        return .features(features)
    }

    private func perFeature(
        _ values: [Double], _ count: Int, _ node: ONNXNode, _ name: ONNXAttributeName
    ) throws(ONNXError) -> [Double] {
        if values.count == 1 { return [Double](repeating: values[0], count: count) }
        guard values.count == count else { throw node.fault(name, .count(values.count, expected: count)) }
        return values
    }

    /// Add, Sub, Mul, Div of features and constants.
    mutating func shifted(
        _ features: [ONNXFeature], by tensor: ONNXTensor, _ node: ONNXNode
    ) throws(ONNXError) -> [ONNXFeature] {
        guard tensor.dimensions.count <= 2, tensor.dimensions.dropLast().allSatisfy({ $0 == 1 }) else {
            throw .useUnsupported(node.place, .shapes)
        }
        guard tensor.elements.count == 1 || tensor.elements.count == features.count else {
            throw .useUnsupported(node.place, .shapes)
        }
        try spend(features.count)
        var features = features
        for index in features.indices {
            let constant = tensor.elements[tensor.elements.count == 1 ? 0 : index]
            guard features[index].type.isFloatingPoint else { throw .useUnsupported(node.place, .operands) }
            let precision: Precision = features[index].type == .double ? .float64 : .float32
            switch node.operatorName {
            case "Add": try append(.add, constant, precision, to: &features[index], node)
            case "Sub": try append(.add, -constant, precision, to: &features[index], node)
            case "Mul": try append(.multiply, constant, precision, to: &features[index], node)
            case "Div": try append(.divide, constant, precision, to: &features[index], node)
            default: throw .useUnsupported(node.place, .operands)
            }
        }
        return features
    }

    private func append(
        _ operation: ONNXFeature.Step.Operation, _ constant: Double, _ precision: Precision, to feature: inout ONNXFeature,
        _ node: ONNXNode
    ) throws(ONNXError) {
        let constant = constant.rounded(toFloat: precision == .float32)
        guard constant.isFinite, operation == .add || operation == .round || constant != 0 else {
            throw .useUnsupported(node.place, .scale)
        }
        try append(ONNXFeature.Step(operation: operation, constant: constant, precision: precision), to: &feature, node)
    }

    /// ai.onnx.ml.Normalizer of probabilities that add up to one already.
    mutating func normalized(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        guard case .scores(let scores) = try input(node, 0), try node.text(.norm, default: "MAX") == "L1",
            try isDistribution(scores)
        else { throw .useUnsupported(node.place, .operands) }
        return .scores(scores)
    }

    /// The sum of probabilities that add up to one, as exporters divide by it: the constant one.
    mutating func summedColumns(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        let axes =
            node.inputs.count > 1 ? try constantInput(node, 1).elements : try node.integers(.axes)?.map { Double($0) } ?? []
        guard axes == [1] || axes == [-1], try node.integer(.keepDimensions, default: 1) == 1 else {
            throw .useUnsupported(node.place, .axis)
        }
        guard case .scores(let scores) = try input(node, 0), try isDistribution(scores) else {
            throw .useUnsupported(node.place, .operands)
        }
        return .constant(ONNXTensor(type: .double, dimensions: [1, 1], elements: [1]))
    }

    /// ai.onnx.ml.LabelEncoder: a table from a whole number, which a tree gave, to another number.
    mutating func relabelled(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        guard case .scores(let scores) = try input(node, 0) else { throw .useUnsupported(node.place, .operands) }
        guard let keys = try node.wholeOrFloat(.keysIntegers, .keysFloats) else { throw node.fault(.keysIntegers, .missing) }
        guard let values = try node.wholeOrFloat(.valuesIntegers, .valuesFloats) else {
            throw node.fault(.valuesFloats, .missing)
        }
        guard keys.count == values.count else { throw node.fault(.valuesFloats, .count(values.count, expected: keys.count)) }
        try spend(keys.count)
        // Of keys that are repeated, runtimes take the first or the last.
        var table: [Double: Double] = [:]
        for (index, key) in keys.enumerated() {
            guard table.updateValue(values[index], forKey: key) == nil else { throw node.fault(.keysIntegers, .repeated) }
        }
        // A key that is not in the table gives NaN here, which no leaf may hold; defaults are not needed by what exporters write.
        return .scores(try eachLeaf(scores, node) { table[$0] ?? .nan })
    }
}

extension ONNXEvaluator {
    /// Whether the columns are probabilities that add up to one.
    mutating func isDistribution(_ scores: ONNXScores) throws(ONNXError) -> Bool {
        try spend(scores.columns.reduce(0) { $0 + $1.stepCount })
        return scores.isDistribution
    }
}

extension ONNXScores {
    fileprivate var isDistribution: Bool {
        if case .softmax(let id, _, let count)? = columns.first?.link, count == columns.count {
            return columns.enumerated().allSatisfy { index, column in
                column.link == .softmax(id: id, index: index, count: count) && column.outerFactor == 1 && column.outerOffset == 0
            }
        }
        return columns.count == 2 && columns[0].isComplement(of: columns[1]) && columns[1].link == .logistic
    }
}

extension ONNXColumn {
    /// Whether it is one less the other, whatever the row: by the same sum, or by the logistic function of its negative.
    func isComplement(of other: ONNXColumn) -> Bool {
        guard link == other.link, other.outerFactor == 1, other.outerOffset == 0 else { return false }
        if isLinked, outerFactor == -1, outerOffset == 1 { return isSameSum(as: other, sign: 1) && offset == other.offset }
        guard outerFactor == 1, outerOffset == 0, isSameSum(as: other, sign: -1) else { return false }
        switch link {
        case .logistic: return offset == -other.offset
        case .identity: return offset == 1 - other.offset
        default: return false
        }
    }

    /// Whether, but for offsets, it sums the same leaves of the same trees and the same features, or their negatives.
    private func isSameSum(as other: ONNXColumn, sign: Double) -> Bool {
        guard divisor == other.divisor, trees.count == other.trees.count, weights.count == other.weights.count else {
            return false
        }
        guard factor == sign * other.factor || trees.isEmpty else { return false }
        let areWeightsEqual = zip(weights, other.weights).allSatisfy { $0 * factor == sign * $1 * other.factor }
        return areWeightsEqual && zip(trees, other.trees).allSatisfy { $0.tree === $1.tree && $0.values == $1.values }
    }
}
