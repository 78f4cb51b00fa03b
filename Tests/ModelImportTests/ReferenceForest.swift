import Forest
import Glibc

/// Scores an ensemble as its documentation says, node by node: nothing is packed, ranked or shared with the engine.
struct ReferenceForest {
    let ensemble: TreeEnsemble
    var linear: LinearModel?

    struct Scores {
        var raw: [Double]
        var outputs: [Double]
        var leaves: [UInt32]
    }

    func score(_ row: ArraySlice<Double>) -> Scores {
        let row = Array(row)
        var scores = Scores(raw: ensemble.baseMargins, outputs: [], leaves: [])
        for tree in ensemble.trees {
            let node = leaf(of: tree, row)
            scores.leaves.append(tree.numbers.isEmpty ? UInt32(node) : tree.numbers[node])
            switch tree.nodes[node] {
            case .leaf(let value): add(value, tree.weight, &scores.raw[tree.output])
            case .vectorLeaf(let values): for output in values.indices { add(values[output], tree.weight, &scores.raw[output]) }
            default: preconditionFailure("the walk ends at leaves")
            }
        }
        if let linear {
            for output in scores.raw.indices {
                for feature in row.indices where !row[feature].isNaN {
                    add(row[feature], linear.weights[output * row.count + feature], &scores.raw[output])
                }
            }
        }
        scores.outputs = outputs(scores.raw)
        return scores
    }

    private func leaf(of tree: TreeEnsemble.Tree, _ row: [Double]) -> Int {
        var node = 0
        while true {
            switch tree.nodes[node] {
            case .leaf, .vectorLeaf: return node
            case .split(let feature, let threshold, let missingGoesLeft, let left, let right):
                let goesLeft = value(feature, row).map { $0 < threshold } ?? missingGoesLeft
                node = goesLeft ? left : right
            case .categorySplit(let feature, let categories, let missingGoesLeft, let left, let right):
                let goesLeft = value(feature, row).map { !isMember($0, categories) } ?? missingGoesLeft
                node = goesLeft ? left : right
            }
        }
    }

    /// nil where it is missing.
    private func value(_ feature: Int, _ row: [Double]) -> Double? {
        var value = row[feature]
        if ensemble.featurePrecision == .float32 { value = Double(Float(value)) }
        if value.isNaN { return nil }
        let isTiny = value.magnitude <= Double(Float(1e-35))
        if isTiny, ensemble.inputRules.zeroIsMissing.contains(feature) { return nil }
        return isTiny && ensemble.inputRules.flushesTiny ? 0 : value
    }

    private func isMember(_ value: Double, _ categories: [UInt32]) -> Bool {
        switch ensemble.inputRules.categories {
        case .nonNegative: value >= 0 && value < 16_777_216 && categories.contains(UInt32(value))
        case .towardZero: value > -1 && value < 2_147_483_648 && categories.contains(UInt32(value.magnitude))
        }
    }

    private func add(_ value: Double, _ weight: Double, _ sum: inout Double) {
        if ensemble.sumPrecision == .float32 {
            sum = Double(Float(sum) + Float(value) * Float(weight))
        } else {
            sum += value * weight
        }
    }

    private func outputs(_ raw: [Double]) -> [Double] {
        let transform = ensemble.transform
        let single = ensemble.sumPrecision == .float32
        let values = raw.map { transform.divisor == 1 ? $0 : $0 / transform.divisor }
        let greatest = values.max() ?? 0
        switch transform.kind {
        case .identity: return values
        case .logistic where single: return values.map { Double(1 / (expf(min(-Float($0), 88.7)) + 1 + 1e-16)) }
        case .logistic: return values.map { 1 / (1 + exp(-transform.scale * $0)) }
        case .exponential: return values.map { single ? Double(expf(Float($0))) : exp($0) }
        case .step: return values.map { $0 > 0 ? 1 : 0 }
        case .argmax: return [Double(values.firstIndex(of: greatest) ?? 0)]
        case .softmax where single:
            let powers = values.map { expf(Float($0) - Float(greatest)) }
            let sum = Float(powers.reduce(0.0) { $0 + Double($1) })
            return powers.map { Double($0 / sum) }
        case .softmax:
            let powers = values.map { exp($0 - greatest) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        case .softplus: return values.map { log1p(exp($0)) }
        case .signedSquare: return values.map { $0 < 0 ? -($0 * $0) : $0 * $0 }
        default: return values.map { _ in .nan }
        }
    }
}
