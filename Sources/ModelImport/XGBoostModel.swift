import Forest
import ModelBundle
import Platform

/// Reads the tree of values in an XGBoost model file, JSON or UBJSON, of versions 1.0 to 3.2; keys it does not know are ignored.
///
/// All trees count, as in `Booster.predict`: a `best_iteration` left by early stopping is noted in the provenance only.
struct XGBoostModel {
    private let learner: JSON
    private let root: JSON

    static func read(_ root: JSON, format: String) throws(ImportError) -> ImportedModel {
        guard let learner = root["learner"], learner.object != nil else { throw .fieldMissing(.learner) }
        return try XGBoostModel(learner: learner, root: root).imported(format: format)
    }

    private func imported(format: String) throws(ImportError) -> ImportedModel {
        let objectiveName = try string(learner["objective"]?["name"], .objective)
        guard let objective = XGBoostObjective(name: objectiveName) else {
            throw .objectiveUnsupported(Quoted.name(objectiveName))
        }
        guard let parameters = learner["learner_model_param"] else { throw .fieldMissing(.modelParameters) }
        let featureCount = try count(parameters["num_feature"], .featureCount)
        let outputCount = try outputCount(parameters)
        let ensemble = TreeEnsemble(
            featureCount: featureCount,
            baseMargins: try baseScores(parameters["base_score"], outputCount: outputCount).map(objective.link.margin),
            transform: objective.transform, trees: try trees())
        do { _ = try PackedForest(ensemble) } catch { throw .forest(error) }
        return ImportedModel(
            format: format, objective: objectiveName, ensemble: ensemble, schema: try schema(featureCount: featureCount),
            policy: objective.policy, provenance: provenance(format: format))
    }

    private func outputCount(_ parameters: JSON) throws(ImportError) -> Int {
        let classCount = try count(parameters["num_class"], .classCount, default: 0)
        let targetCount = try count(parameters["num_target"], .targetCount, default: 1)
        guard classCount <= 1 || targetCount <= 1 else { throw .classesAndTargets }
        let outputCount = max(1, classCount, targetCount)
        do { try ForestShape.checkOutputCount(outputCount) } catch { throw .forest(error) }
        return outputCount
    }

    /// `"5E-1"` up to XGBoost 3.0, `"[5E-1]"` or one a class from 3.1 on; a single one serves all outputs.
    private func baseScores(_ json: JSON?, outputCount: Int) throws(ImportError) -> [Float] {
        guard let json else { throw .fieldMissing(.baseScore) }
        let value: JSON
        if let text = json.string {
            guard let parsed = try? JSON.parse(text, depthMax: 1) else { throw .fieldInvalid(.baseScore) }
            value = parsed
        } else {
            value = json
        }
        var scores: [Float] = []
        for element in value.array ?? [value] {
            guard let score = element.float else { throw .fieldInvalid(.baseScore) }
            scores.append(score)
        }
        if scores.count == 1 { return [Float](repeating: scores[0], count: outputCount) }
        guard scores.count == outputCount else {
            throw .countMismatch(.baseScore, declared: outputCount, found: scores.count)
        }
        return scores
    }

    private func trees() throws(ImportError) -> [TreeEnsemble.Tree] {
        let (model, weights) = try boosterModel()
        guard let elements = model["trees"]?.array else { throw .fieldMissing(.trees) }
        let declared = try count(model["gbtree_model_param"]?["num_trees"], .treeCount)
        guard elements.count == declared else { throw .countMismatch(.trees, declared: declared, found: elements.count) }
        guard let outputs = model["tree_info"]?.array else { throw .fieldMissing(.treeInfo) }
        guard outputs.count == declared else { throw .countMismatch(.treeInfo, declared: declared, found: outputs.count) }
        if let weights, weights.count != declared {
            throw .countMismatch(.weightDrop, declared: declared, found: weights.count)
        }
        var trees: [TreeEnsemble.Tree] = []
        trees.reserveCapacity(declared)
        for (index, element) in elements.enumerated() {
            guard let output = outputs[index].integer else { throw .fieldInvalid(.treeInfo) }
            let nodes = try XGBoostTree(element, index: index).nodes()
            trees.append(TreeEnsemble.Tree(nodes: nodes, output: Int(output), weight: weights?[index] ?? 1))
        }
        return trees
    }

