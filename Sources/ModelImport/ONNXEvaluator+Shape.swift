import Forest

/// Operators that choose, order and convert columns.
extension ONNXEvaluator {
    mutating func converted(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        let value = try input(node, 0)
        guard node.operatorName == "Cast" else { return value }
        guard let number = Int32(exactly: try node.integer(.to)), let type = ONNXElementType(rawValue: number) else {
            throw .useUnsupported(node.place, .operands)
        }
        switch value {
        case .constant(let tensor):
            try spend(tensor.elements.count)
            return .constant(ONNXTensor(type: type, dimensions: tensor.dimensions, elements: tensor.elements.map(type.converted)))
        case .features(let features):
            try spend(features.count)
            return .features(try features.map { (feature) throws(ONNXError) in try cast(feature, to: type, node) })
        case .scores(let scores):
            // Narrower than the sum: its rounding is left out, as all of a transform's are.
            if type.isFloatingPoint { return value }
            // Cutting off fractions is sure where there are none.
            return .scores(try eachLeaf(scores, node) { type.converted($0) == $0 ? $0 : .nan })
        }
    }

    private func cast(_ feature: ONNXFeature, to type: ONNXElementType, _ node: ONNXNode) throws(ONNXError) -> ONNXFeature {
        var feature = feature
        guard type != feature.type else { return feature }
        // Cutting off a fraction changes what a test sees; whole numbers to whole numbers do not.
        guard type.isFloatingPoint || (!feature.type.isFloatingPoint && feature.steps.isEmpty) else {
            throw .useUnsupported(node.place, .operands)
        }
        if type == .float && feature.type == .double {
            try append(ONNXFeature.Step(operation: .round, constant: 0, precision: .float32), to: &feature, node)
        }
        feature.type = type
        return feature
    }

    func append(_ step: ONNXFeature.Step, to feature: inout ONNXFeature, _ node: ONNXNode) throws(ONNXError) {
        guard feature.steps.count < ImportLimits.onnxFeatureStepCountMax else { throw .useUnsupported(node.place, .featureSteps) }
        feature.steps.append(step)
    }

    mutating func constant(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        guard let tensor = try node.tensor(.value) else { throw node.fault(.value, .missing) }
        return .constant(tensor)
    }

    /// Only shapes that leave the columns as they are.
    mutating func reshaped(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        let value = try input(node, 0)
        let columnCount: Int
        switch value {
        case .features(let features): columnCount = features.count
        case .scores(let scores): columnCount = scores.columns.count
        case .constant: throw .useUnsupported(node.place, .operands)
        }
        let isTable = if case .scores(let scores) = value { scores.isTable } else { true }
        let shape: [Int]
        switch node.operatorName {
        case "Flatten":
            guard try node.integer(.axis, default: 1) == 1, isTable else { throw .useUnsupported(node.place, .axis) }
            return value
        case "Squeeze", "Unsqueeze":
            let axes =
                node.inputs.count > 1 ? try constantInput(node, 1).integers : try node.integers(.axes) ?? []
            guard axes == [1] || axes == [-1], columnCount == 1, isTable == (node.operatorName == "Squeeze") else {
                throw .useUnsupported(node.place, .axis)
            }
            shape = isTable ? [-1] : [-1, 1]
        default:
            shape =
                node.inputs.count > 1
                ? try constantInput(node, 1).integers ?? [] : try node.integers(.shape) ?? []
        }
        guard case .scores(var scores) = value else {
            guard shape == [-1, columnCount] else { throw .useUnsupported(node.place, .shapes) }
            return value
        }
        guard shape == [-1, columnCount] || (shape == [-1] && columnCount == 1) else {
            throw .useUnsupported(node.place, .shapes)
        }
        scores.isTable = shape.count == 2
        return .scores(scores)
    }

    mutating func concatenated(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        if node.operatorName == "Concat" {
            let axis = try node.integer(.axis)
            guard axis == 1 || axis == -1 else { throw .useUnsupported(node.place, .axis) }
        }
        var features: [ONNXFeature] = []
        var columns: [ONNXColumn] = []
        for index in node.inputs.indices {
            switch try input(node, index) {
            case .features(let some):
                try spend(some.count)
                features += some
            case .scores(let scores) where scores.isTable:
                try spend(scores.columns.reduce(0) { $0 + $1.trees.count + 1 })
                columns += scores.columns
                guard columns.count <= ForestLimits.outputCountMax else { throw .useUnsupported(node.place, .columnCount) }
            default: throw .useUnsupported(node.place, .operands)
            }
        }
        guard features.isEmpty != columns.isEmpty else { throw .useUnsupported(node.place, .operands) }
        return features.isEmpty ? .scores(ONNXScores(columns: columns)) : .features(features)
    }

    mutating func gathered(_ node: ONNXNode) throws(ONNXError) -> ONNXValue {
        if node.operatorName == "Gather", try node.integer(.axis, default: 0) != 1 { throw .useUnsupported(node.place, .axis) }
        let tensor = try constantInput(node, 1)
        guard let indices = tensor.integers else { throw .useUnsupported(node.place, .shapes) }
        try spend(indices.count)
        // One index without a dimension makes a table with one dimension less.
        let isTable = node.operatorName != "Gather" || tensor.dimensions.count == 1
        switch try input(node, 0) {
        case .features(let features):
            guard isTable, let chosen = Self.choose(features, indices) else { throw .useUnsupported(node.place, .shapes) }
            return .features(chosen)
        case .scores(let scores):
            guard indices.count <= ForestLimits.outputCountMax else { throw .useUnsupported(node.place, .columnCount) }
            guard scores.isTable, let chosen = Self.choose(scores.columns, indices), isTable || chosen.count == 1 else {
                throw .useUnsupported(node.place, .shapes)
            }
            return .scores(ONNXScores(columns: chosen, isTable: isTable))
        case .constant: throw .useUnsupported(node.place, .operands)
        }
    }

    /// Elements by their indices, those below zero counted from the end; nil if one does not exist.
    private static func choose<Element>(_ elements: [Element], _ indices: [Int]) -> [Element]? {
        var chosen: [Element] = []
        for index in indices {
            let place = index < 0 ? index + elements.count : index
            guard elements.indices.contains(place) else { return nil }
            chosen.append(elements[place])
        }
        return chosen.isEmpty ? nil : chosen
    }
}

extension ONNXElementType {
    /// A number as this type holds it.
    func converted(_ value: Double) -> Double {
        switch self {
        case .double: value
        case .float: Double(Float(value))
        case .bool: value == 0 ? 0 : 1
        case .uint8, .int32, .int64: value.rounded(.towardZero)
        }
    }
}
