import Forest

/// Reads one tree of a LightGBM model file: `key=value` lines up to an empty one.
///
/// Inner nodes come first in the ensemble's tree, in their order, then the leaves in theirs.
struct LightGBMTree {
    private typealias Field = LightGBMError.TreeField

    private struct Entry {
        let text: ArraySlice<UInt8>
        let line: Int
    }

    private let index: Int
    private var entries: [Field: Entry] = [:]
    /// Features that are split with zero as missing, and those that are split without.
    private(set) var zeroMissing: Set<Int> = []
    private(set) var zeroPresent: Set<Int> = []
    private(set) var categorical: Set<Int> = []

    /// Takes the lines of a tree, after its first one.
    init(_ text: inout LightGBMText, index: Int) throws(LightGBMError) {
        self.index = index
        while let line = text.next() {
            guard !line.isEmpty else { return }
            guard let value = line.value else {
                text.unread(line)
                return
            }
            guard let field = Field(rawValue: line.keyText) else { continue }
            guard entries.updateValue(Entry(text: value, line: line.number), forKey: field) == nil else {
                throw .fieldRepeated(field, tree: index, line: line.number)
            }
        }
    }

    mutating func tree(output: Int) throws(LightGBMError) -> TreeEnsemble.Tree {
        try checkIsConstant()
        // One value a leaf: what is declared is checked against what is there before anything is made for it.
        let values = try elements(.leafValues, count: nil, LightGBMNumbers.double)
        let leafCount = try integer(.leafCount)
        guard leafCount > 0, leafCount == values.count else {
            throw .countMismatch(.leafValues, tree: index, declared: leafCount, found: values.count)
        }
        var nodes = try leafCount == 1 ? [] : splits(leafCount: leafCount)
        nodes += values.map(TreeEnsemble.Node.leaf)
        let innerNumbers = (0..<(leafCount - 1)).map { UInt32($0) }
        return TreeEnsemble.Tree(
            nodes: nodes, output: output, numbers: innerNumbers + (0..<leafCount).map { UInt32($0) },
            covers: try covers(leafCount: leafCount))
    }

    /// Leaves that are linear models are named here, never taken for constants.
    private func checkIsConstant() throws(LightGBMError) {
        if let entry = entries[.isLinear], entry.text.elementsEqual("0".utf8) == false { throw .linearTree(tree: index) }
        if entries[.leafCoefficients] != nil { throw .linearTree(tree: index) }
    }

    private mutating func splits(leafCount: Int) throws(LightGBMError) -> [TreeEnsemble.Node] {
        let count = leafCount - 1
        let features = try elements(.features, count: count, LightGBMNumbers.integer)
        let thresholds = try elements(.thresholds, count: count, LightGBMNumbers.double)
        let decisions = try elements(.decisions, count: count, LightGBMNumbers.integer)
        let left = try elements(.leftChildren, count: count, LightGBMNumbers.integer)
        let right = try elements(.rightChildren, count: count, LightGBMNumbers.integer)
        try LightGBMShape(left: left, right: right, tree: index).check()
        var sets = try categorySets()
        var nodes: [TreeEnsemble.Node] = []
        nodes.reserveCapacity(2 * count + 1)
        for node in 0..<count {
            let children = (LightGBMShape.place(left[node], count), LightGBMShape.place(right[node], count))
            let decision = try Decision(decisions[node], tree: index, node: node)
            let split =
                try decision.isCategorical
                ? categorySplit(features[node], set: thresholds[node], &sets, children, node)
                : numericSplit(features[node], threshold: thresholds[node], decision, children)
            nodes.append(split)
        }
        return nodes
    }

    /// `x <= threshold` goes left. LightGBM writes `inf` where it divides what is missing from what is not: the ensemble has no threshold
    /// beyond all numbers, but an empty set of categories, in which no number is.
    private mutating func numericSplit(
        _ feature: Int, threshold: Double, _ decision: Decision, _ children: (left: Int, right: Int)
    ) -> TreeEnsemble.Node {
        let missingGoesLeft: Bool
        switch decision.missing {
        // NaN is 0 then.
        case .none: missingGoesLeft = 0 <= threshold
        case .zero, .nan: missingGoesLeft = decision.defaultsLeft
        }
        if decision.missing == .zero { zeroMissing.insert(feature) } else { zeroPresent.insert(feature) }
        if threshold == .infinity, decision.missing != .zero {
            return .categorySplit(
                feature: feature, categories: [], missingGoesLeft: missingGoesLeft, left: children.left, right: children.right)
        }
        return .split(
            feature: feature, threshold: threshold.nextUp, missingGoesLeft: missingGoesLeft, left: children.left,
            right: children.right)
    }

