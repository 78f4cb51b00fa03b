import Forest
import ModelBundle
import Platform
import Testing

@testable import ModelImport

/// Models of skl2onnx and hand-made ones against ONNX Runtime and scikit-learn; see Fixtures/onnx/make_onnx_fixtures.py.
@Suite struct ONNXParityTests {
    /// How a fixture's scores must agree with those of ONNX Runtime, row by row.
    enum Agreement {
        /// Its float32 sums, in one thread.
        case bits
        /// Relative to at least 1: transforms differ in their last bits.
        case close
    }

    struct Fixture: CustomTestStringConvertible {
        let name: String
        var rows = "X"
        var agreement = Agreement.bits
        /// The rows that the fixture was made with; the sixth, of huge numbers, is left out for linear models.
        var leavesOutHuge = false

        var testDescription: String { name }
    }

    static let fixtures: [Fixture] =
        [
            "rf_binary", "rf_binary_zipmap", "rf_binary_names", "rf_classes", "extratrees_classes", "extratrees_amount",
            "rf_two_targets", "gb_binary_raw", "gb_amount", "tree_binary", "tree_amount", "scaled_rf", "scaled_amount",
        ].map { Fixture(name: $0) }
        + ["gb_binary", "gb_binary_exponential", "gb_classes"].map { Fixture(name: $0, agreement: .close) }
        + ["rf_classes_double", "extratrees_amount_double", "scaled_double"].map {
            Fixture(name: $0, rows: "X", agreement: .close)
        } + [Fixture(name: "rf_whole", rows: "X_whole")]
        + ["logistic", "logistic_classes", "logistic_double", "linear", "scaled_logistic"].map {
            Fixture(name: $0, agreement: .close, leavesOutHuge: true)
        } + ["modes", "columns", "chain", "v5_float", "v5_members"].map { Fixture(name: $0, rows: "X_gaps") }
        + ["softmax_targets", "average", "boosted_once", "exp_of_mean", "sigmoid_concat", "v5_double"].map {
            Fixture(name: $0, rows: "X_gaps", agreement: .close)
        }

    @Test(arguments: fixtures)
    func fixtureScoresEqualONNXRuntime(fixture: Fixture) throws {
        let model = try ModelFile.load(Fixtures.path("onnx/\(fixture.name).onnx"))
        var rows = try Fixtures.wide("onnx/\(fixture.rows).npy")
        if fixture.leavesOutHuge {
            rows = Matrix(
                rows: rows.rows - 1, columns: rows.columns,
                elements: Array(rows.elements[..<(6 * rows.columns)] + rows.elements[(7 * rows.columns)...]))
        }
        let expected = try Fixtures.wide("onnx/\(fixture.name).out.npy")
        let bundle = try Bundle.admit(bytes: model.draft(name: "onnx").serialized())
        // Of two classes the second one's score says it all.
        let first = expected.columns == 2 && bundle.outputCount == 1 ? 1 : 0
        try #require(expected.rows == rows.rows && expected.columns == first + bundle.outputCount)
        let outputs = bundle.score(rows: rows.elements).outputs
        for row in 0..<rows.rows {
            for column in 0..<bundle.outputCount {
                let own = outputs[row * bundle.outputCount + column]
                let theirs = expected[row, first + column]
                switch fixture.agreement {
                case .bits: #expect(own == theirs, "row \(row) column \(column)")
                case .close: #expect(abs(own - theirs) <= 1e-6 * max(1, abs(theirs)), "row \(row) column \(column)")
                }
            }
        }
    }

    static let isolationForests = ["iforest", "iforest_contamination", "iforest_samples", "iforest_one_tree"]

    @Test(arguments: isolationForests)
    func isolationForestsSumPathLengthsAsScikitLearn(name: String) throws {
        let model = try ModelFile.load(Fixtures.path("onnx/\(name).onnx"))
        #expect(model.objective == "isolation forest")
        #expect(model.ensemble.transform.kind == .isolation)
        #expect(model.ensemble.sumPrecision == .float64)
        let bundle = try Bundle.admit(bytes: model.draft(name: "onnx").serialized())
        let rows = try Fixtures.wide("onnx/X.npy")
        let sums = try Fixtures.wide("onnx/\(name).sums.npy").elements
        let decisions = try Fixtures.wide("onnx/\(name).sk.npy").elements
        let runtime = try Fixtures.wide("onnx/\(name).out.npy").elements
        let scores = bundle.score(rows: rows.elements)
        try #require(scores.raw.count == sums.count)
        for row in sums.indices {
            #expect(scores.raw[row].bitPattern == sums[row].bitPattern, "row \(row)")
            #expect(abs(scores.outputs[row] - decisions[row]) <= 1e-7, "row \(row)")
            #expect(abs(scores.outputs[row] - runtime[row]) <= 1e-6, "row \(row)")
        }
        // Each tree was grown on as many rows, of which the covers tell.
        let roots = Set(model.ensemble.trees.map { $0.covers.first })
        #expect(roots.count == 1 && roots.first != 0)
    }

