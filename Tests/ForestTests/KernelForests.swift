import Forest
import Testing

/// Forests of given shapes, one for each form that kernels keep trees in.
struct KernelForest: Sendable, CustomTestStringConvertible {
    var name: String
    var treeCount = 20
    var featureCount = 6
    /// Different thresholds a feature.
    var thresholdCount = 30
    var shape: Shape
    /// Every so manieth split tests categories; 0: none does.
    var categoryStride = 0
    var outputCount = 1
    var hasVectorLeaves = false
    var featurePrecision = Precision.float32
    var sumPrecision = Precision.float32
    var flushesTiny = false
    var zeroIsMissing: Set<Int> = []
    var missingGoesBothWays = true
    var rowCount = 160
    /// Whether byte trees can hold it.
    var fits = true

    enum Shape: Sendable {
        /// Every branch ends at this depth.
        case complete(depth: Int)
        /// Branches end at random, at most at this depth.
        case ragged(depth: Int)
        /// A random leaf is split until there are so many.
        case leafwise(leafCount: Int)
        /// One long branch.
        case path(depth: Int)
        /// Trees of all the shapes given, in turn.
        case mixed([Shape])
    }

    var testDescription: String { name }

    static let all: [KernelForest] =
        (0...10).map { KernelForest(name: "complete \($0)", treeCount: 2 + 37 % ($0 + 3), shape: .complete(depth: $0)) }
        + (1...10).map {
            KernelForest(name: "ragged \($0)", treeCount: 3 * $0, shape: .ragged(depth: $0), sumPrecision: .float64)
        }
        + [2, 16, 31, 63, 64].map { KernelForest(name: "\($0) leaves", shape: .leafwise(leafCount: $0), sumPrecision: .float64) }
        + [65, 127, 255, 500].map { KernelForest(name: "\($0) leaves", shape: .leafwise(leafCount: $0)) }
        + [7, 40, 63, 64, 255].map { KernelForest(name: "path \($0)", shape: .path(depth: $0)) }
        + special

