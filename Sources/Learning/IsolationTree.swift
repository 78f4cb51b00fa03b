/// One tree; its root is node 0, and children come after their parents.
struct IsolationTree: Sendable {
    private(set) var nodes: [Node] = []

    struct Node: Sendable {
        /// How many of the tree's rows reach it.
        let rowCount: Int
        var kind: Kind

        enum Kind: Sendable {
            /// What it adds to raw scores: minus its path length.
            case leaf(Double)
            /// Left if the feature is below the threshold.
            case split(feature: Int, threshold: Float, left: Int, right: Int)
        }
    }

    mutating func append(rowCount: Int, depth: Int) -> Int {
        // As scikit-learn, which counts the nodes on the path and takes the one too many away after the correction.
        let pathLength = Double(depth + 1) + Self.averagePathLength(rowCount) - 1
        nodes.append(Node(rowCount: rowCount, kind: .leaf(-pathLength)))
        return nodes.count - 1
    }

    mutating func split(_ node: Int, feature: Int, threshold: Float, left: Int, right: Int) {
        nodes[node].kind = .split(feature: feature, threshold: threshold, left: left, right: right)
    }

    /// What the leaf that a row reaches adds to its raw score.
    func value(_ row: ArraySlice<Float>) -> Double {
        var node = 0
        while true {
            switch nodes[node].kind {
            case .leaf(let value): return value
            case .split(let feature, let threshold, let left, let right):
                node = row[row.startIndex + feature] < threshold ? left : right
            }
        }
    }

    private static let eulerGamma = 0.577_215_664_901_532_860_6

    /// c(n), the average depth of an unsuccessful search in a binary search tree of n rows: 2 H(n - 1) - 2 (n - 1) / n, the
    /// harmonic number H by the logarithm, as the paper and scikit-learn have it.
    static func averagePathLength(_ rowCount: Int) -> Double {
        if rowCount <= 1 { return 0 }
        if rowCount == 2 { return 1 }
        let count = Double(rowCount)
        return 2 * (FixedArithmetic.logarithm(count - 1) + eulerGamma) - 2 * (count - 1) / count
    }
}
