import Forest
import Glibc
import Platform

@testable import ModelBundle

/// Small bundles for the tests; what their golden rows score is computed here by hand.
enum Drafts {
    /// Three trees over three features with one output, all float32.
    static func binary(name: String = "cards") -> BundleDraft {
        let trees = [
            tree(feature: 0, threshold: 0.5, missingGoesLeft: true, -1, 1),
            tree(feature: 1, threshold: -2, missingGoesLeft: false, 0.25, -0.5),
            tree(feature: 2, threshold: 10, missingGoesLeft: true, 0.125, 2),
        ]
        let ensemble = TreeEnsemble(featureCount: 3, baseMargins: [0.5], transform: Transform(.identity), trees: trees)
        let rows: [Double] = [0, 0, 0, 1, -3, 11, .nan, .nan, .nan]
        // 0.5 + left/right leaf of each tree.
        let outputs: [Double] = [0.5 - 1 - 0.5 + 0.125, 0.5 + 1 + 0.25 + 2, 0.5 - 1 - 0.5 + 0.125]
        return BundleDraft(
            name: name, objective: "binary:logitraw",
            schema: FeatureSchema(features: [
                .init(name: "amount", reason: "the amount is unusual"),
                .init(name: "hour", type: .integer, missingAllowed: false), .init(name: "fee", source: .bitcoinFee),
            ]),
            policy: OutcomePolicy(decidingOutput: 0, reviewThreshold: 0, declineThreshold: 2),
            provenance: [("trainer", "by hand"), ("note", "")], ensemble: ensemble,
            golden: GoldenRows(rowCount: 3, features: rows, raw: outputs, outputs: outputs))
    }

    /// As LightGBM's: float64, a threshold that float32 does not have, a set of categories, zeros that are missing, covers.
    static func float64() -> BundleDraft {
        let numeric = tree(feature: 0, threshold: 0.1, missingGoesLeft: false, 0.1, -0.7)
        var trees = [
            numeric, tree(feature: 2, threshold: 4, missingGoesLeft: true, 0.3, -0.2),
            TreeEnsemble.Tree(nodes: [
                .categorySplit(feature: 1, categories: [2, 40], missingGoesLeft: true, left: 1, right: 2), .leaf(1.5),
                .leaf(-1.5),
            ]),
        ]
        for index in trees.indices { (trees[index].covers, trees[index].numbers) = ([4, 1, 3], [0, 0, 1]) }
        let ensemble = TreeEnsemble(
            featureCount: 3, featurePrecision: .float64, sumPrecision: .float64,
            inputRules: .init(flushesTiny: true, categories: .towardZero, zeroIsMissing: [2]), baseMargins: [0],
            transform: Transform(.logistic, scale: 0.5), trees: trees)
        // The first two values of feature 0 are one and the same float32.
        let rows = [(0.1).nextDown, 2.7, 5, 0.1, -1, 3, .nan, .nan, 0]
        let raw = [0.1 - 0.2 - 1.5, -0.7 + 0.3 + 1.5, -0.7 + 0.3 + 1.5]
        return BundleDraft(
            name: "float64", objective: "binary",
            schema: FeatureSchema(features: [.init(name: "a"), .init(name: "b", type: .categorical), .init(name: "c")]),
            policy: .probability, ensemble: ensemble,
            golden: GoldenRows(rowCount: 3, features: rows, raw: raw, outputs: raw.map { 1 / (1 + exp(-0.5 * $0)) }))
    }

    /// As scikit-learn's: float32 features, float64 sums, a vector a leaf, the best class as output.
    static func classes() -> BundleDraft {
        let nodes: [TreeEnsemble.Node] = [
            .split(feature: 1, threshold: 0.5, missingGoesLeft: true, left: 1, right: 2), .vectorLeaf([0.1, 0.7, 0.2]),
            .vectorLeaf([0.6, 0.1, 0.3]),
        ]
        let ensemble = TreeEnsemble(
            featureCount: 2, sumPrecision: .float64, baseMargins: [0, 0, 0], transform: Transform(.argmax, divisor: 2),
            trees: [.init(nodes: nodes, covers: [2, 1, 1]), .init(nodes: nodes, covers: [2, 1, 1])])
        return BundleDraft(
            name: "classes", objective: "classifier",
            schema: FeatureSchema(features: [.init(name: "a"), .init(name: "b")]), policy: .approveAll, ensemble: ensemble,
            golden: GoldenRows(
                rowCount: 2, features: [7, 0, 7, 1], raw: [0.1 + 0.1, 0.7 + 0.7, 0.2 + 0.2, 0.6 + 0.6, 0.1 + 0.1, 0.3 + 0.3],
                outputs: [1, 0]))
    }

    /// Two raw scores of three weights each.
    static func linear(_ precision: Precision, scaler: StandardScaler? = nil) -> BundleDraft {
        let weights = [0.1, -2, 3, 1.7, 0.3, -0.9]
        let ensemble = TreeEnsemble(
            featureCount: 3, featurePrecision: precision, sumPrecision: precision, baseMargins: [0.5, -0.25],
            transform: Transform(.identity), trees: [])
        return BundleDraft(
            name: "linear", objective: "linear",
            schema: FeatureSchema(features: [.init(name: "a"), .init(name: "b"), .init(name: "c")]), policy: .approveAll,
            ensemble: ensemble, linear: LinearModel(weights: weights), scaler: scaler)
    }

    private static func tree(
        feature: Int, threshold: Double, missingGoesLeft: Bool, _ left: Double, _ right: Double
    ) -> TreeEnsemble.Tree {
        TreeEnsemble.Tree(nodes: [
            .split(feature: feature, threshold: threshold, missingGoesLeft: missingGoesLeft, left: 1, right: 2), .leaf(left),
            .leaf(right),
        ])
    }
}

/// A bundle file's bytes, to be damaged: the digest at the end is made right again, as a liar would.
struct FileMutant {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Where a section begins, by its entry in the table.
    func offset(of section: SectionID) -> Int {
        Int(read(UInt64.self, at: entry(of: section) + 8))
    }

    func byteCount(of section: SectionID) -> Int { Int(read(UInt64.self, at: entry(of: section) + 16)) }

    func entry(of section: SectionID) -> Int {
        let count = Int(read(UInt32.self, at: 12))
        return (0..<count).map { 64 + 24 * $0 }.first { read(UInt32.self, at: $0) == section.rawValue }!
    }

    func read<Value: FixedWidthInteger>(_: Value.Type, at offset: Int) -> Value {
        (0..<(Value.bitWidth / 8)).reduce(0) { $0 | Value(truncatingIfNeeded: bytes[offset + $1]) << Value(8 * $1) }
    }

    mutating func write<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        for index in 0..<(Value.bitWidth / 8) { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index)) }
    }

    /// The bytes with the SHA-256 that belongs to them.
    func sealed() -> [UInt8] {
        guard bytes.count >= 32 else { return bytes }
        let body = Array(bytes.dropLast(32))
        return body + SHA256Hasher.hash(body).bytes
    }
}

/// SplitMix64: the same numbers from the same seed on every machine.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
