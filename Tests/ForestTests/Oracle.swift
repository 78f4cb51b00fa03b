import Forest
import Glibc

/// The slow, obvious scorer that the fast ones are compared with: one tree at a time, one node at a time, a branch a node, straight from
/// the ensemble that an importer describes; nothing here knows how forests are packed.
enum Oracle {
    /// The raw scores of a row, `[rawCount]`; float32 sums are widened.
    static func margins(_ ensemble: TreeEnsemble, _ row: [Double]) -> [Double] {
        var sums = ensemble.baseMargins.map { ensemble.sumPrecision.round($0) }
        for tree in ensemble.trees {
            switch tree.nodes[leafIndex(of: tree, ensemble, row)] {
            case .leaf(let value): add(value, tree.weight, &sums[tree.output], ensemble.sumPrecision)
            case .vectorLeaf(let values):
                for (output, value) in values.enumerated() { add(value, tree.weight, &sums[output], ensemble.sumPrecision) }
            case .split, .categorySplit: preconditionFailure("a walk ended at a split")
            }
        }
        return sums
    }

    /// What the framework calls the leaf that a row reaches in each tree, `[treeCount]`.
    static func leaves(_ ensemble: TreeEnsemble, _ row: [Double]) -> [UInt32] {
        ensemble.trees.map { tree in
            let index = leafIndex(of: tree, ensemble, row)
            return tree.numbers.isEmpty ? UInt32(index) : tree.numbers[index]
        }
    }

    /// The index in its tree of the leaf that a row reaches.
    static func leafIndex(of tree: TreeEnsemble.Tree, _ ensemble: TreeEnsemble, _ row: [Double]) -> Int {
        var index = 0
        while true {
            switch tree.nodes[index] {
            case .leaf, .vectorLeaf: return index
            case .split(let feature, let threshold, let missingGoesLeft, let left, let right):
                let value = value(row, feature, ensemble)
                let isZero = abs(value) <= Double(Float(1e-35))
                let isMissing = value.isNaN || (isZero && ensemble.inputRules.zeroIsMissing.contains(feature))
                index = (isMissing ? missingGoesLeft : value < threshold) ? left : right
            case .categorySplit(let feature, let categories, let missingGoesLeft, let left, let right):
                let value = value(row, feature, ensemble)
                let isMember = isCategory(value, ensemble.inputRules.categories, in: categories)
                index = (value.isNaN ? missingGoesLeft : !isMember) ? left : right
            }
        }
    }

    /// What splits look at.
    private static func value(_ row: [Double], _ feature: Int, _ ensemble: TreeEnsemble) -> Double {
        let value = ensemble.featurePrecision.round(row[feature])
        return ensemble.inputRules.flushesTiny && abs(value) <= Double(Float(1e-35)) ? 0 : value
    }

    private static func isCategory(_ value: Double, _ rule: TreeEnsemble.CategoryRule, in categories: [UInt32]) -> Bool {
        switch rule {
        case .nonNegative: if value < 0 || value >= 16_777_216 { return false }
        case .towardZero: if value <= -1 || value >= 2_147_483_648 { return false }
        }
        return categories.contains { Double($0) == trunc(value) }
    }

    private static func add(_ leaf: Double, _ weight: Double, _ sum: inout Double, _ precision: Precision) {
        switch precision {
        case .float32: sum = Double(Float(sum) + Float(leaf) * Float(weight))
        case .float64: sum += leaf * weight
        }
    }
}

extension Precision {
    /// The nearest number of that width.
    func round(_ value: Double) -> Double { self == .float32 ? Double(Float(value)) : value }
}

/// Scores rows by the packed forest's plain kernel.
func packedScores(_ ensemble: TreeEnsemble, _ rows: [[Double]]) throws -> (raw: [[Double]], outputs: [[Double]]) {
    try PackedForest(ensemble).withView { view in
        try view.check()
        return scores(view, rows)
    }
}

/// As for Double, of rows that come as float32.
func packedScores(_ ensemble: TreeEnsemble, floats rows: [[Float]]) throws -> (raw: [[Double]], outputs: [[Double]]) {
    try PackedForest(ensemble).withView { view in
        try view.check()
        return scores(view, floats: rows)
    }
}

/// The leaf numbers of rows by the packed forest, `[rowCount][treeCount]`.
func packedLeaves(_ ensemble: TreeEnsemble, _ rows: [[Double]]) throws -> [[UInt32]] {
    try PackedForest(ensemble).withView { view in
        try view.check()
        return leaves(view, rows)
    }
}

/// The leaf numbers of rows, `[rowCount][treeCount]`.
func leaves(_ view: ForestView, _ rows: [[Double]]) -> [[UInt32]] {
    let treeCount = view.shape.treeCount
    var leaves = [UInt32](repeating: .max, count: rows.count * treeCount)
    view.leaves(rows.flatMap(\.self), rowCount: rows.count, into: &leaves)
    return rows.indices.map { Array(leaves[($0 * treeCount)..<(($0 + 1) * treeCount)]) }
}

/// Scores rows one by one and all at once, which must agree.
func scores(_ view: ForestView, _ rows: [[Double]]) -> (raw: [[Double]], outputs: [[Double]]) {
    collectScores(view.shape, rows) { view.score($0, rowCount: $1, raw: &$2, outputs: &$3) }
}

/// As for Double, of rows that come as float32.
func scores(_ view: ForestView, floats rows: [[Float]]) -> (raw: [[Double]], outputs: [[Double]]) {
    collectScores(view.shape, rows) { view.score($0, rowCount: $1, raw: &$2, outputs: &$3) }
}

/// Scores rows one by one and all at once, which must agree: by any kernel.
func collectScores<Value>(
    _ shape: ForestShape, _ rows: [[Value]], _ score: ([Value], Int, inout [Double], inout [Double]) -> Void
) -> (raw: [[Double]], outputs: [[Double]]) {
    var raw: [[Double]] = []
    var outputs: [[Double]] = []
    for row in rows {
        var rowRaw = [Double](repeating: .nan, count: shape.rawCount)
        var rowOutputs = [Double](repeating: .nan, count: shape.outputCount)
        score(row, 1, &rowRaw, &rowOutputs)
        raw.append(rowRaw)
        outputs.append(rowOutputs)
    }
    var allRaw = [Double](repeating: .nan, count: rows.count * shape.rawCount)
    var allOutputs = [Double](repeating: .nan, count: rows.count * shape.outputCount)
    score(rows.flatMap(\.self), rows.count, &allRaw, &allOutputs)
    precondition(allRaw.bits == raw.flatMap(\.self).bits, "a batch scores its rows differently")
    precondition(allOutputs.bits == outputs.flatMap(\.self).bits, "a batch scores its rows differently")
    return (raw, outputs)
}

extension [Double] {
    /// For comparisons that tell zeros apart and know NaN.
    var bits: [UInt64] { map(\.bitPattern) }
}

/// SplitMix64: the same numbers from the same seed on every machine.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
