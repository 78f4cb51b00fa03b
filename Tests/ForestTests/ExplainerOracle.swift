import Forest

/// The slow, obvious ways to contributions that the explainer is compared with, on the ensemble as an importer describes it.
enum ExplainerOracle {
    /// Shapley values by their definition: over all subsets of features, a row's score when only the subset is known. For few features.
    static func byDefinition(_ ensemble: TreeEnsemble, _ row: [Double], output: Int) -> [Double] {
        let count = ensemble.featureCount
        let scores = (0..<(1 << count)).map { known in
            ensemble.trees.reduce(0.0) { $0 + score($1, 0, ensemble, row, output, known: known) }
        }
        var contributions = [Double](repeating: 0, count: count + 1)
        contributions[count] = ensemble.baseMargins[output] + scores[0]
        for known in 0..<(1 << count) {
            for feature in 0..<count where known & 1 << feature == 0 {
                let size = known.nonzeroBitCount
                let weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                contributions[feature] += weight * (scores[known | 1 << feature] - scores[known])
            }
        }
        return contributions
    }

    private static func factorial(_ number: Int) -> Double { (0..<number).reduce(1) { $0 * Double($1 + 1) } }

    /// The score of a tree with what is not known taken as in the training data.
    private static func score(
        _ tree: TreeEnsemble.Tree, _ node: Int, _ ensemble: TreeEnsemble, _ row: [Double], _ output: Int, known: Int
    ) -> Double {
        guard let split = ExplainerSplit(tree.nodes[node]) else { return value(tree, node, output) }
        let goesRight = split.goesRight(row, ensemble)
        if known & 1 << split.feature != 0 {
            return score(tree, goesRight ? split.right : split.left, ensemble, row, output, known: known)
        }
        let share = leftShare(tree, split)
        return share * score(tree, split.left, ensemble, row, output, known: known)
            + (1 - share) * score(tree, split.right, ensemble, row, output, known: known)
    }

    /// Lundberg's TreeSHAP (algorithm 2 of arXiv:1802.03888), with the features of a path extended anew for each leaf and feature
    /// instead of unwound: slower, and every term is positive, so that it is exact on deep trees, too.
    static func byPaths(_ ensemble: TreeEnsemble, _ row: [Double], output: Int) -> [Double] {
        var contributions = [Double](repeating: 0, count: ensemble.featureCount + 1)
        contributions[ensemble.featureCount] = ensemble.baseMargins[output]
        for tree in ensemble.trees { follow(tree, 0, [], ensemble, row, output, &contributions) }
        return contributions
    }

    /// A feature of a path: how much of the training data its edges let through, and whether the row passes them.
    private struct Element {
        let feature: Int
        var zero: Double
        var one: Double
    }

    private static func follow(
        _ tree: TreeEnsemble.Tree, _ node: Int, _ path: [Element], _ ensemble: TreeEnsemble, _ row: [Double], _ output: Int,
        _ contributions: inout [Double]
    ) {
        guard let split = ExplainerSplit(tree.nodes[node]) else {
            add(path, value(tree, node, output), &contributions)
            return
        }
        let goesRight = split.goesRight(row, ensemble)
        let share = leftShare(tree, split)
        for isRight in [false, true] {
            var path = path
            var element = Element(feature: split.feature, zero: 1, one: 1)
            if let known = path.firstIndex(where: { $0.feature == split.feature }) { element = path.remove(at: known) }
            element.zero *= isRight ? 1 - share : share
            element.one *= isRight == goesRight ? 1 : 0
            path.append(element)
            follow(tree, isRight ? split.right : split.left, path, ensemble, row, output, &contributions)
        }
    }

    private static func add(_ path: [Element], _ value: Double, _ contributions: inout [Double]) {
        contributions[contributions.count - 1] += path.reduce(value) { $0 * $1.zero }
        for index in path.indices {
            // weights[k]: of the subsets of k of the other features, times k! (n - k)! / (n + 1)!, which extension keeps up.
            var weights = [1.0]
            for (other, element) in path.enumerated() where other != index {
                let length = Double(weights.count)
                var extended = [Double](repeating: 0, count: weights.count + 1)
                for (size, weight) in weights.enumerated() {
                    extended[size + 1] += element.one * weight * Double(size + 1) / (length + 1)
                    extended[size] += element.zero * weight * (length - Double(size)) / (length + 1)
                }
                weights = extended
            }
            contributions[path[index].feature] += weights.reduce(0, +) * (path[index].one - path[index].zero) * value
        }
    }

    private static func value(_ tree: TreeEnsemble.Tree, _ node: Int, _ output: Int) -> Double {
        switch tree.nodes[node] {
        case .leaf(let value): tree.output == output ? value * tree.weight : 0
        case .vectorLeaf(let values): values[output] * tree.weight
        default: preconditionFailure("no leaf")
        }
    }

    private static func leftShare(_ tree: TreeEnsemble.Tree, _ split: ExplainerSplit) -> Double {
        let sum = tree.covers[split.left] + tree.covers[split.right]
        return sum == 0 ? 0.5 : tree.covers[split.left] / sum
    }
}

/// A split of either kind.
struct ExplainerSplit {
    let feature: Int
    let left: Int
    let right: Int
    private let node: TreeEnsemble.Node

    init?(_ node: TreeEnsemble.Node) {
        self.node = node
        switch node {
        case .leaf, .vectorLeaf: return nil
        case .split(let feature, _, _, let left, let right): (self.feature, self.left, self.right) = (feature, left, right)
        case .categorySplit(let feature, _, _, let left, let right):
            (self.feature, self.left, self.right) = (feature, left, right)
        }
    }

    func goesRight(_ row: [Double], _ ensemble: TreeEnsemble) -> Bool {
        let value = row[feature]
        let isTiny = value.magnitude <= Double(Float(1e-35))
        switch node {
        case .split(_, let threshold, let missingGoesLeft, _, _):
            if value.isNaN || isTiny && ensemble.inputRules.zeroIsMissing.contains(feature) { return !missingGoesLeft }
            return !(value < threshold)
        case .categorySplit(_, let categories, let missingGoesLeft, _, _):
            if value.isNaN { return !missingGoesLeft }
            return value >= 0 && value < 1e6 && categories.contains(UInt32(value))
        default: preconditionFailure("no split")
        }
    }
}
