import Forest
import ModelBundle
import Platform
import Testing

@testable import ModelImport

@Suite struct LightGBMTests {
    /// A model of one tree with a numeric and a categorical split, whose lines the tests replace.
    private func text(_ changes: [String: String?] = [:], head: [String] = [], tail: String = "") -> String {
        let lines = [
            "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0", "max_feature_idx=1",
            "objective=binary sigmoid:1", "feature_names=amount country", "feature_infos=[0:9] 1:2:33",
        ]
        let tree = [
            "num_leaves=3", "num_cat=1", "split_feature=0 1", "split_gain=9 8", "threshold=2.5 0", "decision_type=10 9",
            "left_child=1 -1", "right_child=-3 -2", "leaf_value=0.5 -0.25 1", "leaf_count=3 2 4", "internal_count=9 5",
            "cat_boundaries=0 2", "cat_threshold=6 2", "is_linear=0", "shrinkage=0.1",
        ]
        func changed(_ lines: [String]) -> [String] {
            lines.compactMap { line in
                let key = String(line.prefix { $0 != "=" })
                guard let change = changes[key] else { return line }
                return change.map { key + "=" + $0 }
            }
        }
        return (changed(lines) + head + ["", "Tree=0"] + changed(tree) + ["", "", "end of trees", tail]).joined(separator: "\n")
    }

    private func load(_ text: String) throws -> ImportedModel { try ModelFile.load(bytes: Array(text.utf8)) }

    private func expect(_ error: LightGBMError, _ text: String, _ location: SourceLocation = #_sourceLocation) {
        #expect(throws: ImportError.lightGBM(error), sourceLocation: location) { try load(text) }
    }

