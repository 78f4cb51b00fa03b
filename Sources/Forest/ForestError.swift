/// Why a forest cannot be scored; trees, nodes and outputs are counted from 0.
public enum ForestError: Error, Equatable, Sendable, CustomStringConvertible {
    case countOutOfRange(Quantity, count: Int, limit: Int)
    case baseMarginCount(Int, outputCount: Int)
    case baseMarginNotFinite(output: Int)
    case treeOutputOutOfRange(tree: Int, output: Int, outputCount: Int)
    case treeEmpty(tree: Int)
    case treeRangeInvalid(tree: Int)
    case featureOutOfRange(tree: Int, node: Int, feature: Int, featureCount: Int)
    case thresholdNotFinite(tree: Int, node: Int)
    case leafNotFinite(tree: Int, node: Int)
    case childOutOfRange(tree: Int, node: Int, child: Int)
    case nodeReachedTwice(tree: Int, node: Int)
    case nodeUnreachable(tree: Int, node: Int)
    case nodeMalformed(tree: Int, node: Int)
    case tooDeep(tree: Int, limit: Int)
    case groupDepthWrong(group: Int, stored: Int, actual: Int)
    case paddingMalformed
    case linkTooLong(tree: Int, node: Int, distance: Int, limit: Int)
    case slotBitCountInvalid(Int)

    public enum Quantity: String, Sendable { case features, outputs, trees, nodes }

    public var description: String {
        switch self {
        case .countOutOfRange(let quantity, let count, let limit): "\(count) \(quantity.rawValue), outside the limit of \(limit)"
        case .baseMarginCount(let count, let outputs): "\(count) base margins for \(outputs) outputs"
        case .baseMarginNotFinite(let output): "the base margin of output \(output) is not finite"
        case .treeOutputOutOfRange(let tree, let output, let count): "tree \(tree) adds to output \(output) of \(count)"
        case .treeEmpty(let tree): "tree \(tree) has no nodes"
        case .treeRangeInvalid(let tree): "tree \(tree) does not begin where the tree before it ends"
        case .featureOutOfRange(let tree, let node, let feature, let count):
            "tree \(tree) node \(node) tests feature \(feature) of \(count)"
        case .thresholdNotFinite(let tree, let node): "tree \(tree) node \(node) has a threshold that is not finite"
        case .leafNotFinite(let tree, let node): "tree \(tree) node \(node) has a leaf value that is not finite"
        case .childOutOfRange(let tree, let node, let child):
            "tree \(tree) node \(node) has child \(child), which is not in its tree"
        case .nodeReachedTwice(let tree, let node): "tree \(tree) node \(node) has two parents or lies on a cycle"
        case .nodeUnreachable(let tree, let node): "tree \(tree) node \(node) has no parent"
        case .nodeMalformed(let tree, let node): "tree \(tree) node \(node) is neither a split nor a leaf"
        case .tooDeep(let tree, let limit): "tree \(tree) is deeper than \(limit) levels"
        case .groupDepthWrong(let group, let stored, let actual):
            "tree group \(group) says it is \(stored) levels deep and is \(actual)"
        case .paddingMalformed: "the padding after the last tree is not as it must be"
        case .linkTooLong(let tree, let node, let distance, let limit):
            "tree \(tree) node \(node) lies \(distance) nodes before its children, the layout reaches \(limit)"
        case .slotBitCountInvalid(let count): "\(count) bits for a slot do not fit the feature count"
        }
    }
}
