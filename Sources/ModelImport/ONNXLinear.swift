import Forest

/// The operators that are linear models.
extension ONNXEvaluator {
    /// A weighted sum of features, after what was done to them: scalings are multiplied into the weights, in float64.
    private func linear(
        _ features: [ONNXFeature], _ weights: some Sequence<Double>, intercept: Double, _ node: ONNXNode
    ) throws(ONNXError) -> ONNXColumn {
        var column = ONNXColumn(precision: .float64)
        column.weights = [Double](repeating: 0, count: featureCount)
        column.offset = intercept
        for (feature, weight) in zip(features, weights) {
            var (factor, offset) = (1.0, 0.0)
            for step in feature.steps {
                switch step.operation {
                case .add: offset += step.constant
                case .multiply: (factor, offset) = (factor * step.constant, offset * step.constant)
                case .divide: (factor, offset) = (factor / step.constant, offset / step.constant)
                case .round: break
                }
            }
            column.weights[feature.index] += weight * factor
            column.offset += weight * offset
        }
        guard column.offset.isFinite, column.weights.allSatisfy(\.isFinite) else { throw .useUnsupported(node.place, .output) }
        return column
    }

    private mutating func linears(
        _ node: ONNXNode, _ coefficients: [Double], _ intercepts: [Double], count: Int
    ) throws(ONNXError) -> [ONNXColumn] {
        let features = try features(node)
        guard coefficients.count == count * features.count else {
            throw node.fault(.coefficients, .count(coefficients.count, expected: count * features.count))
        }
        guard intercepts.isEmpty || intercepts.count == count else {
            throw node.fault(.intercepts, .count(intercepts.count, expected: count))
        }
        var columns: [ONNXColumn] = []
        for target in 0..<count {
            try spend(features.count + featureCount)
            let weights = coefficients[(target * features.count)..<((target + 1) * features.count)]
            columns.append(try linear(features, weights, intercept: intercepts.isEmpty ? 0 : intercepts[target], node))
        }
        return columns
    }

    mutating func linearRegressor(_ node: ONNXNode) throws(ONNXError) -> ONNXScores {
        let count = try node.integer(.targets, default: 1)
        guard (1...ForestLimits.outputCountMax).contains(count) else { throw node.fault(.targets, .outOfRange(index: 0)) }
        guard let coefficients = try node.floats(.coefficients) else { throw node.fault(.coefficients, .missing) }
        let columns = try linears(node, coefficients, try node.floats(.intercepts) ?? [], count: count)
        return try transformed(ONNXScores(columns: columns), try node.text(.postTransform, default: "NONE"), node)
    }

    mutating func linearClassifier(_ node: ONNXNode) throws(ONNXError) -> ONNXScores {
        try readClassNames(node, .classIntegersLinear)
        guard let coefficients = try node.floats(.coefficients) else { throw node.fault(.coefficients, .missing) }
        // A single row of weights for two classes is treated in different ways.
        let featureCount = try features(node).count
        guard coefficients.count == classNames.count * featureCount else { throw .useUnsupported(node.place, .ambiguous) }
        let columns = try linears(node, coefficients, try node.floats(.intercepts) ?? [], count: classNames.count)
        return try transformed(
            ONNXScores(columns: columns, areClasses: true), try node.text(.postTransform, default: "NONE"), node)
    }

    /// MatMul and Gemm of features with constant weights, `[features, columns]`.
    mutating func multiplied(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        let features = try features(node)
        let tensor = try constantInput(node, 1)
        guard tensor.dimensions.count == 2 else { throw .useUnsupported(node.place, .shapes) }
        let isTransposed = try node.integer(.transB, default: 0) != 0
        let isPlain = try node.integer(.transA, default: 0) == 0 && !node.has(.alpha) && !node.has(.beta)
        let rows = tensor.dimensions[isTransposed ? 1 : 0]
        let columnCount = tensor.dimensions[isTransposed ? 0 : 1]
        guard isPlain, rows == features.count, (1...ForestLimits.outputCountMax).contains(columnCount) else {
            throw .useUnsupported(node.place, .shapes)
        }
        var intercepts: [Double] = []
        if node.inputs.count > 2 {
            intercepts = try constantInput(node, 2).elements
            if intercepts.count == 1 { intercepts = [Double](repeating: intercepts[0], count: columnCount) }
        }
        try spend(tensor.elements.count)
        let byColumn = (0..<columnCount).flatMap { column in
            (0..<rows).map { row in tensor.elements[isTransposed ? column * rows + row : row * columnCount + column] }
        }
        return .scores(ONNXScores(columns: try linears(node, byColumn, intercepts, count: columnCount)))
    }
}
