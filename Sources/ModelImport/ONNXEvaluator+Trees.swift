import Forest

/// The operators that are tree ensembles.
extension ONNXEvaluator {
    /// The names of the attributes in which operators keep weights.
    private struct WeightNames {
        let trees: ONNXAttributeName
        let nodes: ONNXAttributeName
        let targets: ONNXAttributeName
        let weights: ONNXAttributeName
        let weightsAsTensor: ONNXAttributeName

        static let classes = WeightNames(
            trees: .classTreeIDs, nodes: .classNodeIDs, targets: .classIDs, weights: .classWeights,
            weightsAsTensor: .classWeightsAsTensor)
        static let regression = WeightNames(
            trees: .targetTreeIDs, nodes: .targetNodeIDs, targets: .targetIDs, weights: .targetWeights,
            weightsAsTensor: .targetWeightsAsTensor)
    }

    private mutating func sums(_ node: ONNXNode, _ names: WeightNames, targetCount: Int) throws(ONNXError) -> ONNXSums {
        let features = try features(node)
        let lists = try ONNXNodeLists(node)
        guard let numbers = try node.numbers(names.weights, orTensor: names.weightsAsTensor) else {
            throw node.fault(names.weights, .missing)
        }
        let precision = try comparePrecision(features, types: [lists.valueType, numbers.type], node)
        let count = numbers.values.count
        let targets = try node.integers(names.targets, count: count)
        let trees = try node.integers(names.trees, count: count)
        let nodes = try node.integers(names.nodes, count: count)
        try spend(count)
        var leaves: [Int] = []
        leaves.reserveCapacity(count)
        for index in 0..<count {
            guard (0..<targetCount).contains(targets[index]) else { throw node.fault(names.targets, .outOfRange(index: index)) }
            guard let leaf = lists.leaves[ONNXNodeLists.Key(tree: trees[index], node: nodes[index])] else {
                throw .treeFault(node.place, .weightOutsideTrees(weight: index))
            }
            guard numbers.values[index].isFinite else { throw node.fault(names.weights, .outOfRange(index: index)) }
            leaves.append(leaf)
        }
        var reducer = ONNXTreeReducer(lists.trees, features: features, precision: precision, place: node.place)
        return try summed(
            reducer.trees(), ONNXSums.Weights(leaves: leaves, targets: targets, values: numbers.values),
            leafCount: lists.trees.leafNumbers.count, targetCount: targetCount, precision, node)
    }

    private mutating func summed(
        _ trees: [ONNXTree], _ weights: ONNXSums.Weights, leafCount: Int, targetCount: Int, _ precision: Precision,
        _ node: ONNXNode
    ) throws(ONNXError) -> ONNXSums {
        var sums = ONNXSums(targetCount: targetCount, precision: precision)
        let order = weights.orderByLeaf(leafCount: leafCount)
        for tree in trees {
            try spend(ONNXSums.stepCount(tree, weights, order))
            guard sums.append(tree, weights, order) else { throw .useUnsupported(node.place, .repeatedWeights) }
        }
        return sums
    }

    /// What branches compare in and leaves are added in: the type of the features; whole numbers are floats here.
    private func comparePrecision(
        _ features: [ONNXFeature], types: [ONNXElementType], _ node: ONNXNode
    ) throws(ONNXError) -> Precision {
        let isDouble = features.contains { $0.type == .double }
        guard !features.contains(where: { ($0.type == .double) != isDouble }) else {
            throw .useUnsupported(node.place, .mixedTypes)
        }
        // Version 1 of the operators has no doubles: thresholds are floats then, whatever the features are.
        guard isDouble || !types.contains(.double) else { throw .useUnsupported(node.place, .mixedTypes) }
        return isDouble ? .float64 : .float32
    }

    /// TreeEnsembleRegressor, and TreeEnsemble of version 5.
    mutating func regressor(_ node: ONNXNode) throws(ONNXError) -> ONNXScores {
        let isNew = node.operatorName == "ai.onnx.ml.TreeEnsemble"
        let targetCount = try node.integer(.targetCount, default: isNew ? 1 : nil)
        guard (1...ForestLimits.outputCountMax).contains(targetCount) else {
            throw node.fault(.targetCount, .outOfRange(index: 0))
        }
        let sums = isNew ? try newSums(node, targetCount: targetCount) : try sums(node, .regression, targetCount: targetCount)
        let base = isNew ? nil : try node.numbers(.baseValues, orTensor: .baseValuesAsTensor)?.values
        if let base, base.count != targetCount { throw node.fault(.baseValues, .count(base.count, expected: targetCount)) }
        let aggregate = isNew ? try newAggregate(node) : try node.text(.aggregate, default: "SUM")
        guard aggregate == "SUM" || aggregate == "AVERAGE" else { throw .useUnsupported(node.place, .aggregate) }
        let transform = isNew ? try newTransform(node) : try node.text(.postTransform, default: "NONE")
        // ONNX Runtime transforms no single target, and adds no base value to a target without weight.
        guard targetCount > 1 || transform == "NONE" else { throw .useUnsupported(node.place, .ambiguous) }
        guard targetCount == 1 || base == nil || sums.isAlwaysWeighted.allSatisfy(\.self) else {
            throw .useUnsupported(node.place, .ambiguous)
        }
        var columns: [ONNXColumn] = []
        for target in 0..<targetCount {
            var column = sums.column(target)
            if aggregate == "AVERAGE" { column = column.divided(by: Double(sums.treeCount)) }
            if let base { column = column.scaled(by: 1, plus: base[target]) }
            columns.append(column)
        }
        return try transformed(ONNXScores(columns: columns), transform, node)
    }

