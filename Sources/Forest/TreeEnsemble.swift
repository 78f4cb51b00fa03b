/// A tree ensemble as an importer describes it, before it is packed for scoring.
///
/// A row scores, for each output, the sum of the base margin and then the reached leaf of each tree of that output, in order and in
/// `sumPrecision`. Features are rounded to `featurePrecision` before they are compared.
public struct TreeEnsemble: Sendable {
    public var featureCount: Int
    /// What features are rounded to, and what thresholds must be exactly representable in.
    public var featurePrecision: Precision
    /// What leaves are rounded to, and what sums and outputs are computed in.
    public var sumPrecision: Precision
    /// What makes the ensemble's features missing, or a category, beyond NaN and whole numbers.
    public var inputRules: InputRules
    /// The margin at which each output's sum starts; as many as there are raw scores.
    public var baseMargins: [Double]
    public var transform: Transform
    public var trees: [Tree]

    public init(
        featureCount: Int, featurePrecision: Precision = .float32, sumPrecision: Precision = .float32,
        inputRules: InputRules = InputRules(), baseMargins: [Double], transform: Transform, trees: [Tree]
    ) {
        self.featureCount = featureCount
        self.featurePrecision = featurePrecision
        self.sumPrecision = sumPrecision
        self.inputRules = inputRules
        self.baseMargins = baseMargins
        self.transform = transform
        self.trees = trees
    }

    /// How features become what splits look at.
    public struct InputRules: Sendable, Equatable {
        /// Values of at most 1e-35 (as float32, LightGBM's kZeroThreshold) in magnitude are zero.
        public var flushesTiny = false
        /// How a number becomes a category.
        public var categories = CategoryRule.nonNegative
        /// Features whose zeros (1e-35 included) are missing, as with LightGBM's zero_as_missing.
        public var zeroIsMissing: Set<Int> = []

        public init(flushesTiny: Bool = false, categories: CategoryRule = .nonNegative, zeroIsMissing: Set<Int> = []) {
            self.flushesTiny = flushesTiny
            self.categories = categories
            self.zeroIsMissing = zeroIsMissing
        }
    }

    /// How a number becomes a category: rounded toward zero, if it is in range; else it is in no set. Stored in bundles.
    public enum CategoryRule: UInt16, Sendable, CaseIterable {
        /// From 0 on, below 2^24: XGBoost. -0.5 is no category.
        case nonNegative = 1
        /// Above -1, below 2^31: LightGBM. -0.5 is category 0.
        case towardZero = 2
    }

    /// One tree; its root is node 0. Nodes that the root does not reach are pruned ones, and ignored.
    public struct Tree: Sendable {
        public var nodes: [Node]
        /// The raw score that the tree adds to; of no meaning when leaves are vectors.
        public var output: Int
        /// Leaf values are multiplied by it, rounded to `sumPrecision`, before they are added.
        public var weight: Double
        /// What the framework calls each node, which matters for leaves; empty: its index.
        public var numbers: [UInt32]
        /// How much training data (or weight of it) reached each node, for contributions; empty: unknown.
        public var covers: [Double]

        public init(nodes: [Node], output: Int = 0, weight: Double = 1, numbers: [UInt32] = [], covers: [Double] = []) {
            self.nodes = nodes
            self.output = output
            self.weight = weight
            self.numbers = numbers
            self.covers = covers
        }
    }

    public enum Node: Sendable, Equatable {
        case leaf(Double)
        /// A value for each raw score. All leaves of an ensemble are vectors, or none is.
        case vectorLeaf([Double])
        /// Left if the feature is below the threshold, right if not; a missing feature goes left if `missingGoesLeft`.
        case split(feature: Int, threshold: Double, missingGoesLeft: Bool, left: Int, right: Int)
        /// Right if the feature is one of the categories, left if not (also if it is no category at all); a missing feature goes left
        /// if `missingGoesLeft`. The categories ascend.
        case categorySplit(feature: Int, categories: [UInt32], missingGoesLeft: Bool, left: Int, right: Int)
    }
}