    @Test func readsATreeAsItIs() throws {
        let model = try load(text())
        #expect(model.format == "LightGBM text" && model.objective == "binary" && model.policy == .probability)
        let ensemble = model.ensemble
        #expect(ensemble.featureCount == 2 && ensemble.baseMargins == [0])
        #expect(ensemble.featurePrecision == .float64 && ensemble.sumPrecision == .float64)
        #expect(ensemble.inputRules == .init(flushesTiny: true, categories: .towardZero))
        #expect(
            ensemble.trees[0].nodes == [
                .split(feature: 0, threshold: 2.5.nextUp, missingGoesLeft: true, left: 1, right: 4),
                .categorySplit(feature: 1, categories: [1, 2, 33], missingGoesLeft: true, left: 3, right: 2),
                .leaf(0.5), .leaf(-0.25), .leaf(1),
            ])
        #expect(ensemble.trees[0].numbers == [0, 1, 0, 1, 2])
        #expect(ensemble.trees[0].covers == [9, 5, 3, 2, 4])
        #expect(model.schema.features.map(\.name) == ["amount", "country"])
        #expect(model.schema.features.map(\.type) == [.float, .categorical])
        #expect(model.provenance.contains { $0 == ("source.version", "lightgbm model v4") })
        #expect(model.provenance.contains { $0.key == "source.sha256" })
    }

    @Test func lineEndsOfWindowsAndWhatFollowsTheTreesAreTolerated() throws {
        let tail =
            "\nfeature_importances:\namount=1\n\nparameters:\n[boosting: gbdt]\n\nend of parameters\n\n"
            + "pandas_categorical:null\n"
        let plain = try load(text(tail: tail))
        let windows = try load(text(tail: tail).replacing("\n", with: "\r\n"))
        #expect(windows.ensemble.trees[0].nodes == plain.ensemble.trees[0].nodes)
        #expect(windows.schema == plain.schema)
        let old = text(["version": "v2"]).replacing("end of trees", with: "feature importances:")
        #expect(try load(old).ensemble.trees.count == 1)
        let pandas = try load(text(tail: tail.replacing("null", with: #"[["a", "b"]]"#)))
        #expect(pandas.provenance.contains { $0 == ("source.pandas_categorical", "categories are pandas codes") })
        #expect(!plain.provenance.contains { $0.key == "source.pandas_categorical" })
    }

    @Test func objectivesBecomeTransforms() throws {
        func transform(_ objective: String?) throws -> Transform { try load(text(["objective": objective])).ensemble.transform }
        #expect(try transform("regression") == Transform(.identity))
        #expect(try transform("regression sqrt") == Transform(.signedSquare))
        #expect(try transform("binary sigmoid:0.7") == Transform(.logistic, scale: 0.7))
        #expect(try transform("cross_entropy_lambda") == Transform(.softplus))
        #expect(try transform(nil) == Transform(.identity))
        #expect(throws: ImportError.objectiveUnsupported("\"magic?\"")) { try load(text(["objective": "magic\u{1}"])) }
        for objective in [
            "binary", "binary sigmoid:0", "binary sigmoid:-1", "binary sigmoid:x", "multiclass", "multiclass num_class:2",
        ] {
            expect(.objectiveInvalid(line: 7), text(["objective": objective]))
        }
        expect(.headerInvalid(.objective, line: 7), text(["objective": ""]))
    }

    /// LightGBM reads the parameter with a rounding of its own; the fixture binary_sigmoid_odd has its predictions.
    @Test func anObjectivesParameterIsReadAsLightGBMReadsIt() {
        func parameter(_ text: String) -> Double? { LightGBMNumbers.parameter(Array(text.utf8)[...]) }
        #expect(parameter("1.7491") == 1.7490999999999999 && 1.7490999999999999 != 1.7491)
        #expect(parameter("3.77817") == 3.7781700000000003)
        #expect(parameter("1.2345e-7") == 1.2344999999999998e-07)
        #expect(parameter("2") == 2 && parameter("1e+06") == 1e6)
        for invalid in ["", "-1", "x", "1x", "1e", "1e999", "inf"] { #expect(parameter(invalid) == nil, "\(invalid)") }
    }

    @Test func missingValuesGoWhereLightGBMSendsThem() throws {
        func missingGoesLeft(_ decision: String, _ threshold: String) throws -> Bool? {
            let model = try load(text(["decision_type": decision + " 9", "threshold": threshold + " 0"]))
            guard case .split(_, _, let missingGoesLeft, _, _) = model.ensemble.trees[0].nodes[0] else { return nil }
            return missingGoesLeft
        }
        // Missing type none: NaN is 0, whatever the default direction.
        #expect(try missingGoesLeft("0", "0") == true)
        #expect(try missingGoesLeft("2", "-1") == false)
        #expect(try missingGoesLeft("8", "5") == false)
        #expect(try missingGoesLeft("10", "-5") == true)
        let zero = try load(text(["decision_type": "6 9"]))
        #expect(zero.ensemble.inputRules.zeroIsMissing == [0])
        expect(
            .zeroAsMissingMixed(feature: 0),
            text(["decision_type": "6 10", "split_feature": "0 0", "num_cat": "0", "threshold": "1 0"]))
        expect(.decisionInvalid(tree: 0, node: 0), text(["decision_type": "12 9"]))
        expect(.decisionInvalid(tree: 0, node: 1), text(["decision_type": "10 16"]))
    }

    /// As in lgb_binary_example of the shared data: `inf` divides what is missing from what is not.
    @Test func anInfiniteThresholdLetsAllNumbersGoLeft() throws {
        for (decision, missingGoesLeft) in [("8", false), ("10", true), ("0", true)] {
            let model = try load(text(["decision_type": decision + " 9", "threshold": "inf 0"]))
            #expect(
                model.ensemble.trees[0].nodes[0]
                    == .categorySplit(feature: 0, categories: [], missingGoesLeft: missingGoesLeft, left: 1, right: 4))
            #expect(model.schema.features[0].type == .float)
            let bundle = try Bundle.admit(bytes: model.draft(name: "inf").serialized())
            let values: [Double] = [.infinity, -.infinity, 0, 1e308, .nan]
            let raw = bundle.score(rows: values.flatMap { [$0, 99] }).raw
            #expect(raw == [-0.25, -0.25, -0.25, -0.25, missingGoesLeft ? -0.25 : 1])
        }
        #expect(throws: ImportError.forest(.thresholdNotFinite(tree: 0, node: 0))) {
            try load(text(["decision_type": "4 9", "threshold": "inf 0"]))
        }
    }

    @Test func linearLeavesAreRefusedByName() throws {
        expect(.linearTree(tree: 0), text(["is_linear": "1"]))
        expect(.linearTree(tree: 0), text().replacing("is_linear=0", with: "leaf_coeff=1 2"))
        let error = #expect(throws: ImportError.self) { try ModelFile.load(Fixtures.path("lgb_linear.txt")) }
        #expect(error?.description.contains("linear_tree") == true)
    }

    @Test func headsThatLieAreRefused() throws {
        for (field, key) in [
            (LightGBMError.HeaderField.version, "version"), (.classCount, "num_class"), (.maximumFeature, "max_feature_idx"),
            (.featureNames, "feature_names"),
        ] {
            expect(.headerMissing(field), text([key: nil]))
        }
        expect(.versionUnsupported(line: 2), text(["version": "v5"]))
        for value in ["0", "-1", "x", "", "99999999999999999999", "1 1"] {
            expect(.headerInvalid(.classCount, line: 3), text(["num_class": value]))
        }
        expect(.treesPerIteration(2, classes: 1), text(["num_tree_per_iteration": "2"]))
        expect(.headerCountMismatch(.featureNames, declared: 3, found: 2), text(["max_feature_idx": "2"]))
        expect(.headerCountMismatch(.featureNames, declared: 2_000_000_001, found: 2), text(["max_feature_idx": "2000000000"]))
        expect(.headerRepeated(.classCount, line: 10), text(head: ["num_class=1"]))
        expect(.headerCountMismatch(.treeSizes, declared: 2, found: 1), text(head: ["tree_sizes=1 2"]))
        expect(.headerInvalid(.treeSizes, line: 10), text(head: ["tree_sizes=x"]))
        // A word that is none may have been average_output.
        expect(.lineInvalid(line: 10), text(head: ["average_outpux"]))
        #expect(throws: ImportError.forest(.countOutOfRange(.outputs, count: 2_000_000_000, limit: 1024))) {
            try load(text(["num_class": "2000000000", "num_tree_per_iteration": "2000000000"]))
        }
        expect(
            .iterationIncomplete(trees: 1, treesPerIteration: 2),
            text(["num_class": "2", "num_tree_per_iteration": "2", "objective": "multiclass num_class:2"]))
    }

    /// Where the tree of `text` is, with the empty lines after it.
    private func tree() throws -> Range<String.Index> {
        try #require(text().firstRange(of: "Tree=0")).lowerBound..<#require(text().firstRange(of: "end of trees")).lowerBound
    }

    private func twoTreeSize() throws -> Int { try text()[tree()].utf8.count }

    /// `text` with a second tree, and the sizes of both in its head.
    private func twoTrees(sizes: String) throws -> String {
        let second = try text()[tree()].replacing("Tree=0", with: "Tree=1")
        return text(head: ["tree_sizes=" + sizes]).replacing("end of trees", with: second + "end of trees")
    }

    @Test func treesThatLieAreRefused() throws {
        let one = text()
        expect(.treesUnfinished, one.replacing("end of trees", with: ""))
        expect(.treeOutOfOrder(line: 11, expected: 0), one.replacing("Tree=0", with: "Tree=1"))
        expect(.headerCountMismatch(.treeSizes, declared: 1, found: 2), try twoTrees(sizes: "1"))
        let size = try twoTreeSize()
        #expect(try load(twoTrees(sizes: "\(size) 0")).ensemble.trees.count == 2)
        expect(.treeByteCountMismatch(tree: 0, declared: size + 1, found: size), try twoTrees(sizes: "\(size + 1) 0"))
        for (field, declared) in [
            (LightGBMError.TreeField.features, 2), (.thresholds, 2), (.decisions, 2), (.leftChildren, 2), (.rightChildren, 2),
            (.leafValues, 3), (.leafCovers, 3), (.internalCovers, 2),
        ] {
            expect(.countMismatch(field, tree: 0, declared: declared, found: 1), text([field.rawValue: "1"]))
        }
        for field in [
            LightGBMError.TreeField.leafCount, .categorySetCount, .features, .thresholds, .decisions, .leftChildren,
            .rightChildren, .leafValues, .categoryBoundaries, .categoryWords,
        ] {
            expect(.fieldMissing(field, tree: 0), text([field.rawValue: nil]))
        }
        #expect(try load(text(["leaf_count": nil])).ensemble.trees[0].covers == [])
        for (count, cover) in [("", 1.0), ("0", 1), ("7", 7)] {
            let changes = ["num_leaves": "1", "leaf_value": "0.5", "leaf_count": count]
            #expect(try load(text(changes)).ensemble.trees[0].covers == [cover])
        }
        expect(.elementInvalid(.thresholds, tree: 0, line: 16, element: 1), text(["threshold": "1 0x1p3"]))
        expect(.countMismatch(.leafValues, tree: 0, declared: 2_000_000_000, found: 3), text(["num_leaves": "2000000000"]))
        expect(.countMismatch(.leafValues, tree: 0, declared: 0, found: 3), text(["num_leaves": "0"]))
        expect(
            .fieldRepeated(.leafCount, tree: 0, line: 27),
            text().replacing("shrinkage=0.1", with: "shrinkage=0.1\nnum_leaves=3"))
        for (number, error) in [
            ("nan", ForestError.leafNotFinite(tree: 0, node: 2)), ("-inf", .leafNotFinite(tree: 0, node: 2)),
            ("1e999", .leafNotFinite(tree: 0, node: 2)),
        ] {
            #expect(throws: ImportError.forest(error)) { try load(text(["leaf_value": number + " 1 1"])) }
        }
        #expect(throws: ImportError.forest(.thresholdNotFinite(tree: 0, node: 0))) { try load(text(["threshold": "nan 0"])) }
        #expect(throws: ImportError.forest(.featureOutOfRange(tree: 0, node: 0, feature: 2, featureCount: 2))) {
            try load(text(["split_feature": "2 1"]))
        }
    }

    @Test func cyclesAndCategorySetsThatLieAreRefused() {
        expect(.childOutOfRange(tree: 0, node: 0, child: 2), text(["left_child": "2 -1"]))
        expect(.childOutOfRange(tree: 0, node: 1, child: -4), text(["left_child": "1 -4"]))
        expect(.childReachedTwice(tree: 0, node: 1, child: 0), text(["left_child": "1 0"]))
        expect(.childReachedTwice(tree: 0, node: 1, child: -3), text(["left_child": "1 -3"]))
        expect(.nodeUnreached(tree: 0, node: 1), text(["left_child": "-1 1"]))
        expect(.categorySetInvalid(tree: 0, node: 1), text(["threshold": "2.5 1"]))
        expect(.categorySetInvalid(tree: 0, node: 1), text(["threshold": "2.5 0.5"]))
        expect(.categorySetInvalid(tree: 0, node: 1), text(["threshold": "2.5 nan"]))
        expect(.categorySetShared(tree: 0, node: 1), text(["decision_type": "9 9", "threshold": "0 0"]))
        expect(.countMismatch(.categoryBoundaries, tree: 0, declared: 3, found: 2), text(["num_cat": "2"]))
        expect(.countMismatch(.categoryWords, tree: 0, declared: 3, found: 2), text(["cat_boundaries": "0 3"]))
        expect(
            .elementInvalid(.categoryBoundaries, tree: 0, line: 23, element: 1),
            text(["num_cat": "2", "cat_boundaries": "0 3 2"]))
        expect(.elementInvalid(.categoryWords, tree: 0, line: 24, element: 0), text(["cat_threshold": "4294967296 0"]))
        expect(.elementInvalid(.categoryWords, tree: 0, line: 24, element: 1), text(["cat_threshold": "1 -1"]))
    }

    @Test func everyErrorSaysWhatAndWhere() {
        let errors: [LightGBMError] = [
            .headerMissing(.version), .headerInvalid(.version, line: 7), .headerRepeated(.version, line: 7),
            .headerCountMismatch(.treeSizes, declared: 7, found: 8), .versionUnsupported(line: 7), .lineInvalid(line: 7),
            .objectiveInvalid(line: 7), .treesPerIteration(7, classes: 8), .iterationIncomplete(trees: 7, treesPerIteration: 8),
            .treesUnfinished, .treeOutOfOrder(line: 7, expected: 8), .treeByteCountMismatch(tree: 7, declared: 8, found: 9),
            .fieldMissing(.features, tree: 7), .fieldRepeated(.features, tree: 7, line: 8),
            .elementInvalid(.features, tree: 7, line: 8, element: 9),
            .countMismatch(.features, tree: 7, declared: 8, found: 9), .linearTree(tree: 7),
            .decisionInvalid(tree: 7, node: 8), .childOutOfRange(tree: 7, node: 8, child: 9),
            .childReachedTwice(tree: 7, node: 8, child: 9), .nodeUnreached(tree: 7, node: 8),
            .categorySetInvalid(tree: 7, node: 8), .categorySetShared(tree: 7, node: 8), .zeroAsMissingMixed(feature: 7),
        ]
        for error in errors {
            let isPlaced = error != .headerMissing(.version) && error != .treesUnfinished
            #expect(!isPlaced || error.description.contains("7"), "\(error)")
            #expect(ImportError.lightGBM(error).description == error.description)
        }
        #expect(Set(errors.map(\.description)).count == errors.count)
    }

    @Test(arguments: [("lgb_binary.txt", 11), ("lgb_rf_multiclass.txt", 17), ("lgb_constant.txt", 1)])
    func truncationsBeforeTheEndOfTheTreesAreRefused(name: String, step: Int) throws {
        let bytes = try Fixtures.bytes(name)
        let text = String(decoding: bytes, as: UTF8.self)
        let end = try #require(text.utf8.firstRange(of: "end of trees".utf8)).upperBound.utf16Offset(in: text)
        for count in stride(from: 0, to: end, by: step) {
            #expect(throws: ImportError.self, "\(name) cut at \(count)") { try ModelFile.load(bytes: Array(bytes[..<count])) }
        }
        _ = try ModelFile.load(bytes: Array(bytes[..<end]))
    }

    /// Seeded damage to real files: never a crash, and what is still read can be packed, admitted and scored.
    @Test(arguments: ["lgb_binary.txt", "lgb_multiclass.txt", "lgb_one_hot.txt", "lgb_zero_as_missing.txt"])
    func damagedModelFilesNeverCrash(name: String) throws {
        let seed: UInt64 = 4343
        var random = SeededRandom(seed: seed)
        let original = try Fixtures.bytes(name)
        let rows = try Fixtures.wide("lgb_X.npy")
        var accepted = 0
        for _ in 0..<300 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...40, using: &random)))
                case 3: bytes.insert(original[Int.random(in: 0..<original.count, using: &random)], at: index)
                default: bytes.removeLast(bytes.count - index)
                }
                if bytes.isEmpty { break }
            }
            guard let model = try? ModelFile.load(bytes: bytes) else { continue }
            accepted += 1
            // Names may be damaged too, and are refused by the draft then.
            guard let file = try? model.draft(name: "mutant").serialized() else { continue }
            let bundle = try Bundle.admit(bytes: file)
            guard bundle.featureCount == rows.columns else { continue }
            let raw = bundle.score(rows: rows.elements).raw
            #expect(raw.count == rows.rows * bundle.rawCount)
        }
        print("damaged \(name) (seed \(seed)): \(accepted) of 300 still read")
        #expect(accepted < 300)
    }
}
