import Forest
import ModelBundle
import Platform
import Testing

@testable import ModelImport

/// Branches of every mode, thresholds at the ends of the number range, and scaled features, as tests with `<`.
@Suite struct ONNXReductionTests {
    /// Values at and beside those that models test.
    private static let probes: [Float] = [
        0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1, Float(1).nextUp, Float(1).nextDown, -1, 3.5, 16_777_216,
        .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .nan,
    ]

    @Test(arguments: ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"], [true, false])
    func everyModeTestsAsItsNameSays(mode: String, tracksTrue: Bool) throws {
        // The standard leaves that one open.
        if mode == "BRANCH_NEQ" && !tracksTrue { return }
        for threshold in Self.probes.filter({ !$0.isNaN }) + [.infinity, -.infinity] {
            let node = ONNXBuilder.regressor([
                "nodes_modes": .texts([mode, "LEAF", "LEAF"]), "nodes_values": .floats([threshold, 0, 0]),
                "nodes_featureids": .integers([0, 0, 0]),
                "nodes_missing_value_tracks_true": .integers([tracksTrue ? 1 : 0, 0, 0]),
            ])
            let model = try ModelFile.load(bytes: ONNXBuilder.model([node], inputs: [ONNXBuilder.value("X", columns: 1)]))
            let bundle = try Bundle.admit(bytes: model.draft(name: "modes").serialized())
            let outputs = bundle.score(rows: Self.probes.map(Double.init)).outputs
            for (probe, output) in zip(Self.probes, outputs) {
                let isTrue =
                    switch mode {
                    case "BRANCH_LEQ": probe <= threshold
                    case "BRANCH_LT": probe < threshold
                    case "BRANCH_GTE": probe >= threshold
                    case "BRANCH_GT": probe > threshold
                    case "BRANCH_EQ": probe == threshold
                    default: probe != threshold
                    }
                #expect(output == (isTrue || (probe.isNaN && tracksTrue) ? 1 : 2), "\(probe) \(mode) \(threshold)")
            }
        }
    }

    /// Any operations on a feature, with rounding: the boundary found is where the tree's test changes.
    @Test func boundariesOfScaledFeaturesAreExact() {
        var random = SeededRandom(seed: 5)
        for round in 0..<300 {
            let domain: Precision = round % 2 == 0 ? .float32 : .float64
            var feature = ONNXFeature(index: 0, domain: domain, type: .float)
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let constant = Double(Float.random(in: -5...5, using: &random))
                feature.steps.append(
                    ONNXFeature.Step(
                        operation: [.add, .multiply, .divide, .round].randomElement(using: &random) ?? .add, constant: constant,
                        precision: Bool.random(using: &random) ? .float32 : .float64))
            }
            let cut = feature.apply(Double(Float.random(in: -10...10, using: &random)))
            guard case .value(let boundary) = feature.boundary(cut) else {
                Issue.record("round \(round): no boundary although the cut is a value")
                continue
            }
            let below = domain == .float32 ? Double(Float(boundary).nextDown) : boundary.nextDown
            let isBelowCut = { (value: Double) in feature.apply(value) < cut }
            #expect(isBelowCut(below) == !feature.reversesOrder, "round \(round)")
            #expect(isBelowCut(boundary) == feature.reversesOrder, "round \(round)")
        }
    }

    @Test func boundariesBeyondAllNumbersAreToldApart() {
        let plain = ONNXFeature(index: 0, domain: .float32, type: .float)
        #expect(plain.boundary(.infinity) == .beyondAll)
        #expect(plain.boundary(-.infinity) == .beforeAll)
        #expect(plain.boundary(0.1) == .value(Double(Float(0.1))))
        let negative = ONNXFeature(
            index: 0, domain: .float64, steps: [ONNXFeature.Step(operation: .multiply, constant: -1, precision: .float64)],
            type: .double)
        #expect(negative.boundary(.infinity) == .beforeAll)
        #expect(negative.boundary(2) == .value((-2.0).nextUp))
    }

    @Test func averagePathLengthsAreFoundAgain() {
        for count in [1.0, 2, 3, 17, 256, 100_000] {
            #expect(IsolationPath.rowCount(averageLength: IsolationPath.averageLength(count)) == count)
        }
        #expect(IsolationPath.rowCount(averageLength: 0.5) == nil)
        #expect(IsolationPath.rowCount(averageLength: -1) == nil)
        #expect(IsolationPath.rowCount(averageLength: .nan) == nil)
    }
}
