import Decision
import ModelBundle
import Wire

/// The feature vectors of requests, valid as the bundle's schema says.
extension Session {
    /// The vector that came with the request, or derived from its transaction.
    func features(_ score: ScoreView, _ bundle: Bundle, _ rows: RowScratch) throws(Refusal) -> FeatureRows {
        if score.hasTransaction { return try derive(score, bundle, rows) }
        if bundle.precision == .float32 {
            let features = unsafe score.features32
            guard !features.isEmpty else { throw .precision(bundle.precision) }
            return try unsafe validated(features, rowCount: 1, bundle)
        }
        let features = unsafe score.features64
        guard !features.isEmpty else { throw .precision(bundle.precision) }
        return try unsafe validated(features, rowCount: 1, bundle)
    }

    /// All rows of a batch.
    func features(_ batch: ScoreBatchView, _ bundle: Bundle) throws(Refusal) -> FeatureRows {
        if bundle.precision == .float32 {
            guard unsafe batch.features64.isEmpty else { throw .precision(bundle.precision) }
            return try unsafe validated(batch.features32, rowCount: batch.rowCount, bundle)
        }
        guard unsafe batch.features32.isEmpty else { throw .precision(bundle.precision) }
        return try unsafe validated(batch.features64, rowCount: batch.rowCount, bundle)
    }

    private func derive(_ score: ScoreView, _ bundle: Bundle, _ rows: RowScratch) throws(Refusal) -> FeatureRows {
        let schema = bundle.schema
        do throws(TransactionError) {
            if bundle.precision == .float32 {
                let features = unsafe UnsafeMutableBufferPointer(rebasing: rows.features32[..<bundle.featureCount])
                if let bitcoin = score.bitcoin {
                    try unsafe FeatureDeriver.derive(bitcoin, schema: schema, into: features.baseAddress!)
                } else if let card = score.card {
                    try unsafe FeatureDeriver.derive(card, schema: schema, into: features.baseAddress!)
                }
                return unsafe FeatureRows(UnsafeBufferPointer(features))
            }
            let features = unsafe UnsafeMutableBufferPointer(rebasing: rows.features64[..<bundle.featureCount])
            if let bitcoin = score.bitcoin {
                try unsafe FeatureDeriver.derive(bitcoin, schema: schema, into: features.baseAddress!)
            } else if let card = score.card {
                try unsafe FeatureDeriver.derive(card, schema: schema, into: features.baseAddress!)
            }
            return unsafe FeatureRows(UnsafeBufferPointer(features))
        } catch {
            throw .transaction(error)
        }
    }

    private func validated(
        _ features: UnsafeBufferPointer<Float>, rowCount: Int, _ bundle: Bundle
    ) throws(Refusal) -> FeatureRows {
        guard features.count == rowCount * bundle.featureCount else {
            throw .features(.count(got: features.count, expected: rowCount * bundle.featureCount))
        }
        let schema = bundle.schema
        do throws(FeatureVectorError) {
            for row in 0..<rowCount {
                try unsafe FeatureValidation.check(features.baseAddress! + row * bundle.featureCount, schema: schema)
            }
        } catch {
            throw .features(error)
        }
        return unsafe FeatureRows(features)
    }

    private func validated(
        _ features: UnsafeBufferPointer<Double>, rowCount: Int, _ bundle: Bundle
    ) throws(Refusal) -> FeatureRows {
        guard features.count == rowCount * bundle.featureCount else {
            throw .features(.count(got: features.count, expected: rowCount * bundle.featureCount))
        }
        let schema = bundle.schema
        do throws(FeatureVectorError) {
            for row in 0..<rowCount {
                try unsafe FeatureValidation.check(features.baseAddress! + row * bundle.featureCount, schema: schema)
            }
        } catch {
            throw .features(error)
        }
        return unsafe FeatureRows(features)
    }
}
