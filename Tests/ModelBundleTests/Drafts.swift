import Forest
import Platform

@testable import ModelBundle

/// Small bundles for the tests.
enum Drafts {
    /// Three trees over three features with one output; golden rows taken from its own oracle below.
    static func binary(name: String = "cards") -> BundleDraft {
        let trees = [
            tree(feature: 0, threshold: 0.5, missingGoesLeft: true, -1, 1),
            tree(feature: 1, threshold: -2, missingGoesLeft: false, 0.25, -0.5),
            tree(feature: 2, threshold: 10, missingGoesLeft: true, 0.125, 2),
        ]
        let ensemble = TreeEnsemble(featureCount: 3, baseMargins: [0.5], transform: .identity, trees: trees)
        let rows: [Float] = [0, 0, 0, 1, -3, 11, .nan, .nan, .nan]
        // 0.5 + left/right leaf of each tree, by hand.
        let outputs: [Float] = [0.5 - 1 - 0.5 + 0.125, 0.5 + 1 + 0.25 + 2, 0.5 - 1 - 0.5 + 0.125]
        return BundleDraft(
            name: name, objective: "binary:logitraw",
            schema: FeatureSchema(features: [
                .init(name: "amount"), .init(name: "hour", type: .integer, missingAllowed: false),
                .init(name: "fee", source: .bitcoinFee),
            ]),
            policy: OutcomePolicy(decidingOutput: 0, reviewThreshold: 0, declineThreshold: 2),
            provenance: [("trainer", "by hand"), ("note", "")], ensemble: ensemble,
            golden: GoldenRows(rowCount: 3, features: rows, raw: outputs, outputs: outputs))
    }

    private static func tree(
        feature: Int, threshold: Float, missingGoesLeft: Bool, _ left: Float, _ right: Float
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
