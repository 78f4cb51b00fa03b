/// An Isolation Forest (Liu, Ting and Zhou: Isolation Forest, ICDM 2008), grown as scikit-learn grows its own.
///
/// Each tree takes a random sample of the rows and splits it by a random feature, among those that differ in the node, at a
/// threshold drawn evenly between the least and the greatest value, until rows are alone, equal, or `ceil(log2(samples))` splits
/// deep. Rows that are reached after few splits are abnormal: the score is `2^(-h / c(samples))`, h the mean over the trees of
/// the depth of the leaf reached plus c(rows in it), c the average depth of a search in a binary tree. Scores are in (0, 1],
/// higher is more abnormal; scikit-learn's `score_samples` is the negative of it.
///
/// Features are float32. The same rows and parameters give the same forest, bit for bit, on every machine: random numbers are
/// xoshiro256**, a stream a tree, and logarithms and exponentials are computed by fixed arithmetic.
public struct IsolationForest: Sendable {
    public struct Parameters: Sendable, Equatable {
        /// 1 to 10,000.
        public var treeCount = 100
        /// Rows that a tree is grown of, without repetition: 2 to 65,536; all of them, where there are fewer.
        public var sampleCount = 256
        public var seed: UInt64 = 1
        public var contamination = Contamination.auto
        /// How many features, drawn anew, a tree may split by; nil: all.
        public var featuresPerTree: Int?

        public init() {}
    }

    /// From which score on a row counts as abnormal.
    public enum Contamination: Sendable, Equatable {
        /// Above 0.5, the score of rows that are isolated neither early nor late.
        case auto
        /// So that this part of the training rows, above 0 and at most 0.5, does.
        case fraction(Double)
    }

    public let parameters: Parameters
    public let featureCount: Int
    /// The rows that each tree was grown of.
    public let sampleCount: Int
    /// Rows that score above it are abnormal.
    public private(set) var threshold = 0.5
    let trees: [IsolationTree]
    /// trees * c(samples) / ln 2: the score is e^(raw / divisor) of the raw score, minus the sum of path lengths.
    let divisor: Double

    /// Grows a forest.
    ///
    /// - Parameter rows: `[rows, featureCount]` row-major, all finite.
    public init(training rows: [Float], featureCount: Int, parameters: Parameters = Parameters()) throws(LearningError) {
        try Self.check(rows, featureCount: featureCount, parameters)
        let rowCount = rows.count / featureCount
        let sampleCount = min(parameters.sampleCount, rowCount)
        self.parameters = parameters
        self.featureCount = featureCount
        self.sampleCount = sampleCount
        var trees: [IsolationTree] = []
        trees.reserveCapacity(parameters.treeCount)
        for tree in 0..<parameters.treeCount {
            var random = Xoshiro256(seed: parameters.seed, stream: UInt64(tree))
            let sample = random.sample(sampleCount, below: rowCount)
            let features =
                parameters.featuresPerTree.map { random.sample($0, below: featureCount) } ?? Array(0..<featureCount)
            var grower = IsolationTreeGrower(rows: rows, featureCount: featureCount, features: features, random: random)
            trees.append(grower.grow(sample))
        }
        // A sample may hold equal rows only; all samples do where all rows are equal.
        guard trees.contains(where: { $0.nodes.count > 1 }) else { throw .rowsDoNotDiffer }
        self.trees = trees
        divisor = Double(trees.count) * IsolationTree.averagePathLength(sampleCount) / FixedArithmetic.ln2
        if case .fraction(let fraction) = parameters.contamination {
            threshold = Self.threshold(scores(rows), fraction: fraction)
        }
    }

    /// Minus the sum of path lengths over the trees, in their order.
    ///
    /// - Parameter row: `featureCount` values.
    public func rawScore(_ row: ArraySlice<Float>) -> Double { trees.reduce(0) { $0 + $1.value(row) } }

    /// In (0, 1], higher is more abnormal.
    public func score(_ row: ArraySlice<Float>) -> Double { FixedArithmetic.exponential(rawScore(row) / divisor) }

    /// A score for each row of `[rows, featureCount]`.
    public func scores(_ rows: [Float]) -> [Double] {
        stride(from: 0, to: rows.count, by: featureCount).map { score(rows[$0..<($0 + featureCount)]) }
    }

    private static func check(_ rows: [Float], featureCount: Int, _ parameters: Parameters) throws(LearningError) {
        guard featureCount > 0 else { throw .noFeatures }
        precondition(rows.count % featureCount == 0, "\(rows.count) values are no rows of \(featureCount)")
        let rowCount = rows.count / featureCount
        guard rowCount >= 2 else { throw .tooFewRows(rowCount, minimum: 2) }
        guard rowCount <= LearningLimits.rowCountMax else { throw .tooManyRows(rowCount, limit: LearningLimits.rowCountMax) }
        guard (1...LearningLimits.treeCountMax).contains(parameters.treeCount) else {
            throw .parameterOutOfRange(.trees, limit: LearningLimits.treeCountMax)
        }
        guard (2...LearningLimits.sampleCountMax).contains(parameters.sampleCount) else {
            throw .parameterOutOfRange(.samples, limit: LearningLimits.sampleCountMax)
        }
        guard (1...featureCount).contains(parameters.featuresPerTree ?? featureCount) else {
            throw .parameterOutOfRange(.features, limit: featureCount)
        }
        if case .fraction(let fraction) = parameters.contamination, !(fraction > 0 && fraction <= 0.5) {
            throw .contaminationOutOfRange
        }
        guard let index = rows.firstIndex(where: { !$0.isFinite }) else { return }
        let (row, feature) = index.quotientAndRemainder(dividingBy: featureCount)
        throw rows[index].isNaN ? .valueMissing(row: row, feature: feature) : .valueInfinite(row: row, feature: feature)
    }

    /// The percentile of the scores above which lies that part of them, between neighbours by their distance, as numpy.percentile
    /// of scikit-learn's negative scores.
    private static func threshold(_ scores: [Double], fraction: Double) -> Double {
        let ascending = scores.sorted()
        let place = (1 - fraction) * Double(ascending.count - 1)
        let below = Int(place.rounded(.down))
        guard below + 1 < ascending.count else { return ascending[ascending.count - 1] }
        return ascending[below] + (ascending[below + 1] - ascending[below]) * (place - Double(below))
    }
}
