import Forest
import Testing

/// How a feature's value becomes what splits look at.
@Suite struct InputRuleTests {
    /// LightGBM's kZeroThreshold.
    private static let tiny = Double(Float(1e-35))
    private static let least = Double.leastNonzeroMagnitude

    /// -1 where a value goes left of `threshold`, 1 where it goes right.
    private func sides(
        _ values: [Double], below threshold: Double, missingGoesLeft: Bool = true, precision: Precision = .float64,
        rules: TreeEnsemble.InputRules = .init()
    ) throws -> [Double] {
        let split = TreeEnsemble.Node.split(
            feature: 0, threshold: threshold, missingGoesLeft: missingGoesLeft, left: 1, right: 2)
        let ensemble = TreeEnsemble(
            featureCount: 1, featurePrecision: precision, inputRules: rules, baseMargins: [0], transform: Transform(.identity),
            trees: [.init(nodes: [split, .leaf(-1), .leaf(1)])])
        return try packedScores(ensemble, values.map { [$0] }).raw.flatMap(\.self)
    }

    @Test func float64FeaturesTellApartWhatFloat32DoesNot() throws {
        let threshold = 1 + 1e-12
        #expect(try sides([1, threshold.nextDown, threshold, threshold.nextUp], below: threshold) == [-1, -1, 1, 1])
        // Rounded to float32 first, each of these is 1.
        #expect(try sides([1, threshold.nextDown, threshold, 1 - 1e-12], below: 1, precision: .float32) == [1, 1, 1, 1])
        #expect(try sides([1 - 1e-12, 1 - 1e-7], below: 1, precision: .float64) == [-1, -1])
        // The halfway value is rounded to even: below the threshold in float64, at it in float32.
        let float = Double(Float(1).nextUp)
        let halfway = (float + Double(Float(1).nextUp.nextUp)) / 2
        #expect(try sides([halfway], below: Double(Float(1).nextUp.nextUp), precision: .float32) == [1])
        #expect(try sides([halfway], below: Double(Float(1).nextUp.nextUp), precision: .float64) == [-1])
    }

    @Test func valuesBeyondFloat32AreAboveOrBelowAllThresholds() throws {
        let greatest = Double(Float.greatestFiniteMagnitude)
        #expect(try sides([1e300, -1e300, greatest], below: greatest, precision: .float32) == [1, -1, 1])
        #expect(try sides([1e300, -1e300, 1e308], below: 1e308) == [-1, -1, 1])
        #expect(try sides([.infinity, -.infinity], below: .greatestFiniteMagnitude) == [1, -1])
        #expect(try sides([.infinity, -.infinity], below: -.greatestFiniteMagnitude) == [1, -1])
    }

    /// `x <= t` is `x < nextUp(t)`, in both precisions and on both sides of zero.
    @Test func notAboveIsBelowTheNextNumber() throws {
        for t in [0.0, -0.0, 0.1, -0.1, 1e300, -1e300, Self.least, -Self.least] {
            let values = [t, t.nextUp, t.nextDown, 0, -0.0]
            #expect(try sides(values, below: t.nextUp) == values.map { $0 <= t ? -1 : 1 }, "\(t)")
        }
        for t: Float in [0, -0.0, 0.1, -0.1, 1e38, .leastNonzeroMagnitude] {
            let values = [t, t.nextUp, t.nextDown, 0]
            let sides = try sides(values.map(Double.init), below: Double(t.nextUp), precision: .float32)
            #expect(sides == values.map { $0 <= t ? -1 : 1 }, "\(t)")
        }
        // scikit-learn: the value is float32, the threshold between two floats is float64.
        let low = Float(0.3)
        let threshold = (Double(low) + Double(low.nextUp)) / 2
        var below = Float(threshold)
        if Double(below) > threshold { below = below.nextDown }
        let packed = try sides([Double(low), Double(low.nextUp)], below: Double(below.nextUp), precision: .float32)
        #expect(packed == [Double(low) <= threshold ? -1 : 1, Double(low.nextUp) <= threshold ? -1 : 1])
        #expect(packed == [-1, 1])
    }

