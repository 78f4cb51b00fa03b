import Forest

/// Evaluates the graph for all rows at once: every tensor becomes a formula of the inputs.
///
/// What no formula here can say is refused with the operator's name.
struct ONNXEvaluator {
    private let file: ONNXFile
    private var values: [String: ONNXValue] = [:]
    private var stepsLeft: Int
    private let stepLimit: Int
    private var softmaxCount = 0
    /// The input columns, in the order of the inputs.
    let featureCount: Int
    let domain: Precision
    /// Class names, where a classifier has some.
    var classNames: [String] = []

    init(_ file: ONNXFile, byteCount: Int) throws(ONNXError) {
        self.file = file
        stepLimit = max(ImportLimits.onnxStepCountMin, byteCount * ImportLimits.onnxStepsPerByte)
        stepsLeft = stepLimit
        guard let first = file.inputs.first else { throw .partMissing(.input) }
        domain = first.type == .double ? .float64 : .float32
        var featureCount = 0
        for (index, input) in file.inputs.enumerated() {
            guard let columns = input.columnCount, columns <= ForestLimits.featureCountMax else {
                throw .inputUnsupported(index: index, .shape)
            }
            guard let type = input.type, type != .bool, type != .uint8 else { throw .inputUnsupported(index: index, .type) }
            guard (type == .double) == (first.type == .double) else { throw .inputUnsupported(index: index, .mixture) }
            values[input.name] = .features(Self.features(from: featureCount, count: columns, domain, type))
            featureCount += columns
            guard featureCount <= ForestLimits.featureCountMax else { throw .inputUnsupported(index: index, .shape) }
        }
        self.featureCount = featureCount
        for (name, tensor) in file.initializers where tensor.type != nil { values[name] = .constant(tensor) }
    }

    private static func features(
        from start: Int, count: Int, _ domain: Precision, _ type: ONNXElementType
    ) -> [ONNXFeature] {
        (start..<(start + count)).map { ONNXFeature(index: $0, domain: domain, type: type) }
    }

    /// The formula of an output; only what it is made of is evaluated.
    mutating func evaluate(output name: String) throws(ONNXError) -> ONNXScores {
        var isNeeded = [Bool](repeating: false, count: file.nodes.count)
        var needed: Set<String> = [name]
        // Nodes come after what they use: one pass from the end finds all.
        for (index, node) in file.nodes.enumerated().reversed() where node.outputs.contains(where: needed.contains) {
            isNeeded[index] = true
            needed.formUnion(node.inputs)
        }
        for (index, node) in file.nodes.enumerated() where isNeeded[index] { try run(node) }
        guard case .scores(let scores)? = values[name] else { throw .noScores }
        return scores
    }

    private mutating func run(_ node: ONNXNode) throws(ONNXError) {
        let results = try results(of: node)
        for (index, result) in results.enumerated() where index < node.outputs.count && !node.outputs[index].isEmpty {
            guard let result else { continue }
            guard values.updateValue(result, forKey: node.outputs[index]) == nil else {
                throw .outputRedefined(node.place, output: index)
            }
        }
    }

    /// One result an output; nil for class labels, which nothing may use.
    private mutating func results(of node: ONNXNode) throws(ONNXError) -> [ONNXValue?] {
        switch node.operatorName {
        case "Identity", "Cast": [try converted(node)]
        case "Constant": [try constant(node)]
        case "Reshape", "Flatten", "Squeeze", "Unsqueeze": [try reshaped(node)]
        case "Concat", "ai.onnx.ml.FeatureVectorizer": [try concatenated(node)]
        case "Gather", "ai.onnx.ml.ArrayFeatureExtractor": [try gathered(node)]
        case "Add", "Sub", "Mul", "Div", "Sum", "Max", "Min", "Pow", "Equal", "Greater", "Less": [try combined(node)]
        case "ReduceSum": [try summedColumns(node)]
        case "Abs", "Neg", "Exp", "Log", "Sigmoid", "Softplus": [try mapped(node)]
        case "Softmax": [try softmax(node)]
        case "MatMul", "Gemm": [try multiplied(node)]
        case "ai.onnx.ml.Scaler": [try scaled(node)]
        case "ai.onnx.ml.Normalizer": [try normalized(node)]
        case "ai.onnx.ml.ZipMap": [try input(node, 0)]
        case "ai.onnx.ml.LabelEncoder": [try relabelled(node)]
        case "ai.onnx.ml.TreeEnsembleRegressor", "ai.onnx.ml.TreeEnsemble": [.scores(try regressor(node))]
        case "ai.onnx.ml.TreeEnsembleClassifier": [nil, .scores(try classifier(node))]
        case "ai.onnx.ml.LinearRegressor": [.scores(try linearRegressor(node))]
        case "ai.onnx.ml.LinearClassifier": [nil, .scores(try linearClassifier(node))]
        default: throw .operatorUnsupported(node.place)
        }
    }

    func input(_ node: ONNXNode, _ index: Int) throws(ONNXError) -> ONNXValue {
        guard node.inputs.indices.contains(index) else { throw .useUnsupported(node.place, .inputCount) }
        guard let value = values[node.inputs[index]] else { throw .inputUndefined(node.place, input: index) }
        return value
    }

    /// The input columns that an operator on features works on.
    func features(_ node: ONNXNode) throws(ONNXError) -> [ONNXFeature] {
        guard case .features(let features) = try input(node, 0) else { throw .useUnsupported(node.place, .operands) }
        return features
    }

    func constantInput(_ node: ONNXNode, _ index: Int) throws(ONNXError) -> ONNXTensor {
        guard case .constant(let tensor) = try input(node, index) else { throw .useUnsupported(node.place, .operands) }
        return tensor
    }

    /// Accounts for work in proportion to the file's length, so that a short file cannot ask for much.
    mutating func spend(_ steps: Int) throws(ONNXError) {
        stepsLeft -= steps
        guard stepsLeft >= 0 else { throw .tooMuchWork(stepLimit: stepLimit) }
    }

    mutating func nextSoftmaxID() -> Int {
        softmaxCount += 1
        return softmaxCount
    }
}
