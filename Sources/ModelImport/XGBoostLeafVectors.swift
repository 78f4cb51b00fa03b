import Platform

/// The values of vector leaves (`multi_strategy` `multi_output_tree`).
///
/// XGBoost 3.2 keeps them in a list of leaves, and a leaf's right child is its place there; before, the list was one of all nodes.
struct XGBoostLeafVectors {
    private let weights: [JSON]
    private let leafSize: Int
    private let tree: Int
    private let field: TreeField
    private var isTaken: [Bool]

    init(_ json: JSON, tree: Int, nodeCount: Int, leafSize: Int) throws(ImportError) {
        self.leafSize = leafSize
        self.tree = tree
        field = json[TreeField.leafWeights.rawValue] == nil ? .baseWeights : .leafWeights
        weights = try json.elements(of: field, tree: tree)
        guard weights.count.isMultiple(of: leafSize), field == .leafWeights || weights.count / leafSize == nodeCount else {
            throw .treeCountMismatch(field, tree: tree, declared: nodeCount, found: weights.count)
        }
        isTaken = [Bool](repeating: false, count: weights.count / leafSize)
    }

    /// A place belongs to one leaf: shared ones could make a short file ask for any amount of memory.
    mutating func values(node: Int, rightChild: Int) throws(ImportError) -> [Double] {
        let place = field == .leafWeights ? rightChild : node
        guard isTaken.indices.contains(place), !isTaken[place] else { throw .treeFieldInvalid(.rightChildren, tree: tree) }
        isTaken[place] = true
        var values: [Double] = []
        for weight in weights[(place * leafSize)..<((place + 1) * leafSize)] {
            guard let value = weight.float else { throw .treeFieldInvalid(field, tree: tree) }
            values.append(Double(value))
        }
        return values
    }
}
