import Forest

/// A column of scores: a transform of a sum of trees' leaf values and of weighted features.
///
/// Its value is `outerFactor * link(factor * (sum / divisor) + offset) + outerOffset`.
struct ONNXColumn {
    var trees: [Part] = []
    /// `[input columns]`, or empty.
    var weights: [Double] = []
    var divisor = 1.0
    var factor = 1.0
    var offset = 0.0
    var link = Link.identity
    var outerFactor = 1.0
    var outerOffset = 0.0
    /// What the sum is computed in, in the file.
    var precision: Precision

    /// What one tree adds: a number for each of its leaves.
    struct Part {
        let tree: ONNXTree
        let values: [Double]
    }

    enum Link: Equatable {
        case identity
        case logistic
        case exponential
        case exponentialOf2
        case softplus
        /// One of the columns that softmax gave together.
        case softmax(id: Int, index: Int, count: Int)
    }

    var isLinked: Bool { link != .identity }

    /// Whether nothing but the sum decides it.
    var isPlainSum: Bool { !isLinked && divisor == 1 && factor == 1 && offset == 0 }

    /// Multiplies by a constant and adds another.
    func scaled(by factor: Double, plus offset: Double = 0) -> ONNXColumn {
        var column = self
        if isLinked {
            column.outerFactor *= factor
            column.outerOffset = column.outerOffset * factor + offset
        } else {
            column.factor *= factor
            column.offset = column.offset * factor + offset
        }
        return column
    }

    /// Divides by a constant; a first division of the plain sum is kept as such, because a product with the inverse may differ in
    /// the last bit.
    func divided(by divisor: Double) -> ONNXColumn {
        guard isPlainSum else { return scaled(by: 1 / divisor) }
        var column = self
        column.divisor = divisor
        return column
    }

    /// Adds a column; false if one of the two is linked.
    mutating func add(_ other: ONNXColumn) -> Bool {
        guard !isLinked, !other.isLinked else { return false }
        precision = precision.wider(other.precision)
        if let values = leafValues, let others = other.leafValues, trees[0].tree === other.trees[0].tree {
            let sum = Part(tree: trees[0].tree, values: zip(values, others).map { $0 + $1 })
            self = ONNXColumn(trees: [sum], precision: .float64)
            return true
        }
        var other = other
        absorb()
        other.absorb()
        fold()
        other.fold()
        precision = precision.wider(other.precision)
        trees += other.trees
        offset += other.offset
        if weights.isEmpty {
            weights = other.weights
        } else if !other.weights.isEmpty {
            weights = zip(weights, other.weights).map { $0 + $1 }
        }
        return true
    }

    /// What the column is for each leaf, when it is a function of one tree's leaf and of nothing else.
    var leafValues: [Double]? {
        guard trees.count == 1, weights.isEmpty, !isLinked else { return nil }
        return trees[0].values.map { factor * ($0 / divisor) + offset }
    }

    /// Puts all that is done to one tree's leaves into the leaves.
    mutating func absorb() {
        guard !isPlainSum, let values = leafValues else { return }
        self = ONNXColumn(trees: [Part(tree: trees[0].tree, values: values)], precision: .float64)
    }

    /// Multiplies `factor` and `divisor` into the leaves; in float64 unless that is exact.
    mutating func fold() {
        let scale = factor / divisor
        guard scale != 1 else { return }
        let (factor, divisor) = (factor, divisor)
        trees = trees.map { Part(tree: $0.tree, values: $0.values.map { $0 * factor / divisor }) }
        weights = weights.map { $0 * factor / divisor }
        (self.factor, self.divisor) = (1, 1)
        // A power of two changes no bit of a fraction.
        if abs(scale).significand != 1 { precision = .float64 }
    }

    /// How many numbers an operation on it makes.
    var stepCount: Int { trees.reduce(1 + weights.count) { $0 + 1 + $1.values.count } }
}

extension Precision {
    func wider(_ other: Precision) -> Precision { self == .float64 ? self : other }
}

/// What a tensor of the graph is, for any row.
enum ONNXValue {
    /// `[rows, count]`
    case features([ONNXFeature])
    case constant(ONNXTensor)
    case scores(ONNXScores)
}

/// `[rows, columns]`, or `[rows]`.
struct ONNXScores {
    var columns: [ONNXColumn]
    /// Whether there is a second dimension.
    var isTable = true
    /// Whether the columns are a classifier's classes, in their order.
    var areClasses = false

    func replacing(_ columns: [ONNXColumn]) -> ONNXScores {
        var scores = self
        scores.columns = columns
        return scores
    }
}
