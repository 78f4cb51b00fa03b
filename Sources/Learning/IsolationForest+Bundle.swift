import Forest
import ModelBundle
import Platform

extension IsolationForest {
    /// The draft of a bundle of this forest; its output is the score, higher is more abnormal.
    ///
    /// What lies above `threshold` is reviewed, and nothing is declined: scores of rows without labels tell what is rare, not
    /// what is wrong. Missing features are refused, because the forest saw none; where the schema file allows them, they go to
    /// the side of a split that more training rows went to. Golden rows are training rows, scored by the trainer's own walk.
    ///
    /// - Parameters:
    ///   - name: The bundle's name, 1-64 of `a-z`, `0-9`, `_` and `-`.
    ///   - rows: The training rows.
    ///   - schemaFile: What replaces the defaults.
    public func draft(
        name: String, rows: [Float], schemaFile: SchemaFile = SchemaFile()
    ) throws(LearningError) -> BundleDraft {
        if let features = schemaFile.features, features.count != featureCount {
            throw .featureCountMismatch(schemaFile: features.count, rows: featureCount)
        }
        let policy = OutcomePolicy(
            decidingOutput: schemaFile.decidingOutput ?? 0, reviewThreshold: schemaFile.reviewThreshold ?? threshold.nextUp,
            declineThreshold: schemaFile.declineThreshold ?? .infinity)
        let defaults = (0..<featureCount).map { FeatureSchema.Feature(name: "f\($0)", missingAllowed: false) }
        return BundleDraft(
            name: name, objective: "isolation forest", schema: FeatureSchema(features: schemaFile.features ?? defaults),
            policy: policy, provenance: provenance(rows) + schemaFile.provenance.map { ($0.key, $0.value.string ?? "") },
            ensemble: ensemble, golden: golden(rows))
    }

    private var ensemble: TreeEnsemble {
        TreeEnsemble(
            featureCount: featureCount, featurePrecision: .float32, sumPrecision: .float64, baseMargins: [0],
            transform: Transform(.exponential, divisor: divisor), trees: trees.map(\.ensembleTree))
    }

    private func provenance(_ rows: [Float]) -> Provenance {
        let contamination =
            switch parameters.contamination {
            case .auto: "auto"
            case .fraction(let fraction): String(fraction)
            }
        return [
            ("source.format", "Assay training"), ("training.algorithm", "isolation forest (Liu, Ting, Zhou 2008)"),
            ("training.trees", String(parameters.treeCount)), ("training.samples", String(sampleCount)),
            ("training.features_per_tree", String(parameters.featuresPerTree ?? featureCount)),
            ("training.seed", String(parameters.seed)), ("training.random", "xoshiro256**"),
            ("training.contamination", contamination), ("training.threshold", "\(threshold)"),
            ("training.rows", String(rows.count / featureCount)), ("training.rows_sha256", Self.digest(rows).hex),
        ]
    }

    /// Of the rows as little-endian float32, row after row, whatever file they came from.
    private static func digest(_ rows: [Float]) -> SHA256Digest {
        var hasher = SHA256Hasher()
        let chunk = 1 << 16
        for start in stride(from: 0, to: rows.count, by: chunk) {
            let bytes = rows[start..<min(start + chunk, rows.count)].flatMap { value in
                (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
            }
            hasher.update(bytes)
        }
        return hasher.finalize()
    }

    /// Rows at even distances, the first and the last among them.
    private func golden(_ rows: [Float]) -> GoldenRows {
        let rowCount = rows.count / featureCount
        let count = min(rowCount, LearningLimits.goldenRowCount)
        let chosen = (0..<count).map { index -> ArraySlice<Float> in
            let row = index * (rowCount - 1) / max(count - 1, 1)
            return rows[(row * featureCount)..<((row + 1) * featureCount)]
        }
        // The C library's exponential, which scores with, may differ from ours in the last bits; the sums of path lengths may not.
        return GoldenRows(
            rowCount: count, features: chosen.flatMap { $0.map(Double.init) }, raw: chosen.map(rawScore),
            outputs: chosen.map(score),
            tolerance: GoldenTolerance(outputs: 1e-15))
    }
}

extension IsolationTree {
    fileprivate var ensembleTree: TreeEnsemble.Tree {
        let converted = nodes.map { node -> TreeEnsemble.Node in
            switch node.kind {
            case .leaf(let value): .leaf(value)
            case .split(let feature, let threshold, let left, let right):
                .split(
                    feature: feature, threshold: Double(threshold),
                    missingGoesLeft: nodes[left].rowCount >= nodes[right].rowCount,
                    left: left, right: right)
            }
        }
        return TreeEnsemble.Tree(nodes: converted, covers: nodes.map { Double($0.rowCount) })
    }
}