    /// A category in the set goes to the left child, everything else (missing, too) to the right one: the ensemble's left and right
    /// are the other way round.
    private mutating func categorySplit(
        _ feature: Int, set: Double, _ sets: inout [[UInt32]?], _ children: (left: Int, right: Int), _ node: Int
    ) throws(LightGBMError) -> TreeEnsemble.Node {
        guard let set = Int(exactly: set), sets.indices.contains(set) else {
            throw .categorySetInvalid(tree: index, node: node)
        }
        // Every set belongs to one node, so that all nodes' sets together are no longer than the file says.
        guard let categories = sets[set] else { throw .categorySetShared(tree: index, node: node) }
        sets[set] = nil
        zeroPresent.insert(feature)
        categorical.insert(feature)
        return .categorySplit(
            feature: feature, categories: categories, missingGoesLeft: true, left: children.right, right: children.left)
    }

    /// The members of each bitset: words `cat_boundaries[i] ..< cat_boundaries[i + 1]` of `cat_threshold`.
    private func categorySets() throws(LightGBMError) -> [[UInt32]?] {
        let count = try integer(.categorySetCount)
        guard count != 0 else { return [] }
        let words = try elements(.categoryWords, count: nil) { LightGBMNumbers.integer($0).flatMap(UInt32.init(exactly:)) }
        let boundaries = try elements(.categoryBoundaries, count: nil, LightGBMNumbers.integer)
        guard count > 0, boundaries.count - 1 == count else {
            throw .countMismatch(.categoryBoundaries, tree: index, declared: count + 1, found: boundaries.count)
        }
        guard boundaries[0] == 0, boundaries[count] == words.count else {
            throw .countMismatch(.categoryWords, tree: index, declared: boundaries[count], found: words.count)
        }
        var sets: [[UInt32]?] = []
        for set in 0..<count {
            guard boundaries[set] <= boundaries[set + 1], boundaries[set + 1] <= words.count else {
                throw .elementInvalid(
                    .categoryBoundaries, tree: index, line: entries[.categoryBoundaries]?.line ?? 0, element: set + 1)
            }
            sets.append(Self.members(words[boundaries[set]..<boundaries[set + 1]]))
        }
        return sets
    }

    private static func members(_ words: ArraySlice<UInt32>) -> [UInt32] {
        var members: [UInt32] = []
        for (place, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                members.append(UInt32(32 * place + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return members
    }

    /// How many rows reached each node; empty where the file does not say.
    private func covers(leafCount: Int) throws(LightGBMError) -> [Double] {
        if leafCount == 1 { return try [coverOfOnlyLeaf()] }
        guard entries[.leafCovers] != nil, entries[.internalCovers] != nil else { return [] }
        return try elements(.internalCovers, count: leafCount - 1, LightGBMNumbers.double)
            + elements(.leafCovers, count: leafCount, LightGBMNumbers.double)
    }

    /// What a tree of one leaf contributes is the same for any cover, so that 1 will do where the file says nothing or 0, as LightGBM
    /// does for some such trees.
    private func coverOfOnlyLeaf() throws(LightGBMError) -> Double {
        guard entries[.leafCovers] != nil else { return 1 }
        let counts = try elements(.leafCovers, count: nil, LightGBMNumbers.double)
        guard counts.count <= 1 else { throw .countMismatch(.leafCovers, tree: index, declared: 1, found: counts.count) }
        return counts.first.map { $0 > 0 ? $0 : 1 } ?? 1
    }

    private func integer(_ field: Field) throws(LightGBMError) -> Int {
        try elements(field, count: 1, LightGBMNumbers.integer)[0]
    }

    /// The numbers of a line; `count` of them, if it is given.
    private func elements<Value>(
        _ field: Field, count: Int?, _ parse: (ArraySlice<UInt8>) -> Value?
    ) throws(LightGBMError) -> [Value] {
        guard let entry = entries[field] else { throw .fieldMissing(field, tree: index) }
        var values: [Value] = []
        for token in LightGBMNumbers.tokens(entry.text) {
            guard let value = parse(token) else {
                throw .elementInvalid(field, tree: index, line: entry.line, element: values.count)
            }
            values.append(value)
        }
        if let count, count != values.count {
            throw .countMismatch(field, tree: index, declared: count, found: values.count)
        }
        return values
    }

    /// The bits of `decision_type`: 0 categorical, 1 missing goes left, 2 and 3 what is missing.
    private struct Decision {
        let isCategorical: Bool
        let defaultsLeft: Bool
        let missing: Missing

        enum Missing: Int { case none, zero, nan }

        init(_ bits: Int, tree: Int, node: Int) throws(LightGBMError) {
            guard (0..<16).contains(bits), let missing = Missing(rawValue: bits >> 2) else {
                throw .decisionInvalid(tree: tree, node: node)
            }
            isCategorical = bits & 1 != 0
            defaultsLeft = bits & 2 != 0
            self.missing = missing
        }
    }
}