    /// The tree model, and for DART its trees' weights.
    private func boosterModel() throws(ImportError) -> (JSON, weights: [Float]?) {
        guard let booster = learner["gradient_booster"] else { throw .fieldMissing(.booster) }
        let name = try string(booster["name"], .booster)
        guard name == "gbtree" || name == "dart" else { throw .boosterUnsupported(Quoted.name(name)) }
        guard let model = (name == "dart" ? booster["gbtree"] : booster)?["model"] else { throw .fieldMissing(.model) }
        if let encodings = model["cats"]?["enc"]?.array, !encodings.isEmpty { throw .categoryEncoding }
        guard name == "dart" else { return (model, nil) }
        guard let elements = booster["weight_drop"]?.array else { throw .fieldMissing(.weightDrop) }
        var weights: [Float] = []
        for element in elements {
            guard let weight = element.float else { throw .fieldInvalid(.weightDrop) }
            weights.append(weight)
        }
        return (model, weights)
    }

    /// The model's own names and types where it has them, else f0, f1 ….
    private func schema(featureCount: Int) throws(ImportError) -> FeatureSchema {
        let names = try strings(learner["feature_names"], .featureNames, count: featureCount)
        let types = try strings(learner["feature_types"], .featureTypes, count: featureCount)
        return FeatureSchema(
            features: (0..<featureCount).map { index in
                FeatureSchema.Feature(name: names?[index] ?? "f\(index)", type: Self.type(types?[index]))
            })
    }

    private static func type(_ name: String?) -> FeatureType {
        switch name {
        case "int": .integer
        case "i": .boolean
        case "c": .categorical
        default: .float
        }
    }

    private func provenance(format: String) -> Provenance {
        var entries: Provenance = [("source.format", format)]
        if let version = root["version"]?.array?.compactMap(\.integer), version.count == 3 {
            entries.append(("source.version", "xgboost \(version[0]).\(version[1]).\(version[2])"))
        }
        if let name = learner["gradient_booster"]?["name"]?.string { entries.append(("source.booster", name)) }
        if let best = learner["attributes"]?["best_iteration"]?.string.flatMap({ Int($0) }) {
            entries.append(("source.best_iteration", String(best)))
        }
        return entries
    }

    private func string(_ json: JSON?, _ field: ModelField) throws(ImportError) -> String {
        guard let json else { throw .fieldMissing(field) }
        guard let text = json.string else { throw .fieldInvalid(field) }
        return text
    }

    /// A count below 2^31, which XGBoost writes as a string.
    private func count(_ json: JSON?, _ field: ModelField, default: Int? = nil) throws(ImportError) -> Int {
        guard let json else {
            guard let value = `default` else { throw .fieldMissing(field) }
            return value
        }
        guard let value = json.integer ?? json.string.flatMap({ Int64($0) }), (0...Int64(Int32.max)).contains(value) else {
            throw .fieldInvalid(field)
        }
        return Int(value)
    }

    /// As many strings as there are features, or nil when there are none.
    private func strings(_ json: JSON?, _ field: ModelField, count: Int) throws(ImportError) -> [String]? {
        guard let json else { return nil }
        guard let elements = json.array else { throw .fieldInvalid(field) }
        guard !elements.isEmpty else { return nil }
        guard elements.count == count else { throw .countMismatch(field, declared: count, found: elements.count) }
        let texts = elements.compactMap(\.string)
        guard texts.count == count else { throw .fieldInvalid(field) }
        return texts
    }
}
