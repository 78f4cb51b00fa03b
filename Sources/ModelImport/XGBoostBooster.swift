import Forest
import Platform

/// Reads what an XGBoost model adds up: trees, with DART's weights, or the weights of a linear model.
struct XGBoostBooster {
    private let json: JSON
    let name: String

    init(_ learner: JSON) throws(ImportError) {
        guard let booster = learner["gradient_booster"] else { throw .fieldMissing(.booster) }
        guard let name = booster["name"] else { throw .fieldMissing(.booster) }
        guard let name = name.string else { throw .fieldInvalid(.booster) }
        guard ["gbtree", "dart", "gblinear"].contains(name) else { throw .boosterUnsupported(Quoted.name(name)) }
        json = booster
        self.name = name
    }

    var isLinear: Bool { name == "gblinear" }

    /// Whether categories were re-coded in training: the model's are then numbers in the order of the training data's.
    var recodesCategories: Bool {
        let model = (name == "dart" ? json["gbtree"] : json)?["model"]
        return model?["cats"]?["enc"]?.array?.isEmpty == false
    }

    private func model() throws(ImportError) -> JSON {
        guard let model = (name == "dart" ? json["gbtree"] : json)?["model"] else { throw .fieldMissing(.model) }
        return model
    }

    func trees(outputCount: Int) throws(ImportError) -> [TreeEnsemble.Tree] {
        let model = try model()
        guard let elements = model["trees"]?.array else { throw .fieldMissing(.trees) }
        guard let parameters = model["gbtree_model_param"]?["num_trees"] else { throw .fieldMissing(.treeCount) }
        guard let declared = parameters.xgboostCount else { throw .fieldInvalid(.treeCount) }
        guard elements.count == declared else { throw .countMismatch(.trees, declared: declared, found: elements.count) }
        guard let outputs = model["tree_info"]?.array else { throw .fieldMissing(.treeInfo) }
        guard outputs.count == declared else { throw .countMismatch(.treeInfo, declared: declared, found: outputs.count) }
        let weights = try name == "dart" ? treeWeights(count: declared) : nil
        var trees: [TreeEnsemble.Tree] = []
        trees.reserveCapacity(declared)
        for (index, element) in elements.enumerated() {
            guard let output = outputs[index].integer else { throw .fieldInvalid(.treeInfo) }
            let tree = try XGBoostTree(element, index: index)
            trees.append(try tree.tree(output: Int(output), weight: weights?[index] ?? 1, outputCount: outputCount))
        }
        return trees
    }

    /// DART's.
    private func treeWeights(count: Int) throws(ImportError) -> [Double] {
        guard let elements = json["weight_drop"]?.array else { throw .fieldMissing(.weightDrop) }
        guard elements.count == count else { throw .countMismatch(.weightDrop, declared: count, found: elements.count) }
        return try Self.floats(elements, .weightDrop)
    }

    /// The weights `[outputCount, featureCount]` and the biases of a linear model, which XGBoost keeps as `[featureCount + 1,
    /// outputCount]`, the biases last.
    func linear(featureCount: Int, outputCount: Int) throws(ImportError) -> (weights: LinearModel, biases: [Double]) {
        guard let elements = try model()["weights"]?.array else { throw .fieldMissing(.weights) }
        let (declared, overflow) = (featureCount + 1).multipliedReportingOverflow(by: outputCount)
        guard !overflow, elements.count == declared else {
            throw .countMismatch(.weights, declared: overflow ? .max : declared, found: elements.count)
        }
        let values = try Self.floats(elements, .weights)
        var weights: [Double] = []
        weights.reserveCapacity(featureCount * outputCount)
        for output in 0..<outputCount {
            for feature in 0..<featureCount { weights.append(values[feature * outputCount + output]) }
        }
        return (LinearModel(weights: weights), Array(values[(featureCount * outputCount)...]))
    }

    /// The numbers of a list, each a Float.
    private static func floats(_ elements: [JSON], _ field: ModelField) throws(ImportError) -> [Double] {
        var values: [Double] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            guard let value = element.float else { throw .fieldInvalid(field) }
            values.append(Double(value))
        }
        return values
    }
}
