import Forest
import Glibc

/// An Isolation Forest: the sum of path lengths, and `-2^(-sum / (trees * c(samples)))` less an offset.
///
/// The graph spells out for each leaf how its path length comes of depth and training rows, in float32. Where that is found to be
/// so, the path lengths are computed anew as scikit-learn does, in float64, so that raw scores equal its sums; else what the
/// graph says counts.
struct ONNXIsolation {
    let transform: Transform
    let trees: [TreeEnsemble.Tree]

    /// Relative difference between the graph's float32 constants and ours.
    private static let tolerance = 1e-5

    /// nil if the column is no such score.
    init?(_ column: ONNXColumn) {
        guard column.outerFactor == -1, column.factor < 0, column.offset == 0, column.weights.isEmpty, !column.trees.isEmpty
        else {
            return nil
        }
        let scale = -column.divisor / column.factor
        guard scale.isFinite, scale > 0 else { return nil }
        if let exact = column.trees.isolationPaths, abs(exact.scale / scale - 1) < Self.tolerance {
            trees = exact.trees
            transform = Transform(.isolation, scale: exact.scale, offset: -column.outerOffset)
            return
        }
        trees = column.trees.map { part in part.ensembleTree(part.values, covers: []) }
        transform = Transform(.isolation, scale: scale, offset: -column.outerOffset)
    }
}

extension [ONNXColumn.Part] {
    /// The trees with path lengths and covers computed anew, and trees x c(samples); nil if a tree is not what scikit-learn makes.
    fileprivate var isolationPaths: (trees: [TreeEnsemble.Tree], scale: Double)? {
        var trees: [TreeEnsemble.Tree] = []
        var sampleCount: Double?
        for part in self {
            guard let paths = part.isolationPaths else { return nil }
            // Every tree was grown on as many rows.
            guard sampleCount == nil || sampleCount == paths.sampleCount else { return nil }
            sampleCount = paths.sampleCount
            trees.append(paths.tree)
        }
        guard let sampleCount else { return nil }
        return (trees, Double(count) * IsolationPath.averageLength(sampleCount))
    }
}

extension ONNXColumn.Part {
    func ensembleTree(_ values: [Double], covers: [Double]) -> TreeEnsemble.Tree {
        let nodes = tree.nodes.map { node -> TreeEnsemble.Node in
            if case .leaf(let leaf) = node { .leaf(values[Int(leaf)]) } else { node }
        }
        return TreeEnsemble.Tree(nodes: nodes, numbers: tree.numbers, covers: covers)
    }

    /// A leaf's value less its depth is c(rows), which grows with the rows: so the rows of each leaf are found again.
    fileprivate var isolationPaths: (tree: TreeEnsemble.Tree, sampleCount: Double)? {
        guard let depths = tree.leafDepths() else { return nil }
        var values: [Double] = []
        var rows: [Double] = []
        for (leaf, depth) in depths.enumerated() {
            guard let count = IsolationPath.rowCount(averageLength: self.values[leaf] - Double(depth)) else { return nil }
            rows.append(count)
            // scikit-learn counts nodes on the path, and takes the one too many away after the correction.
            values.append(Double(depth + 1) + IsolationPath.averageLength(count) - 1)
        }
        let covers = covers(rows)
        guard let sampleCount = covers.first else { return nil }
        return (ensembleTree(values, covers: covers), sampleCount)
    }

    /// The rows that reached each node: children come after their parents, so one pass from the end adds them up.
    private func covers(_ rows: [Double]) -> [Double] {
        var covers = [Double](repeating: 0, count: tree.nodes.count)
        for (index, node) in tree.nodes.enumerated().reversed() {
            switch node {
            case .leaf(let leaf): covers[index] = rows[Int(leaf)]
            case .vectorLeaf: break
            case .split(_, _, _, let left, let right), .categorySplit(_, _, _, let left, let right):
                covers[index] = covers[left] + covers[right]
            }
        }
        return covers
    }
}

/// The average path length of a search in a binary tree of so many rows, scikit-learn's `_average_path_length`.
enum IsolationPath {
    private static let eulerGamma = 0.577215664901532860606512090082402431

    static func averageLength(_ rowCount: Double) -> Double {
        if rowCount <= 1 { return 0 }
        if rowCount == 2 { return 1 }
        return 2 * (log(rowCount - 1) + eulerGamma) - 2 * (rowCount - 1) / rowCount
    }

    /// The rows whose average path length is within 1e-5 of this; nil if there is none below 2^20, where neighbours come too close.
    static func rowCount(averageLength length: Double) -> Double? {
        guard length > -1e-5, length < averageLength(0x1p20) else { return nil }
        var (low, high) = (1.0, 0x1p20)
        while high - low > 1 {
            let middle = ((low + high) / 2).rounded(.down)
            if averageLength(middle) <= length { low = middle } else { high = middle }
        }
        let nearest = abs(averageLength(low) - length) <= abs(averageLength(high) - length) ? low : high
        return abs(averageLength(nearest) - length) < 1e-5 ? nearest : nil
    }
}
