import Forest
import ModelBundle
import ModelImport

/// Model files: what is imported makes a bundle that is refused by its draft or admitted, and scores the same in every way.
enum ModelCheck {
    static func run(_ bytes: [UInt8]) {
        guard let model = try? ModelFile.load(bytes: bytes), let draft = try? model.draft(name: "fuzz") else { return }
        admit(draft)
    }

    /// Admission must take what was serialised.
    static func admit(_ draft: BundleDraft) {
        guard let bytes = try? draft.serialized() else { return }
        do { ScoreCheck(try Bundle.admit(bytes: bytes)).run() } catch {
            preconditionFailure("a bundle that was written is not admitted: \(error)")
        }
    }
}

/// Schema files: whatever one says, a model with it is refused or makes a bundle that is admitted.
enum SchemaCheck {
    static func run(_ bytes: [UInt8]) {
        guard let schema = try? SchemaFile(parsing: bytes) else { return }
        let featureCount = min(max(schema.features?.count ?? 1, 1), 64)
        guard let model = try? ModelFile.load(bytes: Array(constant(featureCount: featureCount).utf8)) else {
            preconditionFailure("a model that was made by hand is not imported")
        }
        guard let draft = try? model.draft(name: "fuzz", schemaFile: schema) else { return }
        ModelCheck.admit(draft)
    }

    /// A LightGBM model of one leaf.
    private static func constant(featureCount: Int) -> String {
        let names = (0..<featureCount).map { "f\($0)" }.joined(separator: " ")
        return """
            tree
            version=v4
            num_class=1
            num_tree_per_iteration=1
            max_feature_idx=\(featureCount - 1)
            objective=regression
            feature_names=\(names)

            Tree=0
            num_leaves=1
            num_cat=0
            leaf_value=0.5

            end of trees

            """
    }
}
