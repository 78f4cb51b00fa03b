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
        try checkVersion(objectiveName, outputCount: outputCount)
        let booster = try XGBoostBooster(learner)
        var ensemble = TreeEnsemble(
            featureCount: featureCount,
            baseMargins: try baseScores(parameters["base_score"], outputCount: outputCount).map {
                Double(objective.link.margin(ofBaseScore: $0))
            },
            transform: objective.transform, trees: [])
        var linear: LinearModel?
        if booster.isLinear {
            linear = try addLinear(booster, to: &ensemble)
        } else {
            ensemble.trees = try booster.trees(outputCount: outputCount)
        }
        do { _ = try PackedForest(ensemble) } catch { throw .forest(error) }
        return ImportedModel(
            format: format, objective: objectiveName, ensemble: ensemble, linear: linear,
            schema: try schema(featureCount: featureCount), policy: objective.policy,
            provenance: provenance(format: format, booster: booster))
    }

    /// XGBoost adds the bias to the base margin first, then feature after feature, in float32. Up to 3.2 a linear model knows the
    /// first base margin only, and adds it for every class.
    private func addLinear(_ booster: XGBoostBooster, to ensemble: inout TreeEnsemble) throws(ImportError) -> LinearModel {
        let margins = ensemble.baseMargins
        if let version, version >= (3, 3, 0), !margins.allSatisfy({ $0 == margins[0] }) { throw .linearBaseScores }
        let (linear, biases) = try booster.linear(featureCount: ensemble.featureCount, outputCount: margins.count)
        ensemble.baseMargins = biases.map { Double(Float($0) + Float(margins[0])) }
        return linear
    }

    /// From 3.3 on several quantiles are put in order after they were added up, which is not done here.
    private func checkVersion(_ objective: String, outputCount: Int) throws(ImportError) {
        guard objective == "reg:quantileerror", outputCount > 1, let version, version >= (3, 3, 0) else { return }
        throw .quantilesOrdered
    }

    private var version: (Int64, Int64, Int64)? {
        guard let parts = root["version"]?.array?.compactMap(\.integer), parts.count == 3 else { return nil }
        return (parts[0], parts[1], parts[2])
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

    private func provenance(format: String, booster: XGBoostBooster) -> Provenance {
        var entries: Provenance = [("source.format", format), ("source.booster", booster.name)]
        if let version { entries.append(("source.version", "xgboost \(version.0).\(version.1).\(version.2)")) }
        if let best = learner["attributes"]?["best_iteration"]?.string.flatMap({ Int($0) }) {
            entries.append(("source.best_iteration", String(best)))
        }
        // The model's own categories are such numbers already; what callers send must be, too.
        if booster.recodesCategories { entries.append(("source.categories", "categories are codes of the training data's")) }
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
        guard let value = json.xgboostCount else { throw .fieldInvalid(field) }
        return value
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
