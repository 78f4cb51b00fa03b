import Forest
import Glibc
import Testing

@testable import ModelBundle

/// Weights and scalers.
@Suite struct LinearTests {
    private func admit(_ draft: BundleDraft) throws -> Bundle { try Bundle.admit(bytes: draft.serialized()) }

    @Test func float32SumsAreGblinears() throws {
        let bundle = try admit(Drafts.linear(.float32))
        #expect(bundle.explains)
        #expect(bundle.treeCount == 0)
        let row: [Float] = [0.3, -7, 1e-3]
        // The base first, then products rounded to float32, in the order of the features.
        var first = Float(0.5)
        for (value, weight) in zip(row, [0.1, -2, 3] as [Float]) { first += value * weight }
        var second = Float(-0.25)
        for (value, weight) in zip(row, [1.7, 0.3, -0.9] as [Float]) { second += value * weight }
        #expect(bundle.score(rows: row.map(Double.init)).raw == [Double(first), Double(second)])
        // 2^24 swallows 1: only this order gives it.
        var draft = Drafts.linear(.float32)
        draft.ensemble.baseMargins = [0, 0]
        draft.linear = LinearModel(weights: [16_777_216, 1, -16_777_216, 1, 16_777_216, -16_777_216])
        #expect(try admit(draft).score(rows: [1, 1, 1]).raw == [0, 0])
    }

    @Test func float64SumsAreNotRounded() throws {
        let bundle = try admit(Drafts.linear(.float64))
        let row = [0.3, -7, 1e-3]
        var sums = [0.5, -0.25]
        for (index, weight) in [0.1, -2, 3, 1.7, 0.3, -0.9].enumerated() { sums[index / 3] += row[index % 3] * weight }
        #expect(bundle.score(rows: row).raw == sums)
        var raw = [0.0, 0]
        var outputs = raw
        let floats = row.map(Float.init)
        bundle.score(floats, rowCount: 1, raw: &raw, outputs: &outputs)
        #expect(raw == bundle.score(rows: floats.map(Double.init)).raw)
        #expect(raw != bundle.score(rows: row).raw)
    }

