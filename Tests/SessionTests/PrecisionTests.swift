import Forest
import ModelBundle
import Testing
import Wire

@testable import Session

/// Bundles of float64, which tell apart what float32 does not.
@Suite struct PrecisionTests {
    private let wide = ModelReference(bundle: "wide")

    /// Above the threshold by less than float32 knows of.
    private let barely = 1 + 1e-12

    private func bench() throws -> SessionBench {
        let tree = TreeEnsemble.Tree(nodes: [
            .split(feature: 0, threshold: 1 + 1e-13, missingGoesLeft: true, left: 1, right: 2), .leaf(-2), .leaf(2),
        ])
        let draft = BundleDraft(
            name: "wide", objective: "binary",
            schema: FeatureSchema(features: [
                .init(name: "a", source: .bitcoinFeeRate), .init(name: "b", missingAllowed: false, source: .bitcoinInputCount),
            ]), policy: OutcomePolicy(decidingOutput: 0, reviewThreshold: 0, declineThreshold: 1),
            ensemble: TreeEnsemble(
                featureCount: 2, featurePrecision: .float64, sumPrecision: .float64, baseMargins: [0.1],
                transform: Transform(.identity), trees: [tree]))
        let bench = try SessionBench()
        try bench.push(draft.serialized())
        return bench
    }

    private func bytes(_ values: [Double]) -> [UInt8] {
        values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
    }

    @Test func float64RowsAreDecidedAndRecordedAsTheyCame() throws {
        let bench = try bench()
        for (value, score) in [(1, -1.9), (barely, 2.1), (.nan, -1.9)] as [(Double, Double)] {
            let reply = try bench.ask(.score(ScoreRequest(model: wide, input: .features64([value, 5]))))
            guard case .decision(let decision)? = reply.body else {
                Issue.record("\(reply)")
                return
            }
            #expect(decision.score == score)
            let record = try bench.record(decision.auditSequence)
            #expect(record.features64 == bytes([value, 5]))
            #expect(record.features32.isEmpty)
            #expect(record.score == score)
        }
    }

    @Test func batchesOfFloat64KeepEachRow() throws {
        let bench = try bench()
        let values = [1, 5, barely, 6, .nan, 7]
        let reply = try bench.ask(.scoreBatch(ScoreBatchRequest(model: wide, features64: values, rowCount: 3)))
        guard case .scoreBatch(let result)? = reply.body else {
            Issue.record("\(reply)")
            return
        }
        #expect(result.scores == [-1.9, 2.1, -1.9])
        for row in 0..<3 {
            let record = try bench.record(result.auditSequenceFirst + UInt64(row))
            #expect(record.features64 == bytes(Array(values[(2 * row)..<(2 * row + 2)])))
        }
    }

    @Test func transactionsAreDerivedInFloat64() throws {
        let bench = try bench()
        var transaction = BitcoinTransaction()
        (transaction.fee, transaction.vsize) = (1000, 300)
        transaction.inputs = [BitcoinInput()]
        transaction.outputs = [BitcoinOutput()]
        let reply = try bench.ask(
            .score(ScoreRequest(model: wide, input: TypedTransaction.bitcoin(transaction).scoreInput)))
        #expect(reply.status == .ok)
        // Ten thirds are no float32.
        #expect(try bench.record(1).features64 == bytes([1000.0 / 300, 1]))
    }

    @Test func float32FeaturesAreRefusedByAFloat64Bundle() throws {
        let bench = try bench()
        let single = try bench.ask(.score(ScoreRequest(model: wide, input: .features32([1, 2]))))
        let batch = try bench.ask(.scoreBatch(ScoreBatchRequest(model: wide, features32: [1, 2], rowCount: 1)))
        for reply in [single, batch] {
            #expect(reply.status == .invalidArgument)
            #expect(reply.error?.reason == "PRECISION")
            #expect(reply.error?.text == "the bundle's precision is float64: send features64")
        }
        #expect(bench.trail.status.lastSequence == 0)
    }

    @Test(
        arguments: [
            ([1], "FEATURE_COUNT"), ([1, 2, 3], "FEATURE_COUNT"), ([1, .nan], "FEATURE_MISSING"),
            ([.infinity, 2], "FEATURE_INFINITE"),
        ] as [([Double], String)])
    func wrongFloat64FeaturesAreRefusedAndRecordNothing(features: [Double], reason: String) throws {
        let bench = try bench()
        let single = try bench.ask(.score(ScoreRequest(model: wide, input: .features64(features))))
        let batch = try bench.ask(.scoreBatch(ScoreBatchRequest(model: wide, features64: features, rowCount: 1)))
        for reply in [single, batch] {
            #expect(reply.status == .invalidArgument)
            #expect(reply.error?.reason == reason)
        }
        #expect(bench.trail.status.lastSequence == 0)
    }
}
