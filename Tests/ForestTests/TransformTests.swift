import Forest
import Glibc
import Testing

@Suite struct TransformTests {
    /// The outputs of one row whose sums are `margins`.
    private func outputs(_ margins: [Double], _ transform: Transform, _ precision: Precision) throws -> [Double] {
        let ensemble = TreeEnsemble(
            featureCount: 1, sumPrecision: precision, baseMargins: margins, transform: transform, trees: [])
        return try packedScores(ensemble, [[0.0]]).outputs[0]
    }

    private let margins: [Double] = [-800, -200, -88.8, -1.5, -0.0, 0, 0.3, 4, 100, 800]

    @Test func float32TransformsAreXGBoostsFormulas() throws {
        let floats = margins.map(Float.init)
        func outputs(_ kind: Transform.Kind) throws -> [Double] { try self.outputs(margins, Transform(kind), .float32) }
        #expect(try outputs(.identity).bits == floats.map { Double($0) }.bits)
        #expect(try outputs(.logistic) == floats.map { Double(1 / (expf(min(-$0, 88.7)) + 1 + 1e-16)) })
        #expect(try outputs(.logistic).allSatisfy { $0 > 0 && $0 <= 1 })
        #expect(try outputs(.exponential) == floats.map { Double(expf($0)) })
        #expect(try outputs(.step) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    }

    @Test func float64TransformsAreTheFrameworksFormulas() throws {
        func outputs(_ kind: Transform.Kind) throws -> [Double] { try self.outputs(margins, Transform(kind), .float64) }
        #expect(try outputs(.identity).bits == margins.bits)
        #expect(try outputs(.logistic) == margins.map { 1 / (1 + exp(-$0)) })
        #expect(try outputs(.exponential) == margins.map { exp($0) })
        #expect(try outputs(.step) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
        #expect(try outputs(.softplus) == margins.map { log1p(exp($0)) })
        #expect(try outputs(.softplus)[5] == log(2))
        #expect(try outputs(.signedSquare).bits == margins.map { $0.sign == .minus && $0 != 0 ? -$0 * $0 : $0 * $0 }.bits)
    }

    @Test func lightGBMsSigmoidIsTheLogisticsScale() throws {
        #expect(try outputs(margins, Transform(.logistic, scale: 0.7), .float64) == margins.map { 1 / (1 + exp(-0.7 * $0)) })
    }

    @Test func isolationScoresAreScikitLearns() throws {
        // 100 trees of 256 samples: scale is 100 c(256).
        let scale = 100 * (2 * (log(255.0) + 0.577_215_664_901_532_9) - 2 * 255.0 / 256)
        let depths: [Double] = [0, 400, scale, 2000]
        let scores = try outputs(depths, Transform(.isolation, scale: scale), .float64)
        #expect(scores == depths.map { -exp2(-$0 / scale) })
        #expect(scores[0] == -1)
        #expect(scores[2] == -0.5)
        // The decision function is zero at the offset.
        let decisions = try outputs(depths, Transform(.isolation, scale: scale, offset: -0.5), .float64)
        #expect(decisions == scores.map { $0 + 0.5 })
        #expect(decisions[2] == 0)
    }

    @Test(arguments: Precision.allCases) func softmaxIsOverAllRawScores(precision: Precision) throws {
        func outputs(_ margins: [Double]) throws -> [Double] { try self.outputs(margins, Transform(.softmax), precision) }
        #expect(try outputs([0.25, 0.25]) == [0.5, 0.5])
        #expect(try outputs([7]) == [1])
        #expect(try outputs([1000, 0, -1000]) == [1, 0, 0])
        let margins = [0.1, -2, 3, 0.7]
        if precision == .float64 {
            let powers = margins.map { exp($0 - 3) }
            #expect(try outputs(margins) == powers.map { $0 / (powers[0] + powers[1] + powers[2] + powers[3]) })
        } else {
            let powers = margins.map { expf(Float($0) - 3) }
            let sum = Float(powers.reduce(0) { $0 + Double($1) })
            #expect(try outputs(margins) == powers.map { Double($0 / sum) })
        }
    }

    @Test(arguments: Precision.allCases) func argmaxIsTheFirstOfTheGreatest(precision: Precision) throws {
        #expect(try outputs([1, 3, 2, 3], Transform(.argmax), precision) == [1])
        #expect(try outputs([-5], Transform(.argmax), precision) == [0])
        #expect(try outputs([-5, -4, -4.5, 0], Transform(.argmax), precision) == [3])
        #expect(try outputs([-0.0, 0], Transform(.argmax), precision) == [0])
    }

    @Test func rawScoresAreDividedFirst() throws {
        let sums = [1.0, -2, 10]
        for kind in Transform.Kind.allCases where kind != .argmax {
            let divided = try outputs(sums, Transform(kind, divisor: 3), .float64)
            #expect(try divided == outputs(sums.map { $0 / 3 }, Transform(kind), .float64), "\(kind)")
        }
        for kind in [Transform.Kind.identity, .logistic, .exponential, .step, .softmax] {
            let divided = try outputs(sums, Transform(kind, divisor: 3), .float32)
            #expect(try divided == outputs(sums.map { Double(Float($0) / 3) }, Transform(kind), .float32), "\(kind)")
        }
        // Raw scores stay sums.
        let ensemble = TreeEnsemble(
            featureCount: 1, sumPrecision: .float64, baseMargins: [10], transform: Transform(.identity, divisor: 4), trees: [])
        let (raw, outputs) = try packedScores(ensemble, [[0.0]])
        #expect(raw == [[10]])
        #expect(outputs == [[2.5]])
    }

    @Test func parametersThatMeanNothingAreRefused() {
        func expectRefused(_ transform: Transform, _ precisions: [Precision], _ location: SourceLocation = #_sourceLocation) {
            for precision in precisions {
                #expect(throws: ForestError.transformInvalid, sourceLocation: location) {
                    try outputs([0], transform, precision)
                }
            }
        }
        for value in [0, -0.0, .nan, .infinity, -.infinity] {
            expectRefused(Transform(.logistic, divisor: value), Precision.allCases)
            expectRefused(Transform(.isolation, scale: value), [.float64])
        }
        for offset in [Double.nan, .infinity] { expectRefused(Transform(.isolation, scale: 1, offset: offset), [.float64]) }
        // What float32 cannot hold would be infinite, zero, or another number.
        for divisor in [1e39, 1e-50, 0.1] { expectRefused(Transform(.identity, divisor: divisor), [.float32]) }
        for kind in [Transform.Kind.softplus, .signedSquare, .isolation] { expectRefused(Transform(kind), [.float32]) }
        expectRefused(Transform(.logistic, scale: 2), [.float32])
        expectRefused(Transform(.logistic, offset: 1), Precision.allCases)
        for kind in Transform.Kind.allCases where kind != .logistic && kind != .isolation {
            expectRefused(Transform(kind, scale: 2), Precision.allCases)
            expectRefused(Transform(kind, offset: 2), Precision.allCases)
        }
    }

    @Test func whatIsNoNumberStaysNone() {
        for precision in Precision.allCases {
            for kind in [Transform.Kind.identity, .logistic, .exponential] {
                var output = 0.0
                Transform(kind).apply([.nan], rawCount: 1, &output, precision: precision)
                #expect(output.isNaN, "\(kind) \(precision)")
            }
        }
    }

    @Test func baseScoresBecomeMarginsByTheirLink() {
        #expect(BaseLink.logit.margin(ofBaseScore: 0.5) == 0)
        #expect(BaseLink.logit.margin(ofBaseScore: 0.05) == -logf(1 / Float(0.05) - 1))
        #expect(BaseLink.logit.margin(ofBaseScore: 0) == BaseLink.logit.margin(ofBaseScore: 1e-6))
        #expect(BaseLink.logit.margin(ofBaseScore: 1).isFinite)
        #expect(BaseLink.log.margin(ofBaseScore: 2) == logf(2))
        #expect(BaseLink.identity.margin(ofBaseScore: -3) == -3)
    }
}
