import Forest
import Platform

/// Reads one tree: parallel arrays, one element a node.
struct XGBoostTree {
    private let json: JSON
    private let index: Int
    private let nodeCount: Int
    /// How many values a leaf has.
    private let leafSize: Int

    init(_ json: JSON, index: Int) throws(ImportError) {
        self.json = json
        self.index = index
        guard let parameters = json["tree_param"] else { throw .treeFieldMissing(.parameters, tree: index) }
        guard let nodeCount = parameters["num_nodes"]?.xgboostCount, nodeCount > 0 else {
            throw .treeFieldInvalid(.nodeCount, tree: index)
        }
        self.nodeCount = nodeCount
        // 0 or 1 for a scalar leaf, depending on the version that wrote it.
        guard let leafSize = (parameters["size_leaf_vector"] ?? 0).xgboostCount else {
            throw .treeFieldInvalid(.leafSize, tree: index)
        }
        self.leafSize = max(leafSize, 1)
    }

    /// - Parameter outputCount: How many raw scores there are; vector leaves must have a value for each.
    func tree(output: Int, weight: Double, outputCount: Int) throws(ImportError) -> TreeEnsemble.Tree {
        guard leafSize == 1 || leafSize == outputCount else {
            throw .treeCountMismatch(.leafSize, tree: index, declared: outputCount, found: leafSize)
        }
        return TreeEnsemble.Tree(
            nodes: try nodes(), output: leafSize == 1 ? output : 0, weight: weight, covers: try covers())
    }

    /// The arrays, each with an element a node.
    private struct Columns {
        let left: [JSON]
        let right: [JSON]
        let features: [JSON]
        let conditions: [JSON]
        let defaults: [JSON]
        /// nil in models of before XGBoost 1.3.
        let types: [JSON]?
    }

    private func nodes() throws(ImportError) -> [TreeEnsemble.Node] {
        let columns = Columns(
            left: try elements(.leftChildren), right: try elements(.rightChildren), features: try elements(.splitIndices),
            conditions: try elements(.splitConditions), defaults: try elements(.defaultLeft),
            types: json[TreeField.splitType.rawValue] == nil ? nil : try elements(.splitType))
        var vectors = leafSize == 1 ? nil : try XGBoostLeafVectors(json, tree: index, nodeCount: nodeCount, leafSize: leafSize)
        var sets = XGBoostCategories(nodeCount: nodeCount, tree: index)
        if columns.types != nil { try sets.read(json) }
        var nodes: [TreeEnsemble.Node] = []
        nodes.reserveCapacity(nodeCount)
        for node in 0..<nodeCount {
            // A node without a left child is a leaf.
            let isLeaf = try integer(columns.left[node], .leftChildren) == -1
            nodes.append(try isLeaf ? leaf(node, columns, &vectors) : split(node, columns, sets))
        }
        return nodes
    }

    /// The condition of a leaf is its value, unless leaves are vectors.
    private func leaf(
        _ node: Int, _ columns: Columns, _ vectors: inout XGBoostLeafVectors?
    ) throws(ImportError) -> TreeEnsemble.Node {
        let rightChild = vectors == nil ? 0 : try integer(columns.right[node], .rightChildren)
        guard let values = try vectors?.values(node: node, rightChild: rightChild) else {
            return .leaf(try condition(columns.conditions[node]))
        }
        return .vectorLeaf(values)
    }

    private func split(_ node: Int, _ columns: Columns, _ sets: XGBoostCategories) throws(ImportError) -> TreeEnsemble.Node {
        let left = try integer(columns.left[node], .leftChildren)
        let right = try integer(columns.right[node], .rightChildren)
        let feature = try integer(columns.features[node], .splitIndices)
        // Booleans up to XGBoost 1.5, numbers since.
        guard let missingGoesLeft = columns.defaults[node].bool ?? columns.defaults[node].integer.map({ $0 != 0 }) else {
            throw .treeFieldInvalid(.defaultLeft, tree: index)
        }
        switch columns.types.map({ $0[node].integer }) ?? 0 {
        case 0:
            return .split(
                feature: feature, threshold: try condition(columns.conditions[node]), missingGoesLeft: missingGoesLeft,
                left: left, right: right)
        case 1:
            return .categorySplit(
                feature: feature, categories: try sets.categories(node: node), missingGoesLeft: missingGoesLeft, left: left,
                right: right)
        default: throw .treeFieldInvalid(.splitType, tree: index)
        }
    }

    private func condition(_ json: JSON) throws(ImportError) -> Double {
        guard let value = json.float else { throw .treeFieldInvalid(.splitConditions, tree: index) }
        return Double(value)
    }

    /// The sum of hessians that reached each node; empty where the file has none, or none that can be one: a custom objective's
    /// hessians may be negative, and such a model has scores but no contributions.
    private func covers() throws(ImportError) -> [Double] {
        guard json[TreeField.covers.rawValue] != nil else { return [] }
        var covers: [Double] = []
        covers.reserveCapacity(nodeCount)
        for element in try elements(.covers) {
            guard let cover = element.float else { throw .treeFieldInvalid(.covers, tree: index) }
            covers.append(Double(cover))
        }
        return covers.allSatisfy { $0.isFinite && $0 >= 0 } ? covers : []
    }

    private func elements(_ field: TreeField) throws(ImportError) -> [JSON] {
        let elements = try json.elements(of: field, tree: index)
        guard elements.count == nodeCount else {
            throw .treeCountMismatch(field, tree: index, declared: nodeCount, found: elements.count)
        }
        return elements
    }

    private func integer(_ json: JSON, _ field: TreeField) throws(ImportError) -> Int {
        guard let value = json.integer else { throw .treeFieldInvalid(field, tree: index) }
        return Int(value)
    }
}

extension JSON {
    /// A count below 2^31, which XGBoost writes as a string.
    var xgboostCount: Int? {
        guard let value = integer ?? string.flatMap({ Int64($0) }), (0...Int64(Int32.max)).contains(value) else { return nil }
        return Int(value)
    }

    /// The elements of an array in a tree.
    func elements(of field: TreeField, tree: Int) throws(ImportError) -> [JSON] {
        guard let json = self[field.rawValue] else { throw .treeFieldMissing(field, tree: tree) }
        guard let elements = json.array else { throw .treeFieldInvalid(field, tree: tree) }
        return elements
    }
}
