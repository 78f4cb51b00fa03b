import Forest

/// The slow, obvious scorer that the fast one is compared with: one tree at a time, one node at a time, a branch a node.
enum Oracle {
    static func margins(_ ensemble: TreeEnsemble, _ row: [Float]) -> [Float] {
        var sums = ensemble.baseMargins
        for tree in ensemble.trees {
            var index = 0
            walk: while true {
                switch tree.nodes[index] {
                case .leaf(let value):
                    sums[tree.output] += value * tree.weight
                    break walk
                case .split(let feature, let threshold, let missingGoesLeft, let left, let right):
                    let value = row[feature]
                    let goesLeft = value.isNaN ? missingGoesLeft : value < threshold
                    index = goesLeft ? left : right
                }
            }
        }
        return sums
    }
}

/// Scores rows by the packed forest.
func packedScores(_ ensemble: TreeEnsemble, _ rows: [[Float]]) throws -> (raw: [[Float]], outputs: [[Float]]) {
    try PackedForest(ensemble).withView { view in
        try view.check()
        return scores(view, rows)
    }
}

/// Scores rows one by one and all at once, which must agree.
func scores(_ view: ForestView, _ rows: [[Float]]) -> (raw: [[Float]], outputs: [[Float]]) {
    let shape = view.shape
    var raw: [[Float]] = []
    var outputs: [[Float]] = []
    for row in rows {
        var rowRaw = [Float](repeating: .nan, count: shape.rawCount)
        var rowOutputs = [Float](repeating: .nan, count: shape.outputCount)
        view.score(row, raw: &rowRaw, outputs: &rowOutputs)
        raw.append(rowRaw)
        outputs.append(rowOutputs)
    }
    var allRaw = [Float](repeating: .nan, count: rows.count * shape.rawCount)
    var allOutputs = [Float](repeating: .nan, count: rows.count * shape.outputCount)
    view.scoreBatch(rows.flatMap(\.self), rowCount: rows.count, raw: &allRaw, outputs: &allOutputs)
    precondition(allRaw.map(\.bitPattern) == raw.flatMap(\.self).map(\.bitPattern), "a batch scores its rows differently")
    precondition(allOutputs.map(\.bitPattern) == outputs.flatMap(\.self).map(\.bitPattern), "a batch scores its rows differently")
    return (raw, outputs)
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

/// Random ensembles of uneven trees, and rows that hit thresholds exactly, miss values and hold both zeros.
struct EnsembleMaker {
    var random: SeededRandom
    let featureCount: Int
    let values: [Float]

    init(seed: UInt64, featureCount: Int) {
        var random = SeededRandom(seed: seed)
        self.featureCount = featureCount
        values =
            (0..<40).map { _ in Float.random(in: -3...3, using: &random) }
            + [
                0, -0.0, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .greatestFiniteMagnitude,
                -.greatestFiniteMagnitude,
            ]
        self.random = random
    }

    mutating func tree(depthMax: Int, output: Int) -> TreeEnsemble.Tree {
        var nodes: [TreeEnsemble.Node] = []
        grow(depthMax, &nodes)
        return .init(nodes: nodes, output: output)
    }

    private mutating func grow(_ depth: Int, _ nodes: inout [TreeEnsemble.Node]) {
        let index = nodes.count
        nodes.append(.leaf(Float.random(in: -1...1, using: &random)))
        guard depth > 0, Int.random(in: 0..<8, using: &random) > 0 else { return }
        let feature = Int.random(in: 0..<featureCount, using: &random)
        let threshold = values.randomElement(using: &random)!
        let missingGoesLeft = Bool.random(using: &random)
        let left = nodes.count
        grow(depth - 1, &nodes)
        let right = nodes.count
        grow(depth - 1, &nodes)
        nodes[index] = .split(
            feature: feature, threshold: threshold, missingGoesLeft: missingGoesLeft, left: left, right: right)
    }

    mutating func ensemble(treeCount: Int, depthMax: Int, outputCount: Int, transform: Transform) -> TreeEnsemble {
        let trees = (0..<treeCount).map { tree(depthMax: depthMax, output: $0 % outputCount) }
        let margins = (0..<outputCount).map { _ in Float.random(in: -1...1, using: &random) }
        return TreeEnsemble(featureCount: featureCount, baseMargins: margins, transform: transform, trees: trees)
    }

    mutating func rows(_ count: Int) -> [[Float]] {
        (0..<count).map { _ in
            (0..<featureCount).map { _ in
                switch Int.random(in: 0..<6, using: &random) {
                case 0: Float.nan
                case 1: Float.random(in: -4...4, using: &random)
                default: values.randomElement(using: &random)!
                }
            }
        }
    }
}
