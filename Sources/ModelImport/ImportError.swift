import Forest
import ModelBundle
import Platform

/// Why a model file is not imported; trees and nodes are counted from 0.
public enum ImportError: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case json(JSONError)
    case ubjson(UBJSONError)
    case formatUnknown
    case formatUnsupported(ForeignFormat)
    case fieldMissing(ModelField)
    case fieldInvalid(ModelField)
    case treeFieldMissing(TreeField, tree: Int)
    case treeFieldInvalid(TreeField, tree: Int)
    case countMismatch(ModelField, declared: Int, found: Int)
    case treeCountMismatch(TreeField, tree: Int, declared: Int, found: Int)
    case featureCountMismatch(schemaFile: Int, model: Int)
    case boosterUnsupported(String)
    case objectiveUnsupported(String)
    case categorySetMissing(tree: Int, node: Int)
    case classesAndTargets
    case quantilesOrdered
    case linearBaseScores
    case lightGBM(LightGBMError)
    case onnx(ONNXError)
    case forest(ForestError)

    /// A model format that is recognised, to name it, and not read.
    public enum ForeignFormat: String, Sendable {
        case xgboostBinary = "XGBoost's old binary format (save it again as .json or .ubj with XGBoost 2.1 or older)"
        case lightGBMJSON = "LightGBM's JSON dump (save the model with save_model, as text)"
        case bundle = "an Assay bundle, which needs no import"
    }

    public var description: String {
        switch self {
        case .system(let error): error.description
        case .json(let error): error.description
        case .ubjson(let error): error.description
        case .formatUnknown: "the file is in none of the formats known: XGBoost JSON, XGBoost UBJSON, LightGBM text, ONNX"
        case .formatUnsupported(let format): "the file looks like \(format.rawValue); that format is not supported"
        case .fieldMissing(let field): "the model has no \(field.rawValue)"
        case .fieldInvalid(let field): "the model's \(field.rawValue) has the wrong type or range"
        case .treeFieldMissing(let field, let tree): "tree \(tree) has no \(field.rawValue)"
        case .treeFieldInvalid(let field, let tree): "tree \(tree): \(field.rawValue) has the wrong type or range"
        case .countMismatch(let field, let declared, let found):
            "the model's \(field.rawValue) has \(found) elements where \(declared) are declared"
        case .treeCountMismatch(let field, let tree, let declared, let found):
            "tree \(tree): \(field.rawValue) has \(found) elements where \(declared) are declared"
        case .featureCountMismatch(let file, let model): "the schema file has \(file) features, the model \(model)"
        case .boosterUnsupported(let name): "booster \(name) is not supported"
        case .objectiveUnsupported(let name): "objective \(name) is not supported"
        case .categorySetMissing(let tree, let node): "tree \(tree) node \(node) is a categorical split without categories"
        case .classesAndTargets: "the model has both several classes and several targets"
        case .quantilesOrdered:
            "the model has several quantiles, which XGBoost puts in order from version 3.3 on; that is not supported"
        case .linearBaseScores:
            "the linear model has several base scores and is of XGBoost 3.3 or later, whose use of them is not known here"
        case .lightGBM(let error): error.description
        case .onnx(let error): error.description
        case .forest(let error): error.description
        }
    }
}

/// A place in a model file, by its path there.
public enum ModelField: String, Sendable {
    case learner
    case modelParameters = "learner.learner_model_param"
    case baseScore = "learner.learner_model_param.base_score"
    case featureCount = "learner.learner_model_param.num_feature"
    case classCount = "learner.learner_model_param.num_class"
    case targetCount = "learner.learner_model_param.num_target"
    case objective = "learner.objective.name"
    case booster = "learner.gradient_booster.name"
    case model = "learner.gradient_booster.model"
    case treeCount = "gbtree_model_param.num_trees"
    case trees
    case treeInfo = "tree_info"
    case weightDrop = "weight_drop"
    case weights = "learner.gradient_booster.model.weights"
    case featureNames = "learner.feature_names"
    case featureTypes = "learner.feature_types"
}

/// A part of one tree in a model file.
public enum TreeField: String, Sendable {
    case parameters = "tree_param"
    case nodeCount = "tree_param.num_nodes"
    case leafSize = "tree_param.size_leaf_vector"
    case leftChildren = "left_children"
    case rightChildren = "right_children"
    case splitIndices = "split_indices"
    case splitConditions = "split_conditions"
    case defaultLeft = "default_left"
    case splitType = "split_type"
    case covers = "sum_hessian"
    case leafWeights = "leaf_weights"
    case baseWeights = "base_weights"
    case categories
    case categoryNodes = "categories_nodes"
    case categorySegments = "categories_segments"
    case categorySizes = "categories_sizes"
}

/// A name out of a model file, cut and cleaned so that an error may be logged.
enum Quoted {
    static func name(_ text: String) -> String {
        let bytes = text.utf8.prefix(ImportLimits.quotedByteCountMax).map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        return "\"" + String(decoding: bytes, as: UTF8.self) + "\""
    }
}
