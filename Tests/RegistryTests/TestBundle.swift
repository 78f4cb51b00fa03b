import Forest
import ModelBundle

/// Small real bundles: one feature, one tree of two leaves.
enum TestBundle {
    /// The file of a bundle; files of different `salt` differ in a leaf's value and are equally long.
    static func bytes(_ name: String, salt: Int = 0, unproven: Bool = false) -> [UInt8] {
        let leaf = Double(salt) + 0.5
        let tree = TreeEnsemble.Tree(nodes: [
            .split(feature: 0, threshold: 10, missingGoesLeft: true, left: 1, right: 2), .leaf(leaf), .leaf(-leaf),
        ])
        let golden = GoldenRows(rowCount: 2, features: [9, 10], outputs: [leaf, -leaf])
        let draft = BundleDraft(
            name: name, objective: "reg:squarederror", schema: FeatureSchema(features: [.init(name: "amount")]),
            policy: .approveAll,
            ensemble: TreeEnsemble(featureCount: 1, baseMargins: [0], transform: Transform(.identity), trees: [tree]),
            golden: unproven ? .none : golden)
        do { return try draft.serialized() } catch { preconditionFailure("\(error)") }
    }
}