    @Test func aMissingFeatureAddsNothing() throws {
        for precision in Precision.allCases {
            let bundle = try admit(Drafts.linear(precision))
            #expect(bundle.score(rows: [.nan, .nan, .nan]).raw == [0.5, -0.25])
            #expect(
                bundle.score(rows: [.nan, 1, .nan]).raw == [-1.5, (-0.25 + (0.3).rounded(to: precision)).rounded(to: precision)])
            #expect(bundle.contributions(rows: [.nan, 1, .nan])[..<4] == [0, -2, 0, 0.5])
        }
    }

    @Test func transformsFollowWeights() throws {
        var draft = Drafts.linear(.float64)
        draft.ensemble.transform = Transform(.softmax)
        let (raw, outputs) = try admit(draft).score(rows: [1, 1, 1])
        let powers = raw.map { exp($0 - raw[0]) }
        #expect(raw[0] > raw[1])
        #expect(outputs == powers.map { $0 / (powers[0] + powers[1]) })
    }

    @Test func aScalerCentresAndScalesInFloat64() throws {
        let scaler = StandardScaler(means: [0.1, -5, 1e10], scales: [3, -0.7, 1e9])
        let row = [0.7, 2, 3e9]
        let scaled = [(0.7 - 0.1) / 3, (2 - -5) / -0.7, (3e9 - 1e10) / 1e9]
        let wide = try admit(Drafts.linear(.float64, scaler: scaler))
        #expect(wide.score(rows: row).raw == (try admit(Drafts.linear(.float64))).score(rows: scaled).raw)
        #expect(wide.score(rows: [.nan, .nan, .nan]).raw == [0.5, -0.25])
        // A float32 model sees the scaled value rounded, not the row.
        let narrow = try admit(Drafts.linear(.float32, scaler: scaler))
        #expect(narrow.score(rows: row).raw == (try admit(Drafts.linear(.float32))).score(rows: scaled).raw)
    }

    @Test func contributionsAreWeightTimesValueAndTheBase() throws {
        let bundle = try admit(Drafts.linear(.float64))
        let contributions = bundle.contributions(rows: [2, 3, 4, .nan, 0, 1])
        let weights = [0.1, -2, 3, 1.7, 0.3, -0.9]
        #expect(contributions[0..<4] == [2 * weights[0], 3 * weights[1], 4 * weights[2], 0.5])
        #expect(contributions[4..<8] == [2 * weights[3], 3 * weights[4], 4 * weights[5], -0.25])
        #expect(contributions[8..<12] == [0, 0, 3, 0.5])
        #expect(contributions[12..<16] == [0, 0, -0.9, -0.25])
        #expect(bundle.contributions(rows: []).isEmpty)
        let scaled = try admit(Drafts.linear(.float64, scaler: StandardScaler(means: [1, 1, 1], scales: [2, 2, 2])))
        #expect(scaled.contributions(rows: [3, 3, 3])[..<4] == [0.1, -2, 3, 0.5])
    }

    /// Whatever the precision, what the parts of a raw score add up to is the raw score.
    @Test(arguments: Precision.allCases, [nil, StandardScaler(means: [1, 2, 3], scales: [0.3, 7, 11])])
    func contributionsAddUpToRawScores(precision: Precision, scaler: StandardScaler?) throws {
        let bundle = try admit(Drafts.linear(precision, scaler: scaler))
        let seed: UInt64 = 7
        var random = SeededRandom(seed: seed)
        let rows = (0..<60).map { _ in
            Int.random(in: 0..<5, using: &random) == 0 ? .nan : Double.random(in: -50...50, using: &random)
        }
        let raw = bundle.score(rows: rows).raw
        let contributions = bundle.contributions(rows: rows)
        let tolerance = precision == .float32 ? 1e-4 : 1e-12
        for (index, value) in raw.enumerated() {
            let sum = contributions[(4 * index)..<(4 * index + 4)].reduce(0, +)
            #expect(abs(sum - value) < tolerance, "seed \(seed) raw score \(index)")
        }
    }

    /// Pointers to rows of Double, too, are rounded where the model takes float32.
    @Test func featuresAreRoundedToTheModelsPrecision() throws {
        for sumPrecision in Precision.allCases {
            var draft = Drafts.linear(.float32)
            draft.ensemble.sumPrecision = sumPrecision
            let bundle = try admit(draft)
            let rows = [0.1, 0.3, 1e-3]
            var raw = [0.0, 0]
            var outputs = raw
            bundle.score(rows, rowCount: 1, raw: &raw, outputs: &outputs)
            #expect(raw == bundle.score(rows: rows).raw, "\(sumPrecision)")
            var contributions = [Double](repeating: 0, count: 8)
            var scratch = ExplainerScratch(byteCount: bundle.explainerScratchByteCount)
            bundle.contributions(rows, rowCount: 1, into: &contributions, scratch: &scratch)
            #expect(contributions == bundle.contributions(rows: rows), "\(sumPrecision)")
        }
    }

    @Test func goldenRowsVouchForLinearModels() throws {
        var draft = Drafts.linear(.float64, scaler: StandardScaler(means: [1, 1, 1], scales: [2, 2, 2]))
        let raw = [0.5 + 0.1 + -2 + 3, -0.25 + 1.7 + 0.3 + -0.9]
        draft.golden = GoldenRows(rowCount: 1, features: [3, 3, 3], raw: raw, outputs: raw)
        #expect(try admit(draft).goldenRaw == raw)
        draft.linear?.weights[2] = (3.0).nextUp
        #expect(throws: BundleError.self) { try draft.serialized() }
    }

    @Test func weightsAndScalersThatAreNoneAreRefused() {
        func expect(
            _ error: BundleError, _ precision: Precision = .float64, _ change: (inout BundleDraft) -> Void,
            _ location: SourceLocation = #_sourceLocation
        ) {
            var draft = Drafts.linear(precision, scaler: StandardScaler(means: [0, 0, 0], scales: [1, 1, 1]))
            change(&draft)
            #expect(throws: error, sourceLocation: location) { try draft.serialized() }
        }
        for weights in [[], [1], .init(repeating: 1, count: 7), [1, 2, 3, 4, 5, .nan], [1, 2, .infinity, 4, 5, 6]] {
            expect(.linearWeightsInvalid) { $0.linear = LinearModel(weights: weights) }
        }
        // Beyond float32.
        expect(.linearWeightsInvalid, .float32) { $0.linear?.weights[0] = 1e39 }
        for (means, scales) in [
            ([0, 0], [1, 1, 1]), ([0, 0, 0], [1, 1]), ([0, 0, .nan], [1, 1, 1]), ([0, 0, 0], [1, .infinity, 1]),
            ([0, 0, 0], [1, 0, 1]), ([0, 0, 0], [-0.0, 1, 1]),
        ] as [([Double], [Double])] {
            expect(.scalerInvalid) { $0.scaler = StandardScaler(means: means, scales: scales) }
        }
    }

    /// What a linear model of float32 has no number for reaches no decision as a sound score.
    @Test func whatIsNoNumberIsReviewed() throws {
        var draft = Drafts.linear(.float32)
        draft.ensemble.transform = Transform(.logistic)
        draft.linear = LinearModel(weights: [3e38, -3e38, 0, 1, 1, 1])
        draft.policy = .probability
        let bundle = try admit(draft)
        let output = bundle.score(rows: [3e38, 3e38, 0]).outputs[0]
        #expect(output.isNaN)
        #expect(bundle.policy.outcome(score: output) == .review)
    }
}
