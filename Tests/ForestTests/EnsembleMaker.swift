import Forest

/// Random ensembles of uneven trees, and rows that hit thresholds exactly, miss values and hold both zeros.
struct EnsembleMaker {
    var random: SeededRandom
    let featureCount: Int
    let options: Options
    /// Thresholds, and what rows often hold; representable in the feature precision.
    let values: [Double]

    /// What the ensembles have; by default XGBoost's simplest.
    struct Options: Sendable {
        var featurePrecision = Precision.float32
        var sumPrecision = Precision.float32
        var flushesTiny = false
        var categoryRule = TreeEnsemble.CategoryRule.nonNegative
        /// Every so manieth feature is tested by category splits (and by others); 0: none is.
        var categoryFeatureStride = 0
        /// How many different sets of categories such a feature has at most.
        var categorySetCount = 6
        /// How many categories there are, most of them in some set.
        var categoryCount = 40
        /// Every so manieth feature's zeros are missing; 0: none's are.
        var zeroIsMissingStride = 0
        var hasVectorLeaves = false
        /// Leaf weights other than 1.
        var hasWeights = false
        /// Whole numbers, a split's the sum of its children's, none zero.
        var hasCovers = false
        /// Leaf numbers other than node indices.
        var hasNumbers = false
    }

    init(seed: UInt64, featureCount: Int, options: Options = Options()) {
        var random = SeededRandom(seed: seed)
        self.featureCount = featureCount
        self.options = options
        values = Self.values(of: options.featurePrecision, &random)
        self.random = random
        categorySets = (0..<featureCount).map { feature in
            guard options.hasCategories(feature) else { return [] }
            return (0..<options.categorySetCount).map { _ in
                let count = Int.random(in: 0...(options.categoryCount / 2), using: &self.random)
                return Set((0..<count).map { _ in Self.category(options.categoryCount, &self.random) }).sorted()
            }
        }
    }

    mutating func tree(depthMax: Int, output: Int, outputCount: Int = 1) -> TreeEnsemble.Tree {
        var tree = TreeEnsemble.Tree(nodes: [], output: output)
        if options.hasWeights { tree.weight = Double.random(in: -2...2, using: &random) }
        _ = grow(depthMax, &tree, outputCount)
        return tree
    }

    mutating func ensemble(treeCount: Int, depthMax: Int, outputCount: Int, transform: Transform) -> TreeEnsemble {
        let trees = (0..<treeCount).map {
            tree(depthMax: depthMax, output: options.hasVectorLeaves ? 0 : $0 % outputCount, outputCount: outputCount)
        }
        let margins = (0..<outputCount).map { _ in options.sumPrecision.round(Double.random(in: -1...1, using: &random)) }
        let zeroIsMissing = (0..<featureCount).filter { Self.isEach(options.zeroIsMissingStride, $0) }
        return TreeEnsemble(
            featureCount: featureCount, featurePrecision: options.featurePrecision, sumPrecision: options.sumPrecision,
            inputRules: .init(
                flushesTiny: options.flushesTiny, categories: options.categoryRule, zeroIsMissing: Set(zeroIsMissing)),
            baseMargins: margins, transform: transform, trees: trees)
    }

    /// Rows of Double; only some values are representable in float32.
    mutating func rows(_ count: Int) -> [[Double]] {
        (0..<count).map { _ in (0..<featureCount).map { value(ofFeature: $0) } }
    }

    /// Rows whose values are all representable in float32.
    mutating func floatRows(_ count: Int) -> [[Float]] { rows(count).map { $0.map(Float.init) } }

    // MARK: -

    private var categorySets: [[[UInt32]]] = []

    private static func values(of precision: Precision, _ random: inout SeededRandom) -> [Double] {
        let tiny = Double(Float(1e-35))
        let edges: [Double] =
            precision == .float32
            ? [Float.leastNonzeroMagnitude, .greatestFiniteMagnitude, Float(1e-35).nextUp, Float(1e-35).nextDown].map(Double.init)
            : [.leastNonzeroMagnitude, .greatestFiniteMagnitude, tiny.nextUp, tiny.nextDown]
        return (0..<40).map { _ in precision.round(Double.random(in: -3...3, using: &random)) }
            + [0, -0.0, 1, -1, tiny, -tiny] + edges + edges.map { -$0 }
    }