    private static let special: [KernelForest] = [
        KernelForest(name: "one leaf", treeCount: 1, shape: .complete(depth: 0)),
        KernelForest(name: "no tree", treeCount: 0, shape: .complete(depth: 0)),
        KernelForest(name: "one threshold", treeCount: 9, featureCount: 1, thresholdCount: 1, shape: .ragged(depth: 3)),
        KernelForest(name: "300 trees", treeCount: 300, shape: .complete(depth: 6)),
        KernelForest(name: "ragged 13", treeCount: 30, shape: .ragged(depth: 13), sumPrecision: .float64),
        KernelForest(name: "complete 12", treeCount: 9, shape: .complete(depth: 12)),
        KernelForest(
            name: "complete 20 levels of one branch", treeCount: 9, shape: .mixed([.path(depth: 20), .complete(depth: 11)])),
        KernelForest(name: "16 thresholds", thresholdCount: 16, shape: .complete(depth: 6)),
        KernelForest(name: "17 thresholds", thresholdCount: 17, shape: .complete(depth: 6)),
        KernelForest(name: "255 thresholds", treeCount: 60, thresholdCount: 255, shape: .complete(depth: 6)),
        KernelForest(name: "256 thresholds", treeCount: 60, thresholdCount: 256, shape: .complete(depth: 6)),
        KernelForest(name: "510 thresholds", treeCount: 90, thresholdCount: 510, shape: .complete(depth: 6)),
        KernelForest(name: "5,000 thresholds", treeCount: 100, featureCount: 2, thresholdCount: 5000, shape: .complete(depth: 8)),
        KernelForest(name: "20 slots", treeCount: 40, featureCount: 10, shape: .complete(depth: 8), sumPrecision: .float64),
        KernelForest(name: "60 slots", treeCount: 40, featureCount: 30, shape: .complete(depth: 6)),
        KernelForest(name: "60 slots, leafwise", treeCount: 40, featureCount: 30, shape: .leafwise(leafCount: 63)),
        KernelForest(name: "60 slots, categories", featureCount: 30, shape: .leafwise(leafCount: 100), categoryStride: 7),
        KernelForest(name: "100 slots", featureCount: 50, shape: .complete(depth: 7)),
        KernelForest(name: "100 slots, leafwise", treeCount: 40, featureCount: 50, shape: .leafwise(leafCount: 63)),
        KernelForest(name: "100 slots, categories", featureCount: 50, shape: .complete(depth: 6), categoryStride: 5),
        KernelForest(name: "240 slots", treeCount: 40, featureCount: 120, shape: .complete(depth: 6)),
        KernelForest(name: "240 slots, leafwise", treeCount: 40, featureCount: 120, shape: .leafwise(leafCount: 50)),
        KernelForest(name: "600 features", treeCount: 60, featureCount: 600, shape: .complete(depth: 6), fits: false),
        KernelForest(
            name: "600 features, one way", treeCount: 2, featureCount: 600, shape: .complete(depth: 6), missingGoesBothWays: false
        ),
        KernelForest(
            name: "mixed", treeCount: 100, shape: .mixed([.complete(depth: 3), .leafwise(leafCount: 40), .ragged(depth: 9)])),
        KernelForest(
            name: "mixed, all", treeCount: 60,
            shape: .mixed([.complete(depth: 0), .leafwise(leafCount: 200), .ragged(depth: 14)])),
        KernelForest(name: "three outputs", shape: .complete(depth: 5), outputCount: 3),
        KernelForest(name: "three outputs, leafwise", shape: .leafwise(leafCount: 31), outputCount: 3, sumPrecision: .float64),
        KernelForest(name: "vector leaves", shape: .ragged(depth: 7), outputCount: 3, hasVectorLeaves: true),
        KernelForest(
            name: "vector leaves, leafwise", shape: .leafwise(leafCount: 60), outputCount: 2, hasVectorLeaves: true,
            sumPrecision: .float64),
        KernelForest(name: "float64", shape: .complete(depth: 6), featurePrecision: .float64, sumPrecision: .float64),
        KernelForest(
            name: "float64, leafwise", shape: .leafwise(leafCount: 63), featurePrecision: .float64, sumPrecision: .float64,
            flushesTiny: true),
        KernelForest(
            name: "float64 features", treeCount: 60, thresholdCount: 700, shape: .complete(depth: 7), featurePrecision: .float64),
        KernelForest(name: "zero is missing", shape: .complete(depth: 5), flushesTiny: true, zeroIsMissing: [0, 2, 4]),
        KernelForest(name: "zero is missing in some", shape: .complete(depth: 5), featurePrecision: .float64, zeroIsMissing: [1]),
        KernelForest(name: "categories", shape: .complete(depth: 6), categoryStride: 3),
        KernelForest(name: "categories, shallow", shape: .complete(depth: 3), categoryStride: 2, sumPrecision: .float64),
        KernelForest(
            name: "categories, leafwise", shape: .leafwise(leafCount: 63), categoryStride: 2, featurePrecision: .float64,
            sumPrecision: .float64),
        KernelForest(name: "categories, wide", shape: .leafwise(leafCount: 200), categoryStride: 4),
        KernelForest(name: "categories, steps", treeCount: 10, shape: .complete(depth: 12), categoryStride: 4, fits: false),
        KernelForest(name: "categories, outputs", shape: .leafwise(leafCount: 40), categoryStride: 3, outputCount: 4),
        KernelForest(name: "categories only", featureCount: 3, shape: .leafwise(leafCount: 30), categoryStride: 1),
    ]
}

/// Makes the ensemble and the rows of a shape.
struct KernelForestMaker {
    private let forest: KernelForest
    private var random: SeededRandom
    /// Of each feature.
    private let thresholds: [[Double]]
    private let categorySets: [[UInt32]]
    private var splitCount = 0

    init(_ forest: KernelForest, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        self.forest = forest
        thresholds = (0..<forest.featureCount).map { _ in
            (0..<forest.thresholdCount).map { index in
                switch index % 16 {
                case 3: 0
                case 5: forest.featurePrecision.round(Double(Float(1e-35)) * Double.random(in: 0.5...2, using: &random))
                default: forest.featurePrecision.round(Double.random(in: -3...3, using: &random))
                }
            }
        }
        categorySets = (0..<12).map { index in
            (0..<40).filter { _ in Bool.random(using: &random) } + (index % 4 == 0 ? [16_777_215] : [])
        }
        self.random = random
    }

