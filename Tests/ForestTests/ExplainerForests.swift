import Forest

/// Random ensembles of many shapes, with covers, and rows for them.
struct ExplainerForests {
    var random: SeededRandom
    var featureCount = 5
    var outputCount = 1
    /// The features from this one on are split by categories.
    var firstCategoryFeature = Int.max
    /// How many leaves a tree may have; they are split in random order, as LightGBM does, until depthMax. Of a chain, the last one is.
    var leafCountMax = 16
    var depthMax = 6
    var isChain = false
    var hasVectorLeaves = false
    /// One in so many splits sends no training row to one of its sides; 0: none does.
    var emptySideOdds = 0
    var precision = Precision.float64
    var zeroIsMissing: Set<Int> = []

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func ensemble(treeCount: Int) -> TreeEnsemble {
        let trees = (0..<treeCount).map { tree(output: hasVectorLeaves ? 0 : $0 % outputCount) }
        return TreeEnsemble(
            featureCount: featureCount, featurePrecision: precision, sumPrecision: precision,
            inputRules: .init(zeroIsMissing: zeroIsMissing),
            baseMargins: (0..<outputCount).map { _ in Double.random(in: -2...2, using: &random).rounded() },
            transform: Transform(.identity), trees: trees)
    }

    private mutating func tree(output: Int) -> TreeEnsemble.Tree {
        var nodes = [leaf()]
        var covers = [1000.0]
        var open = [(node: 0, depth: 0)]
        for _ in 1..<max(1, leafCountMax) {
            let anyPlace = open.indices.randomElement(using: &random)
            guard let next = isChain ? open.indices.last : anyPlace else { break }
            let (node, depth) = open.remove(at: next)
            let left = nodes.count
            nodes[node] = split(left: left)
            nodes += [leaf(), leaf()]
            let isEmpty = emptySideOdds > 0 && Int.random(in: 0..<emptySideOdds, using: &random) == 0
            let share = isEmpty ? Double(Int.random(in: 0...1, using: &random)) : Double.random(in: 0.01...0.99, using: &random)
            covers += [covers[node] * share, covers[node] * (1 - share)]
            if depth + 1 < depthMax { open += [(left, depth + 1), (left + 1, depth + 1)] }
        }
        return TreeEnsemble.Tree(nodes: nodes, output: output, covers: covers)
    }

    private mutating func split(left: Int) -> TreeEnsemble.Node {
        let feature = Int.random(in: 0..<featureCount, using: &random)
        let missingGoesLeft = Bool.random(using: &random)
        guard feature < firstCategoryFeature else {
            let categories = (0..<9).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }.map { UInt32($0 * 7) }
            return .categorySplit(
                feature: feature, categories: categories.isEmpty ? [14] : categories, missingGoesLeft: missingGoesLeft,
                left: left,
                right: left + 1)
        }
        return .split(
            feature: feature, threshold: number(), missingGoesLeft: missingGoesLeft, left: left, right: left + 1)
    }

    private mutating func leaf() -> TreeEnsemble.Node {
        hasVectorLeaves ? .vectorLeaf((0..<outputCount).map { _ in number() }) : .leaf(number())
    }

    /// Exact in float32, from -2 to 2.
    private mutating func number() -> Double { Double(Int.random(in: -32...32, using: &random)) / 16 }

    mutating func rows(_ count: Int) -> [[Double]] {
        (0..<count).map { _ in
            (0..<featureCount).map { feature in
                switch Int.random(in: 0..<8, using: &random) {
                case 0: .nan
                case 1: 0
                default: feature < firstCategoryFeature ? number() : Double(Int.random(in: -7...70, using: &random))
                }
            }
        }
    }
}

/// Explains rows, all at once and one by one, which must agree up to rounding: `[row, output, feature]`.
func explained(_ ensemble: TreeEnsemble, _ rows: [[Double]], kernel: ExplainerKernel? = nil) throws -> [[[Double]]] {
    try PackedForest(ensemble).withView { view in
        try view.check()
        let explainer = try Explainer(view, kernel: kernel)
        var scratch = ExplainerScratch(byteCount: explainer.scratchByteCount)
        var all = [Double](repeating: .nan, count: rows.count * explainer.contributionCount)
        explainer.contributions(rows.flatMap(\.self), rowCount: rows.count, into: &all, scratch: &scratch)
        var single = [Double](repeating: .nan, count: all.count)
        for (index, row) in rows.enumerated() {
            var one = [Double](repeating: .nan, count: explainer.contributionCount)
            explainer.contributions(row, rowCount: 1, into: &one, scratch: &scratch)
            single.replaceSubrange((index * one.count)..<((index + 1) * one.count), with: one)
        }
        let scale = all.reduce(1) { max($0, $1.magnitude) }
        for (a, b) in zip(all, single) {
            precondition((a - b).magnitude <= 1e-11 * scale, "a batch explains its rows differently")
        }
        return all.chunks(of: ensemble.featureCount + 1).chunks(of: ensemble.baseMargins.count)
    }
}

extension Array {
    func chunks(of count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<($0 + count)]) }
    }
}
