import Decision
import ModelBundle
import Platform
import Wire

/// Recomputes scores with the bundles that replies name, through the same evaluator as `assay bundle score`.
struct BundleOracle: ScoreOracle {
    private let source: BundleSource
    private let input: LoadInput
    /// Scores by content and row: versions with the same content are computed once.
    private var known: [SHA256Digest: [Int: ObservedScore]] = [:]

    init(source: BundleSource, input: LoadInput) {
        self.source = source
        self.input = input
    }

    mutating func scores(version: UInt32, digest: SHA256Digest, rows: [Int]) throws(LoadError) -> [ObservedScore] {
        let bundle = try source.bundle(version: version, digest: digest)
        var scores = known[digest] ?? [:]
        var result: [ObservedScore] = []
        result.reserveCapacity(rows.count)
        for row in rows {
            if let score = scores[row] {
                result.append(score)
                continue
            }
            let score = try self.score(bundle, row)
            scores[row] = score
            result.append(score)
        }
        known[digest] = scores
        return result
    }

    private func score(_ bundle: Bundle, _ row: Int) throws(LoadError) -> ObservedScore {
        let features = try features(bundle, row)
        let outputs = bundle.score(rows: features).outputs
        let score = outputs[bundle.policy.decidingOutput]
        return ObservedScore(
            scoreBits: score.bitPattern, outcome: bundle.policy.outcome(score: score).rawValue,
            outputBits: outputs.count > 1 ? outputs.map(\.bitPattern) : [])
    }

    private func features(_ bundle: Bundle, _ row: Int) throws(LoadError) -> [Double] {
        switch input {
        case .rows(_, let featureCount, _):
            guard featureCount == bundle.featureCount else {
                throw .featureCount(expected: bundle.featureCount, actual: featureCount)
            }
            return Array(input.features(row: row))
        case .transactions(let inputs): return try derived(bundle, inputs[row], row)
        }
    }

    private func derived(_ bundle: Bundle, _ input: ScoreInput, _ row: Int) throws(LoadError) -> [Double] {
        var features = [Double](repeating: .nan, count: bundle.featureCount)
        let arena = MessageArena(byteCount: 64 << 10)
        var failure: TransactionError?
        var isReadable = false
        unsafe features.withUnsafeMutableBufferPointer { features in
            do throws(TransactionError) {
                // Safety: features has the schema's count of values.
                switch input {
                case .bitcoin(let bytes):
                    guard
                        let view = unsafe bytes.withUnsafeBytes({ unsafe BitcoinTransactionView.decode($0, arena: arena) })
                    else { return }
                    isReadable = true
                    unsafe try FeatureDeriver.derive(view, schema: bundle.schema, into: features.baseAddress!)
                case .card(let bytes):
                    guard let view = unsafe bytes.withUnsafeBytes({ unsafe CardTransactionView.decode($0, arena: arena) })
                    else { return }
                    isReadable = true
                    unsafe try FeatureDeriver.derive(view, schema: bundle.schema, into: features.baseAddress!)
                case .features32, .features64: return
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw .input("transaction \(row + 1): \(failure)") }
        guard isReadable else { throw .input("transaction \(row + 1) can't be read back") }
        return features
    }
}