    private mutating func newSums(_ node: ONNXNode, targetCount: Int) throws(ONNXError) -> ONNXSums {
        let features = try features(node)
        let branches = try ONNXBranches(ensemble: node)
        guard let weights = try node.tensor(.leafWeights), let type = weights.type,
            let splitType = try node.tensor(.splits)?.type,
            type.isFloatingPoint, splitType.isFloatingPoint
        else { throw node.fault(.leafWeights, .wrongType) }
        let precision = try comparePrecision(features, types: [splitType, type], node)
        let leafCount = branches.leafNumbers.count
        guard weights.elements.count == leafCount else {
            throw node.fault(.leafWeights, .count(weights.elements.count, expected: leafCount))
        }
        let targets = try node.integers(.leafTargetIDs, count: leafCount)
        for (leaf, target) in targets.enumerated() {
            guard (0..<targetCount).contains(target) else { throw node.fault(.leafTargetIDs, .outOfRange(index: leaf)) }
            guard weights.elements[leaf].isFinite else { throw node.fault(.leafWeights, .outOfRange(index: leaf)) }
        }
        var reducer = ONNXTreeReducer(branches, features: features, precision: precision, place: node.place)
        return try summed(
            reducer.trees(), ONNXSums.Weights(leaves: Array(0..<leafCount), targets: targets, values: weights.elements),
            leafCount: leafCount, targetCount: targetCount, precision, node)
    }

    private func newAggregate(_ node: ONNXNode) throws(ONNXError) -> String {
        switch try node.integer(.aggregate, default: 1) {
        case 0: "AVERAGE"
        case 1: "SUM"
        default: "other"
        }
    }

    private func newTransform(_ node: ONNXNode) throws(ONNXError) -> String {
        switch try node.integer(.postTransform, default: 0) {
        case 0: "NONE"
        case 1: "SOFTMAX"
        case 2: "LOGISTIC"
        default: "other"
        }
    }

    mutating func classifier(_ node: ONNXNode) throws(ONNXError) -> ONNXScores {
        try readClassNames(node, .classIntegers)
        let classCount = classNames.count
        let sums = try sums(node, .classes, targetCount: classCount)
        let base = try node.numbers(.baseValues, orTensor: .baseValuesAsTensor)?.values
        let transform = try node.text(.postTransform, default: "NONE")
        let used = (0..<classCount).filter { !sums.parts[$0].isEmpty }
        if classCount == 2 && used.count <= 1 { return try binary(node, sums, used, base, transform) }
        // With two classes of their own weights, runtimes agree only without base values and where each row has the second.
        guard classCount > 2 || (base == nil && sums.isAlwaysWeighted[1]) else { throw .useUnsupported(node.place, .ambiguous) }
        if let base, base.count != classCount { throw node.fault(.baseValues, .count(base.count, expected: classCount)) }
        let columns = (0..<classCount).map { target in
            base.map { sums.column(target).scaled(by: 1, plus: $0[target]) } ?? sums.column(target)
        }
        return try transformed(ONNXScores(columns: columns, areClasses: true), transform, node)
    }

    /// Two classes and one column of weights: the score of the second class, of which the first one is the complement.
    private func binary(
        _ node: ONNXNode, _ sums: ONNXSums, _ used: [Int], _ base: [Double]?, _ transform: String
    ) throws(ONNXError) -> ONNXScores {
        // Weights of class 0, by a convention of the exporters, are class 1's; those of class 1 alone, runtimes treat differently.
        guard used == [0], base == nil || base?.count == 1 else { throw .useUnsupported(node.place, .ambiguous) }
        let column = base.map { sums.column(0).scaled(by: 1, plus: $0[0]) } ?? sums.column(0)
        var columns = [column.scaled(by: -1), column]
        switch transform {
        case "LOGISTIC": for index in columns.indices { columns[index].link = .logistic }
        case "NONE":
            // Probabilities, if no weight is negative; else margins.
            if !sums.hasNegative { columns[0] = column.scaled(by: -1, plus: 1) }
        case "SOFTMAX": throw .useUnsupported(node.place, .ambiguous)
        default: throw .useUnsupported(node.place, .postTransform)
        }
        return ONNXScores(columns: columns, areClasses: true)
    }

    mutating func readClassNames(_ node: ONNXNode, _ integers: ONNXAttributeName) throws(ONNXError) {
        let numbers = try node.integers(integers)
        let texts = try node.texts(.classStrings)
        guard numbers == nil || texts == nil else { throw node.fault(.classStrings, .repeated) }
        classNames = texts ?? numbers?.map { String($0) } ?? []
        guard classNames.count >= 2 else { throw .useUnsupported(node.place, .classCount) }
        guard classNames.count <= ForestLimits.outputCountMax else {
            throw node.fault(integers, .count(classNames.count, expected: ForestLimits.outputCountMax))
        }
    }

    mutating func transformed(_ scores: ONNXScores, _ transform: String, _ node: ONNXNode) throws(ONNXError) -> ONNXScores {
        switch transform {
        case "NONE": return scores
        case "LOGISTIC":
            var scores = scores
            for index in scores.columns.indices { scores.columns[index].link = .logistic }
            return scores
        case "SOFTMAX": return try softmax(scores, node)
        default: throw .useUnsupported(node.place, .postTransform)
        }
    }
}