    mutating func ensemble() -> TreeEnsemble {
        let trees = (0..<forest.treeCount).map { index in
            TreeEnsemble.Tree(nodes: nodes(forest.shape, index), output: forest.hasVectorLeaves ? 0 : index % forest.outputCount)
        }
        return TreeEnsemble(
            featureCount: forest.featureCount, featurePrecision: forest.featurePrecision, sumPrecision: forest.sumPrecision,
            inputRules: .init(flushesTiny: forest.flushesTiny, categories: .towardZero, zeroIsMissing: forest.zeroIsMissing),
            baseMargins: (0..<forest.outputCount).map { Double($0) / 4 }, transform: Transform(.identity), trees: trees)
    }

    /// Values at, beside and far from thresholds, categories, and all that is special.
    mutating func rows() -> [[Double]] {
        let special: [Double] = [
            .nan, 0, -0.0, .infinity, -.infinity, Double(Float.greatestFiniteMagnitude), -Double(Float.greatestFiniteMagnitude),
            Double(Float.leastNonzeroMagnitude), -Double(Float.leastNonzeroMagnitude), Double(Float(1e-35)),
            -Double(Float(1e-35)),
            1e300, .leastNonzeroMagnitude, 16_777_215, 16_777_216, 2_147_483_648, -0.5, -1,
        ]
        return (0..<forest.rowCount).map { _ in
            thresholds.map { thresholds in
                switch Int.random(in: 0..<8, using: &random) {
                case 0: special.randomElement(using: &random) ?? 0
                case 1: Double.random(in: -4...4, using: &random)
                case 2: Double(Int.random(in: -1...42, using: &random))
                case 3: Double((Float(thresholds.randomElement(using: &random) ?? 0)).nextUp)
                case 4: (thresholds.randomElement(using: &random) ?? 0).nextDown
                case 5: .nan
                default: thresholds.randomElement(using: &random) ?? 0
                }
            }
        }
    }

    private mutating func nodes(_ shape: KernelForest.Shape, _ index: Int) -> [TreeEnsemble.Node] {
        switch shape {
        case .complete(let depth): return grow(depth) { _ in true }
        case .ragged(let depth): return grow(depth) { random in Int.random(in: 0..<6, using: &random) > 0 }
        case .leafwise(let leafCount):
            return growLeafwise(leafCount) { count, random in Int.random(in: 0..<count, using: &random) }
        case .path(let depth):
            return growLeafwise(depth + 1) { count, random in count - 1 - Int.random(in: 0..<min(count, 2), using: &random) }
        case .mixed(let shapes): return nodes(shapes[index % shapes.count], index)
        }
    }

    private mutating func grow(_ depth: Int, _ splits: (inout SeededRandom) -> Bool) -> [TreeEnsemble.Node] {
        var nodes = [leaf()]
        var ends = [(node: 0, depth: 0)]
        while let (node, level) = ends.popLast() {
            guard level < depth, splits(&random) else { continue }
            nodes[node] = split(left: nodes.count)
            ends += [(nodes.count, level + 1), (nodes.count + 1, level + 1)]
            nodes += [leaf(), leaf()]
        }
        return nodes
    }

    private mutating func growLeafwise(_ leafCount: Int, _ choose: (Int, inout SeededRandom) -> Int) -> [TreeEnsemble.Node] {
        var nodes = [leaf()]
        var ends = [0]
        while ends.count < leafCount {
            let node = ends.remove(at: choose(ends.count, &random))
            nodes[node] = split(left: nodes.count)
            ends += [nodes.count, nodes.count + 1]
            nodes += [leaf(), leaf()]
        }
        return nodes
    }

    private mutating func split(left: Int) -> TreeEnsemble.Node {
        splitCount += 1
        let feature = Int.random(in: 0..<forest.featureCount, using: &random)
        let missingGoesLeft = forest.missingGoesBothWays ? Bool.random(using: &random) : true
        if forest.categoryStride > 0, splitCount % forest.categoryStride == 0,
            let set = categorySets.randomElement(using: &random)
        {
            return .categorySplit(
                feature: feature, categories: set, missingGoesLeft: missingGoesLeft, left: left, right: left + 1)
        }
        let threshold = thresholds[feature].randomElement(using: &random) ?? 0
        return .split(feature: feature, threshold: threshold, missingGoesLeft: missingGoesLeft, left: left, right: left + 1)
    }

    private mutating func leaf() -> TreeEnsemble.Node {
        guard forest.hasVectorLeaves else { return .leaf(Double.random(in: -1...1, using: &random)) }
        return .vectorLeaf((0..<forest.outputCount).map { _ in Double.random(in: -1...1, using: &random) })
    }
}
