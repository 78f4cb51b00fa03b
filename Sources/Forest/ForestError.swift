/// Why a forest cannot be scored; trees, nodes, features and outputs are counted from 0.
public enum ForestError: Error, Equatable, Sendable, CustomStringConvertible {
    case countOutOfRange(Quantity, count: Int, limit: Int)
    case baseMarginCount(Int, outputCount: Int)
    case baseMarginNotFinite(output: Int)
    case transformInvalid
    case treeOutputOutOfRange(tree: Int, output: Int, outputCount: Int)
    case treeEmpty(tree: Int)
    case treeRangeInvalid(tree: Int)
    case treeTableCount(tree: Int, count: Int, nodeCount: Int)
    case featureOutOfRange(tree: Int, node: Int, feature: Int, featureCount: Int)
    case thresholdNotFinite(tree: Int, node: Int)
    case thresholdOutOfRange(tree: Int, node: Int)
    case thresholdsInvalid(feature: Int)
    case leafNotFinite(tree: Int, node: Int)
    case leafWidthInvalid(Int, outputCount: Int)
    case leafWidthWrong(tree: Int, node: Int)
    case leafOrdinalWrong(tree: Int, node: Int)
    case leafValueNotFinite(leaf: Int)
    case coverInvalid(tree: Int, node: Int)
    case childOutOfRange(tree: Int, node: Int, child: Int)
    case nodeReachedTwice(tree: Int, node: Int)
    case nodeUnreachable(tree: Int, node: Int)
    case nodeMalformed(tree: Int, node: Int)
    case tooDeep(tree: Int, limit: Int)
    case groupDepthWrong(group: Int, stored: Int, actual: Int)
    case paddingMalformed
    case linkTooLong(tree: Int, node: Int, distance: Int, limit: Int)
    case categoriesInvalid(tree: Int, node: Int)
    case categoryFeatureInvalid(Int)

    public enum Quantity: String, Sendable {
        case features, outputs, trees, nodes, leaves, thresholds, slots, categories
        case categoryFeatures = "category features"
        case categoryWords = "category words"
    }

    public var description: String {
        switch self {
        case .countOutOfRange(let quantity, let count, let limit): "\(count) \(quantity.rawValue), outside the limit of \(limit)"
        case .baseMarginCount(let count, let outputs): "\(count) base margins for \(outputs) outputs"
        case .baseMarginNotFinite(let output): "the base margin of output \(output) is not finite"
        case .transformInvalid: "the transform's parameters are not finite, zero, or not of its precision"
        case .thresholdsInvalid(let feature): "the thresholds of feature \(feature) do not ascend or are not finite"
        case .leafWidthInvalid(let width, let outputs): "leaves of \(width) values for \(outputs) outputs"
        case .leafValueNotFinite(let leaf): "leaf \(leaf) has a value that is not finite"
        case .groupDepthWrong(let group, let stored, let actual):
            "tree group \(group) says it is \(stored) levels deep and is \(actual)"
        case .paddingMalformed: "the padding after the last tree is not as it must be"
        case .categoryFeatureInvalid(let index): "category feature \(index) is malformed"
        default: treeDescription
        }
    }

    private var treeDescription: String {
        switch self {
        case .treeOutputOutOfRange(let tree, let output, let count): "tree \(tree) adds to output \(output) of \(count)"
        case .treeEmpty(let tree): "tree \(tree) has no nodes"
        case .treeRangeInvalid(let tree): "tree \(tree) does not begin where the tree before it ends"
        case .treeTableCount(let tree, let count, let nodes): "tree \(tree) has a table of \(count) elements for \(nodes) nodes"
        case .featureOutOfRange(let tree, let node, let feature, let count):
            "tree \(tree) node \(node) tests feature \(feature) of \(count)"
        case .thresholdNotFinite(let tree, let node): "tree \(tree) node \(node) has a threshold that is not finite"
        case .thresholdOutOfRange(let tree, let node):
            "tree \(tree) node \(node) has a threshold that is none of its feature's"
        case .leafNotFinite(let tree, let node): "tree \(tree) node \(node) has a leaf value that is not finite"
        case .leafWidthWrong(let tree, let node): "tree \(tree) node \(node) has not one value for each output"
        case .leafOrdinalWrong(let tree, let node): "tree \(tree) node \(node) is not the next leaf"
        case .coverInvalid(let tree, let node): "tree \(tree) node \(node) has a cover that is negative or not finite"
        case .childOutOfRange(let tree, let node, let child):
            "tree \(tree) node \(node) has child \(child), which is not in its tree"
        case .nodeReachedTwice(let tree, let node): "tree \(tree) node \(node) has two parents or lies on a cycle"
        case .nodeUnreachable(let tree, let node): "tree \(tree) node \(node) has no parent"
        case .nodeMalformed(let tree, let node): "tree \(tree) node \(node) is neither a split nor a leaf"
        case .tooDeep(let tree, let limit): "tree \(tree) is deeper than \(limit) levels"
        case .linkTooLong(let tree, let node, let distance, let limit):
            "tree \(tree) node \(node) lies \(distance) nodes before its children, the layout reaches \(limit)"
        case .categoriesInvalid(let tree, let node):
            "tree \(tree) node \(node) has categories that do not ascend or are out of range"
        default: preconditionFailure("\(self) is described above")
        }
    }
}