    /// Most are small, some need more than float32, all are valid.
    private static func category(_ count: Int, _ random: inout SeededRandom) -> UInt32 {
        if Int.random(in: 0..<16, using: &random) > 0 { return UInt32.random(in: 0..<UInt32(count), using: &random) }
        return [16_777_215, 16_777_216, 16_777_217, 2_147_483_647].randomElement(using: &random)!
    }

    private static func isEach(_ stride: Int, _ feature: Int) -> Bool { stride > 0 && feature % stride == stride - 1 }

    /// Appends a node and what is below it, and returns its cover.
    private mutating func grow(_ depth: Int, _ tree: inout TreeEnsemble.Tree, _ outputCount: Int) -> Double {
        let index = tree.nodes.count
        tree.nodes.append(leaf(outputCount))
        if options.hasNumbers { tree.numbers.append(UInt32.random(in: 0...UInt32.max, using: &random)) }
        if options.hasCovers { tree.covers.append(Double(Int.random(in: 1...1000, using: &random))) }
        guard depth > 0, Int.random(in: 0..<8, using: &random) > 0 else { return tree.covers.last ?? 0 }
        let feature = Int.random(in: 0..<featureCount, using: &random)
        let missingGoesLeft = Bool.random(using: &random)
        let set = Int.random(in: 0..<3, using: &random) > 0 ? categorySets[feature].randomElement(using: &random) : nil
        let threshold = values.randomElement(using: &random)!
        let left = tree.nodes.count
        let leftCover = grow(depth - 1, &tree, outputCount)
        let right = tree.nodes.count
        let rightCover = grow(depth - 1, &tree, outputCount)
        tree.nodes[index] =
            if let set {
                .categorySplit(feature: feature, categories: set, missingGoesLeft: missingGoesLeft, left: left, right: right)
            } else {
                .split(feature: feature, threshold: threshold, missingGoesLeft: missingGoesLeft, left: left, right: right)
            }
        if options.hasCovers { tree.covers[index] = leftCover + rightCover }
        return leftCover + rightCover
    }

    private mutating func leaf(_ outputCount: Int) -> TreeEnsemble.Node {
        guard options.hasVectorLeaves else { return .leaf(Double.random(in: -1...1, using: &random)) }
        return .vectorLeaf((0..<outputCount).map { _ in Double.random(in: -1...1, using: &random) })
    }

    private mutating func value(ofFeature feature: Int) -> Double {
        if options.hasCategories(feature), Int.random(in: 0..<3, using: &random) > 0 {
            let category = Double(Self.category(options.categoryCount, &random))
            return switch Int.random(in: 0..<10, using: &random) {
            case 0: Double.nan
            case 1: category + 0.5
            case 2: -category
            case 3: [-0.5, -0.999, -1, -1.5, -0.0].randomElement(using: &random)!
            case 4: [16_777_216, 16_777_217, 2_147_483_647.5, 2_147_483_648, 1e10, 1e300].randomElement(using: &random)!
            default: category
            }
        }
        return switch Int.random(in: 0..<8, using: &random) {
        case 0: Double.nan
        case 1: Double.random(in: -4...4, using: &random)
        case 2: values.randomElement(using: &random)!.nextUp
        case 3: values.randomElement(using: &random)!.nextDown
        default: values.randomElement(using: &random)!
        }
    }
}

extension EnsembleMaker.Options {
    func hasCategories(_ feature: Int) -> Bool {
        categoryFeatureStride > 0 && feature % categoryFeatureStride == categoryFeatureStride - 1
    }

    /// LightGBM's rules and precisions.
    static var lightGBM: Self {
        Self(
            featurePrecision: .float64, sumPrecision: .float64, flushesTiny: true, categoryRule: .towardZero,
            categoryFeatureStride: 3, zeroIsMissingStride: 4, hasCovers: true, hasNumbers: true)
    }

    /// XGBoost with categories, as DART.
    static var xgboost: Self { Self(categoryFeatureStride: 4, hasWeights: true, hasCovers: true) }

    /// scikit-learn's: float32 features, float64 sums, a vector a leaf.
    static var scikitLearn: Self { Self(sumPrecision: .float64, hasVectorLeaves: true, hasCovers: true) }
}