    @Test func classesAndNamesReachTheBundle() throws {
        let binary = try ModelFile.load(Fixtures.path("onnx/rf_binary_names.onnx"))
        #expect(binary.policy == .probability)
        #expect(binary.objective == "binary classification")
        // A name's letters beyond ASCII are two bytes each.
        #expect(binary.provenance.first { $0.key == "source.classes" }?.value == "\"bad???\" \"good\"")
        let classes = try ModelFile.load(Fixtures.path("onnx/rf_classes.onnx"))
        #expect(classes.policy == .approveAll)
        #expect(classes.ensemble.baseMargins.count == 3)
        let columns = try ModelFile.load(Fixtures.path("onnx/columns.onnx"))
        #expect(columns.schema.features.map(\.name) == (0..<5).map { "column \($0)" })
        let linear = try ModelFile.load(Fixtures.path("onnx/linear.onnx"))
        #expect(linear.linear?.weights.count == 5)
        #expect(linear.schema.features.allSatisfy { !$0.missingAllowed })
        let whole = try ModelFile.load(Fixtures.path("onnx/rf_whole.onnx"))
        #expect(whole.schema.features.allSatisfy { $0.type == .integer })
    }

    static let sharedModels = [
        "onnx_extratrees_reg", "onnx_from_lightgbm", "onnx_from_xgboost", "onnx_gb_binary", "onnx_iforest", "onnx_rf_binary",
        "onnxsuite_ai_onnx_ml_tree_ensemble_single_tree",
    ]

    @Test(
        .enabled(if: Fixtures.sharedModels != nil, "no ../shared/data/models here: its models are not compared"),
        arguments: sharedModels)
    func everyRowOfTheSharedModelsScoresAsONNXRuntimeDoes(name: String) throws {
        let directory = try #require(Fixtures.sharedModels) + "/" + name + "/"
        let model = try ModelFile.load(directory + "model.onnx")
        let bundle = try Bundle.admit(bytes: model.draft(name: "onnx").serialized())
        let rows = try NPY.read(directory + "X.npy", as: Double.self)
        let scores = bundle.score(rows: rows.elements)
        var report = "onnx \(name): \(rows.rows) rows"
        // The last output is that of the scores; of two classes, ours is the second.
        let file = ["out1.npy", "out0.npy"].first { File.exists(directory + $0) }
        report += try Self.compare(scores.outputs, directory + #require(file), width: bundle.outputCount, tolerance: 1e-6)
        for (library, tolerance) in [("lgb_pred.npy", 1e-6), ("xgb_pred.npy", 1e-6)] where File.exists(directory + library) {
            report += try Self.compare(scores.outputs, directory + library, width: bundle.outputCount, tolerance: tolerance)
        }
        if File.exists(directory + "sk_score_samples.npy") {
            // The outputs are scikit-learn's decision_function: score_samples less the offset.
            let samples = scores.outputs.map { $0 + model.ensemble.transform.offset }
            report += try Self.compare(samples, directory + "sk_score_samples.npy", width: 1, tolerance: 1e-7)
        }
        print(report)
    }

    /// Compares with the last `width` columns of a file; returns the greatest difference, relative to at least 1, for the report.
    private static func compare(_ own: [Double], _ path: String, width: Int, tolerance: Double) throws -> String {
        let expected = try NPY.read(path, as: Double.self)
        try #require(expected.rows * width == own.count)
        var greatest = 0.0
        var equalCount = 0
        for row in 0..<expected.rows {
            for column in 0..<width {
                let theirs = expected[row, expected.columns - width + column]
                let difference = abs(own[row * width + column] - theirs) / max(1, abs(theirs))
                greatest = max(greatest, difference)
                if difference == 0 { equalCount += 1 }
            }
        }
        #expect(greatest <= tolerance, "\(path)")
        let file = path.split(separator: "/").last ?? ""
        return ", \(file) within \(greatest), equal \(equalCount)"
    }
}