    @Test func tinyValuesAreZeroWhereTheyAreFlushed() throws {
        let rules = TreeEnsemble.InputRules(flushesTiny: true)
        let values = [Self.tiny, -Self.tiny, Self.tiny.nextUp, -Self.tiny.nextUp, Self.least, -Self.least, 0, -0.0]
        // Zero, and what is flushed to it, is not below zero, and below all that is above zero.
        #expect(try sides(values, below: 0, rules: rules) == [1, 1, 1, -1, 1, 1, 1, 1])
        #expect(try sides(values, below: Self.least, rules: rules) == [-1, -1, 1, -1, -1, -1, -1, -1])
        #expect(try sides(values, below: 0) == [1, -1, 1, -1, 1, -1, 1, 1])
        #expect(try sides(values, below: Self.tiny) == [1, -1, 1, -1, -1, -1, -1, -1])
        #expect(try sides([.nan], below: 0, missingGoesLeft: true, rules: rules) == [-1])
        #expect(try sides([.nan], below: 0, missingGoesLeft: false, rules: rules) == [1])
        let floats = [1e-35, Double(Float(1e-35).nextUp), -1e-35, Double(-Float(1e-35).nextUp)]
        #expect(try sides(floats, below: 0, precision: .float32, rules: rules) == [1, 1, 1, -1])
    }

    @Test(arguments: Precision.allCases) func zerosAreMissingWhereTheFeatureSaysSo(precision: Precision) throws {
        let rules = TreeEnsemble.InputRules(zeroIsMissing: [0])
        let values = [0, -0.0, Self.tiny, -Self.tiny, .nan, 1e-34, -1e-34, -5, 5]
        for threshold in [-1.0, 0, 1] {
            for missingGoesLeft in [true, false] {
                let missing = missingGoesLeft ? -1.0 : 1
                let present = [1e-34, -1e-34, -5, 5].map { $0 < threshold ? -1.0 : 1 }
                let sides = try sides(
                    values, below: threshold, missingGoesLeft: missingGoesLeft, precision: precision, rules: rules)
                #expect(sides == [missing, missing, missing, missing, missing] + present)
            }
        }
    }

    @Test func zeroIsMissingInItsOwnFeatureAlone() throws {
        let trees = [0, 1].map { feature in
            TreeEnsemble.Tree(
                nodes: [
                    .split(feature: feature, threshold: 1, missingGoesLeft: false, left: 1, right: 2), .leaf(-1), .leaf(1),
                ], output: feature)
        }
        let ensemble = TreeEnsemble(
            featureCount: 2, inputRules: .init(zeroIsMissing: [1]), baseMargins: [0, 0], transform: Transform(.identity),
            trees: trees)
        #expect(try packedScores(ensemble, [[0.0, 0.0], [0.5, 0.5], [.nan, .nan]]).raw == [[-1, 1], [-1, -1], [1, 1]])
        #expect(try PackedForest(ensemble).features.map(\.flags) == [0, PackedFeature.zeroIsMissing])
    }

    @Test func oneFeatureMayMissBothWays() throws {
        let trees = [true, false].map { missingGoesLeft in
            TreeEnsemble.Tree(
                nodes: [
                    .split(feature: 0, threshold: 1, missingGoesLeft: missingGoesLeft, left: 1, right: 2), .leaf(-1), .leaf(1),
                ], output: missingGoesLeft ? 0 : 1)
        }
        let ensemble = TreeEnsemble(featureCount: 1, baseMargins: [0, 0], transform: Transform(.identity), trees: trees)
        #expect(try packedScores(ensemble, [[.nan], [0.0], [1.0]]).raw == [[-1, 1], [-1, -1], [1, 1]])
    }
}
