import Forest
import Platform

/// Reads one tree: parallel arrays, one element a node.
struct XGBoostTree {
    private let json: JSON
    private let index: Int
    private let nodeCount: Int

    init(_ json: JSON, index: Int) throws(ImportError) {
        self.json = json
        self.index = index
        guard let parameters = json["tree_param"] else { throw .treeFieldMissing(.parameters, tree: index) }
        guard let nodeCount = Self.count(parameters["num_nodes"]), nodeCount > 0 else {
            throw .treeFieldInvalid(.nodeCount, tree: index)
        }
        self.nodeCount = nodeCount
        // 0 or 1 for a scalar leaf, depending on the version that wrote it.
        guard let leafSize = Self.count(parameters["size_leaf_vector"] ?? 0) else {
            throw .treeFieldInvalid(.leafSize, tree: index)
        }
        guard leafSize <= 1 else { throw .vectorLeaf(tree: index) }
    }

    func nodes() throws(ImportError) -> [TreeEnsemble.Node] {
        let left = try elements(.leftChildren)
        let right = try elements(.rightChildren)
        let features = try elements(.splitIndices)
        let conditions = try elements(.splitConditions)
        let defaults = try elements(.defaultLeft)
        try checkSplitTypes()
        var nodes: [TreeEnsemble.Node] = []
        nodes.reserveCapacity(nodeCount)
        for node in 0..<nodeCount {
            guard let condition = conditions[node].float else { throw .treeFieldInvalid(.splitConditions, tree: index) }
            let leftChild = try integer(left[node], .leftChildren)
            // A node without a left child is a leaf, and its condition is its value.
            if leftChild == -1 {
                nodes.append(.leaf(condition))
                continue
            }
            // Booleans up to XGBoost 1.5, numbers since.
            guard let missingGoesLeft = defaults[node].bool ?? defaults[node].integer.map({ $0 != 0 }) else {
                throw .treeFieldInvalid(.defaultLeft, tree: index)
            }
            nodes.append(
                .split(
                    feature: try integer(features[node], .splitIndices), threshold: condition, missingGoesLeft: missingGoesLeft,
                    left: leftChild, right: try integer(right[node], .rightChildren)))
        }
        return nodes
    }

    /// 1 marks a categorical split; models of before 1.3 have no types.
    private func checkSplitTypes() throws(ImportError) {
        guard json["split_type"] != nil else { return }
        for (node, type) in try elements(.splitType).enumerated() {
            guard let type = type.integer else { throw .treeFieldInvalid(.splitType, tree: index) }
            guard type == 0 else { throw .categoricalSplit(tree: index, node: node) }
        }
    }

    private func elements(_ field: TreeField) throws(ImportError) -> [JSON] {
        guard let json = json[field.rawValue] else { throw .treeFieldMissing(field, tree: index) }
        guard let elements = json.array else { throw .treeFieldInvalid(field, tree: index) }
        guard elements.count == nodeCount else {
            throw .treeCountMismatch(field, tree: index, declared: nodeCount, found: elements.count)
        }
        return elements
    }

    private func integer(_ json: JSON, _ field: TreeField) throws(ImportError) -> Int {
        guard let value = json.integer else { throw .treeFieldInvalid(field, tree: index) }
        return Int(value)
    }

    private static func count(_ json: JSON?) -> Int? {
        guard let json, let value = json.integer ?? json.string.flatMap({ Int64($0) }), (0...Int64(Int32.max)).contains(value)
        else {
            return nil
        }
        return Int(value)
    }
}
