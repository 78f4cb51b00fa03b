import Platform

/// The categories that go right at each categorical split. One-hot splits have a set of one, partitions larger ones.
struct XGBoostCategories {
    private var sets: [[UInt32]?]
    private let tree: Int

    /// XGBoost's own bound: from there on Float does not tell whole numbers apart.
    private static let categoryLimit: Int64 = 1 << 24

    init(nodeCount: Int, tree: Int) {
        sets = [[UInt32]?](repeating: nil, count: nodeCount)
        self.tree = tree
    }

    /// Takes `categories_sizes` categories from `categories_segments` on for each of `categories_nodes`. XGBoost writes them one
    /// set after the other, which is insisted on: overlapping sets could make a short file ask for any amount of memory.
    mutating func read(_ json: JSON) throws(ImportError) {
        let categories = try json.elements(of: .categories, tree: tree)
        let nodes = try json.elements(of: .categoryNodes, tree: tree)
        let segments = try json.elements(of: .categorySegments, tree: tree)
        let sizes = try json.elements(of: .categorySizes, tree: tree)
        for (field, elements) in [(TreeField.categorySegments, segments), (.categorySizes, sizes)] {
            guard elements.count == nodes.count else {
                throw .treeCountMismatch(field, tree: tree, declared: nodes.count, found: elements.count)
            }
        }
        var end = 0
        for (set, node) in nodes.enumerated() {
            guard let node = node.integer, (0..<Int64(sets.count)).contains(node), sets[Int(node)] == nil else {
                throw .treeFieldInvalid(.categoryNodes, tree: tree)
            }
            guard segments[set].integer == Int64(end) else { throw .treeFieldInvalid(.categorySegments, tree: tree) }
            guard let size = sizes[set].integer, (0...Int64(categories.count - end)).contains(size) else {
                throw .treeFieldInvalid(.categorySizes, tree: tree)
            }
            sets[Int(node)] = try members(categories[end..<(end + Int(size))])
            end += Int(size)
        }
        guard end == categories.count else {
            throw .treeCountMismatch(.categories, tree: tree, declared: end, found: categories.count)
        }
    }

    private func members(_ elements: ArraySlice<JSON>) throws(ImportError) -> [UInt32] {
        var members: [UInt32] = []
        for element in elements {
            guard let category = element.integer, (0..<Self.categoryLimit).contains(category) else {
                throw .treeFieldInvalid(.categories, tree: tree)
            }
            members.append(UInt32(category))
        }
        members.sort()
        for index in members.indices.dropFirst() where members[index - 1] == members[index] {
            throw .treeFieldInvalid(.categories, tree: tree)
        }
        return members
    }

    func categories(node: Int) throws(ImportError) -> [UInt32] {
        guard let set = sets[node] else { throw .categorySetMissing(tree: tree, node: node) }
        return set
    }
}
