import Forest
import ModelBundle
import Platform

/// A model as its file describes it, with defaults for what the file does not say.
public struct ImportedModel: Sendable {
    /// "XGBoost JSON", "XGBoost UBJSON" or "LightGBM text".
    public var format: String
    /// The objective by its framework's name.
    public var objective: String
    /// Its base margins are the intercepts of a linear model.
    public var ensemble: TreeEnsemble
    /// The weights of a model without trees.
    public var linear: LinearModel?
    /// What the features go through before the model sees them.
    public var scaler: StandardScaler?
    /// The model's own feature names and types, or f0, f1 … of floats; any may be missing.
    public var schema: FeatureSchema
    /// Review from probability 0.5 and decline from 0.9 for binary objectives; approve everything for all others.
    public var policy: OutcomePolicy
    /// Where the model comes from.
    public var provenance: Provenance

    /// What features travel in: float64 where a scaler comes first.
    public var precision: Precision { scaler == nil ? ensemble.featurePrecision : .float64 }

    public var outputCount: Int { ensemble.transform.outputCount(rawCount: ensemble.baseMargins.count) }

    /// The draft of a bundle of this model.
    ///
    /// - Parameters:
    ///   - name: The bundle's name, 1-64 of `a-z`, `0-9`, `_` and `-`.
    ///   - schemaFile: What replaces the model's defaults.
    ///   - golden: Rows with reference results; none makes an unproven bundle.
    /// - Throws: `featureCountMismatch` when the schema file describes another number of features.
    public func draft(
        name: String, schemaFile: SchemaFile = SchemaFile(), golden: GoldenRows = .none
    ) throws(ImportError) -> BundleDraft {
        if let features = schemaFile.features, features.count != ensemble.featureCount {
            throw .featureCountMismatch(schemaFile: features.count, model: ensemble.featureCount)
        }
        let thresholds = OutcomePolicy(
            decidingOutput: schemaFile.decidingOutput ?? policy.decidingOutput,
            reviewThreshold: schemaFile.reviewThreshold ?? policy.reviewThreshold,
            declineThreshold: schemaFile.declineThreshold ?? policy.declineThreshold)
        return BundleDraft(
            name: name, objective: objective, schema: schemaFile.features.map(FeatureSchema.init(features:)) ?? schema,
            policy: thresholds, provenance: provenance + schemaFile.provenance.map { ($0.key, $0.value.string ?? "") },
            precision: precision, ensemble: ensemble, linear: linear, scaler: scaler, golden: golden)
    }
}
