/// Why a LightGBM model file is not read; trees, nodes and elements are counted from 0, lines from 1. A node is numbered as in
/// `left_child`: leaves are the complements of their numbers, -1 the first.
public enum LightGBMError: Error, Equatable, Sendable, CustomStringConvertible {
    case headerMissing(HeaderField)
    case headerInvalid(HeaderField, line: Int)
    case headerRepeated(HeaderField, line: Int)
    case headerCountMismatch(HeaderField, declared: Int, found: Int)
    case versionUnsupported(line: Int)
    case lineInvalid(line: Int)
    case objectiveInvalid(line: Int)
    case treesPerIteration(Int, classes: Int)
    case iterationIncomplete(trees: Int, treesPerIteration: Int)
    case treesUnfinished
    case treeOutOfOrder(line: Int, expected: Int)
    case treeByteCountMismatch(tree: Int, declared: Int, found: Int)
    case fieldMissing(TreeField, tree: Int)
    case fieldRepeated(TreeField, tree: Int, line: Int)
    case elementInvalid(TreeField, tree: Int, line: Int, element: Int)
    case countMismatch(TreeField, tree: Int, declared: Int, found: Int)
    case linearTree(tree: Int)
    case decisionInvalid(tree: Int, node: Int)
    case childOutOfRange(tree: Int, node: Int, child: Int)
    case childReachedTwice(tree: Int, node: Int, child: Int)
    case nodeUnreached(tree: Int, node: Int)
    case categorySetInvalid(tree: Int, node: Int)
    case categorySetShared(tree: Int, node: Int)
    case zeroAsMissingMixed(feature: Int)

    /// A line of the file's head.
    public enum HeaderField: String, Sendable {
        case version
        case classCount = "num_class"
        case treesPerIteration = "num_tree_per_iteration"
        case maximumFeature = "max_feature_idx"
        case objective
        case averageOutput = "average_output"
        case featureNames = "feature_names"
        case featureInfos = "feature_infos"
        case treeSizes = "tree_sizes"
    }

    /// A line of a tree that is read; others are skipped.
    public enum TreeField: String, Sendable {
        case leafCount = "num_leaves"
        case categorySetCount = "num_cat"
        case features = "split_feature"
        case thresholds = "threshold"
        case decisions = "decision_type"
        case leftChildren = "left_child"
        case rightChildren = "right_child"
        case leafValues = "leaf_value"
        case leafCovers = "leaf_count"
        case internalCovers = "internal_count"
        case categoryBoundaries = "cat_boundaries"
        case categoryWords = "cat_threshold"
        case isLinear = "is_linear"
        case leafCoefficients = "leaf_coeff"
    }

    public var description: String {
        switch self {
        case .headerMissing(let field): "the model has no \(field.rawValue)"
        case .headerInvalid(let field, let line): "line \(line): \(field.rawValue) is not as it must be"
        case .headerRepeated(let field, let line): "line \(line): \(field.rawValue) is there a second time"
        case .headerCountMismatch(let field, let declared, let found):
            "\(field.rawValue) has \(found) elements where \(declared) are declared"
        case .versionUnsupported(let line): "line \(line): the version is none of v2, v3, v4"
        case .lineInvalid(let line): "line \(line) is neither a known word nor key=value"
        case .objectiveInvalid(let line): "line \(line): the objective's parameters are missing or out of range"
        case .treesPerIteration(let trees, let classes): "\(trees) trees an iteration for \(classes) classes"
        case .iterationIncomplete(let trees, let perIteration):
            "\(trees) trees are no whole number of iterations of \(perIteration) trees"
        case .treesUnfinished: "the file ends before its trees do"
        case .treeOutOfOrder(let line, let expected): "line \(line): tree \(expected) is expected here"
        case .treeByteCountMismatch(let tree, let declared, let found):
            "tree \(tree) has \(found) bytes where tree_sizes declares \(declared)"
        default: treeDescription
        }
    }

    private var treeDescription: String {
        switch self {
        case .fieldMissing(let field, let tree): "tree \(tree) has no \(field.rawValue)"
        case .fieldRepeated(let field, let tree, let line): "line \(line): tree \(tree) has a second \(field.rawValue)"
        case .elementInvalid(let field, let tree, let line, let element):
            "line \(line): tree \(tree): element \(element) of \(field.rawValue) has the wrong type or range"
        case .countMismatch(let field, let tree, let declared, let found):
            "tree \(tree): \(field.rawValue) has \(found) elements where \(declared) are declared"
        case .linearTree(let tree): "tree \(tree) has linear models in its leaves (linear_tree), which are not supported"
        case .decisionInvalid(let tree, let node): "tree \(tree) node \(node) has an unknown decision_type"
        case .childOutOfRange(let tree, let node, let child):
            "tree \(tree) node \(node) has child \(child), which is not in its tree"
        case .childReachedTwice(let tree, let node, let child):
            "tree \(tree) node \(node) has child \(child), which has a parent already or is the root"
        case .nodeUnreached(let tree, let node): "tree \(tree) node \(node) lies on a cycle that the root does not reach"
        case .categorySetInvalid(let tree, let node): "tree \(tree) node \(node) names a category set that the tree does not have"
        case .categorySetShared(let tree, let node): "tree \(tree) node \(node) names a category set that another node has"
        case .zeroAsMissingMixed(let feature):
            "feature \(feature) is split with zero as missing and without, which is not supported"
        default: preconditionFailure("\(self) is described above")
        }
    }
}
