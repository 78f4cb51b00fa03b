import Forest
import ModelBundle
import Platform
import Testing

@testable import ModelImport

@Suite struct XGBoostTests {
    /// A model of one split, whose parts the tests replace.
    private func model(
        baseScore: JSON = "5E-1", objective: JSON = "binary:logistic", features: JSON = "2", classes: JSON = "0",
        booster: JSON = "gbtree",
        trees: JSON = "1", info: JSON = [0], tree: [String: JSON?] = [:], learner: [String: JSON] = [:]
    ) -> JSON {
        var node: [String: JSON?] = [
            "tree_param": ["num_nodes": "3", "size_leaf_vector": "0"], "left_children": [1, -1, -1],
            "right_children": [2, -1, -1],
            "split_indices": [1, 0, 0], "split_conditions": [0.5, -1, 1], "default_left": [true, false, false],
        ]
        node.merge(tree) { $1 }
        let members = node.sorted { $0.key < $1.key }.compactMap { key, value in value.map { JSONMember(key: key, value: $0) } }
        var parts: [String: JSON] = [
            "learner_model_param": ["base_score": baseScore, "num_feature": features, "num_class": classes],
            "objective": ["name": objective],
            "gradient_booster": [
                "name": booster,
                "model": ["gbtree_model_param": ["num_trees": trees], "tree_info": info, "trees": [.object(members)]],
            ],
        ]
        parts.merge(learner) { $1 }
        return ["version": [1, 5, 0], "learner": .object(parts.map { JSONMember(key: $0.key, value: $0.value) })]
    }

    private func load(_ json: JSON) throws -> ImportedModel { try ModelFile.load(bytes: json.serializedBytes()) }

    private func expect(_ error: ImportError, _ json: JSON, _ location: SourceLocation = #_sourceLocation) {
        #expect(throws: error, sourceLocation: location) { try load(json) }
    }

    @Test func baseScoresAreReadInEveryFormTheyWereWrittenIn() throws {
        for score in ["2.5E-1", "[2.5E-1]", 0.25, "0.250000", [0.25]] as [JSON] {
            #expect(try load(model(baseScore: score)).ensemble.baseMargins == [Double(BaseLink.logit.margin(ofBaseScore: 0.25))])
        }
        let three = model(baseScore: "[-3.6E-2,4.7E-1,0]", objective: "multi:softprob", classes: "3")
        #expect(try load(three).ensemble.baseMargins == [-0.036, 0.47, 0].map { Double(Float($0)) })
        #expect(try load(model(objective: "multi:softprob", classes: "3")).ensemble.baseMargins == [0.5, 0.5, 0.5])
        expect(
            .countMismatch(.baseScore, declared: 3, found: 2),
            model(baseScore: "[1,2]", objective: "multi:softprob", classes: "3"))
        expect(.fieldInvalid(.baseScore), model(baseScore: "half"))
        expect(.fieldInvalid(.baseScore), model(baseScore: ["half"]))
        expect(.forest(.baseMarginNotFinite(output: 0)), model(baseScore: "-1", objective: "count:poisson"))
    }

    @Test func countsThatLieAreRefused() {
        expect(.countMismatch(.trees, declared: 2, found: 1), model(trees: "2"))
        expect(.countMismatch(.treeInfo, declared: 1, found: 2), model(info: [0, 0]))
        expect(.fieldInvalid(.treeCount), model(trees: "-1"))
        expect(.fieldInvalid(.featureCount), model(features: "many"))
        expect(.forest(.countOutOfRange(.features, count: 0, limit: 1)), model(features: "0"))
        expect(.forest(.countOutOfRange(.outputs, count: 2_000_000_000, limit: 1024)), model(classes: "2000000000"))
        for field in [TreeField.leftChildren, .rightChildren, .splitIndices, .splitConditions, .defaultLeft, .splitType] {
            expect(
                .treeCountMismatch(field, tree: 0, declared: 3, found: 2), model(tree: [field.rawValue: [0, 0]]))
            if field != .splitType { expect(.treeFieldMissing(field, tree: 0), model(tree: [field.rawValue: JSON?.none])) }
            expect(.treeFieldInvalid(field, tree: 0), model(tree: [field.rawValue: "x"]))
        }
        expect(.treeFieldInvalid(.nodeCount, tree: 0), model(tree: ["tree_param": ["num_nodes": "0"]]))
    }

    @Test func impossibleTreesAreRefusedWithTheirPlace() {
        expect(.forest(.childOutOfRange(tree: 0, node: 0, child: 7)), model(tree: ["right_children": [7, -1, -1]]))
        expect(.forest(.nodeReachedTwice(tree: 0, node: 0)), model(tree: ["left_children": [0, -1, -1]]))
        expect(
            .forest(.featureOutOfRange(tree: 0, node: 0, feature: 2, featureCount: 2)), model(tree: ["split_indices": [2, 0, 0]]))
        expect(.forest(.treeOutputOutOfRange(tree: 0, output: 1, outputCount: 1)), model(info: [1]))
        expect(.treeFieldInvalid(.splitConditions, tree: 0), model(tree: ["split_conditions": [1e39, 0, 0]]))
        expect(.treeFieldInvalid(.splitIndices, tree: 0), model(tree: ["split_indices": [0.5, 0, 0]]))
        let text = model().serialized()
        for (number, error) in [
            ("[0.5,NaN,1.0]", ForestError.leafNotFinite(tree: 0, node: 1)),
            ("[Infinity,-1,1]", .thresholdNotFinite(tree: 0, node: 0)),
        ] {
            let changed = text.replacing("[0.5,-1,1]", with: number)
            #expect(changed != text)
            #expect(throws: ImportError.forest(error)) { try ModelFile.load(bytes: Array(changed.utf8)) }
        }
    }

    @Test func whatIsNotSupportedIsRefusedByName() throws {
        expect(.objectiveUnsupported("\"reg:magic?\""), model(objective: "reg:magic\n"))
        expect(.boosterUnsupported("\"gbfoo\""), model(booster: "gbfoo"))
        let legacy = String(repeating: "\0", count: 136) + "\u{f}" + String(repeating: "\0", count: 7) + "binary:logistic"
        for (text, format) in [
            (legacy, ImportError.ForeignFormat.xgboostBinary),
            ("binf....", .xgboostBinary),
            (#"{"name":"tree","version":"v4","tree_info":[]}"#, .lightGBMJSON),
            ("ASSAYBDL", .bundle),
        ] {
            #expect(throws: ImportError.formatUnsupported(format)) { try ModelFile.load(bytes: Array(text.utf8)) }
        }
        for text in ["", "{", "hello", "[1]"] {
            #expect(throws: ImportError.formatUnknown) { try ModelFile.load(bytes: Array(text.utf8)) }
        }
    }

    @Test func quantilesThatAreOrderedAreRefused() throws {
        func quantiles(_ version: JSON, classes: JSON) throws -> ImportedModel {
            let json = model(objective: "reg:quantileerror", classes: classes)
            guard case .object(var members) = json else { return try load(nil) }
            members[0] = JSONMember(key: "version", value: version)
            return try load(.object(members))
        }
        #expect(try quantiles([3, 2, 0], classes: "3").ensemble.baseMargins.count == 3)
        #expect(try quantiles([3, 4, 0], classes: "1").ensemble.baseMargins.count == 1)
        #expect(throws: ImportError.quantilesOrdered) { try quantiles([3, 3, 0], classes: "3") }
    }

    /// The parts of a tree whose first split is one of categories.
    private func categories(
        type: JSON = [1, 0, 0], categories: JSON = [3, 1], nodes: JSON = [0], segments: JSON = [0], sizes: JSON = [2]
    ) -> JSON {
        model(tree: [
            "split_type": type, "categories": categories, "categories_nodes": nodes, "categories_segments": segments,
            "categories_sizes": sizes,
        ])
    }

    @Test func categoriesThatLieAreRefused() throws {
        #expect(
            try load(categories()).ensemble.trees[0].nodes[0]
                == .categorySplit(feature: 1, categories: [1, 3], missingGoesLeft: true, left: 1, right: 2))
        expect(.categorySetMissing(tree: 0, node: 0), categories(categories: [], nodes: [], segments: [], sizes: []))
        expect(.treeFieldInvalid(.splitType, tree: 0), categories(type: [2, 0, 0]))
        expect(.treeFieldMissing(.categories, tree: 0), model(tree: ["split_type": [1, 0, 0]]))
        for invalid in [[1, 1], [1, -1], [1, 16_777_216], [1, 0.5]] as [JSON] {
            expect(.treeFieldInvalid(.categories, tree: 0), categories(categories: invalid))
        }
        expect(.treeFieldInvalid(.categoryNodes, tree: 0), categories(nodes: [3]))
        expect(.treeFieldInvalid(.categoryNodes, tree: 0), categories(nodes: [0, 0], segments: [0, 1], sizes: [1, 1]))
        expect(.treeFieldInvalid(.categorySizes, tree: 0), categories(sizes: [3]))
        expect(.treeFieldInvalid(.categorySizes, tree: 0), categories(sizes: [9_000_000_000_000]))
        expect(.treeFieldInvalid(.categorySegments, tree: 0), categories(segments: [1], sizes: [1]))
        expect(.treeCountMismatch(.categorySizes, tree: 0, declared: 1, found: 2), categories(sizes: [1, 1]))
        expect(.treeCountMismatch(.categories, tree: 0, declared: 1, found: 2), categories(sizes: [1]))
    }

    /// The parts of a tree of three nodes with leaves of two values.
    private func vectors(
        size: JSON = "2", classes: JSON = "2", right: JSON = [2, 0, 1],
        weights: [String: JSON] = ["leaf_weights": [1, 2, 3, 4]]
    ) -> JSON {
        var tree: [String: JSON?] = [
            "tree_param": ["num_nodes": "3", "size_leaf_vector": size], "right_children": right,
        ]
        for (key, value) in weights { tree[key] = value }
        return model(objective: "multi:softprob", classes: classes, tree: tree)
    }

    @Test func vectorLeavesAreReadFromWhereEachVersionKeepsThem() throws {
        #expect(try load(vectors()).ensemble.trees[0].nodes[2] == .vectorLeaf([3, 4]))
        let old = vectors(right: [2, -1, -1], weights: ["base_weights": [0, 0, 1, 2, 3, 4]])
        #expect(try load(old).ensemble.trees[0].nodes[2] == .vectorLeaf([3, 4]))
        expect(.treeCountMismatch(.leafSize, tree: 0, declared: 3, found: 2), vectors(classes: "3"))
        expect(.treeFieldInvalid(.rightChildren, tree: 0), vectors(right: [2, 0, 2]))
        // Two leaves at one place.
        expect(.treeFieldInvalid(.rightChildren, tree: 0), vectors(right: [2, 1, 1]))
        expect(.treeFieldInvalid(.rightChildren, tree: 0), vectors(right: [2, 0, -1]))
        expect(.treeFieldMissing(.baseWeights, tree: 0), vectors(weights: [:]))
        expect(.treeCountMismatch(.leafWeights, tree: 0, declared: 3, found: 3), vectors(weights: ["leaf_weights": [1, 2, 3]]))
        expect(
            .treeCountMismatch(.baseWeights, tree: 0, declared: 3, found: 4), vectors(weights: ["base_weights": [1, 2, 3, 4]]))
        expect(.treeFieldInvalid(.leafWeights, tree: 0), vectors(weights: ["leaf_weights": [1, 2, 3, "x"]]))
    }

    @Test func linearWeightsThatLieAreRefused() throws {
        func linear(_ weights: JSON) -> JSON {
            model(learner: ["gradient_booster": ["name": "gblinear", "model": ["weights": weights]]])
        }
        let good = try load(linear([1, 2, 0.5]))
        #expect(good.linear?.weights == [1, 2])
        #expect(good.ensemble.baseMargins == [0.5] && good.ensemble.trees.isEmpty)
        expect(.countMismatch(.weights, declared: 3, found: 2), linear([1, 2]))
        expect(.fieldInvalid(.weights), linear([1, 2, "x"]))
        expect(.fieldMissing(.weights), linear(nil))
        func classes(_ version: JSON) throws -> ImportedModel {
            let json = model(
                baseScore: "[1,2]", objective: "multi:softprob", features: "1", classes: "2",
                learner: ["gradient_booster": ["name": "gblinear", "model": ["weights": [3, 4, 5, 6]]]])
            guard case .object(var members) = json else { return try load(nil) }
            members[0] = JSONMember(key: "version", value: version)
            return try load(.object(members))
        }
        #expect(try classes([3, 2, 0]).ensemble.baseMargins == [6, 7])
        #expect(throws: ImportError.linearBaseScores) { try classes([3, 3, 0]) }
    }

    @Test func coversAreKeptWhereTheyCanBe() throws {
        #expect(try load(model()).ensemble.trees[0].covers == [])
        #expect(try load(model(tree: ["sum_hessian": [3, 1, 2]])).ensemble.trees[0].covers == [3, 1, 2])
        #expect(try load(model(tree: ["sum_hessian": [3, -1, 4]])).ensemble.trees[0].covers == [])
        expect(.treeCountMismatch(.covers, tree: 0, declared: 3, found: 2), model(tree: ["sum_hessian": [1, 2]]))
    }

    @Test func categoriesThatWereRecodedAreNoted() throws {
        let note = try ModelFile.load(Fixtures.path("categories_pandas.ubj")).provenance.first { $0.key == "source.categories" }
        #expect(note?.value == "categories are codes of the training data's")
        let plain = try ModelFile.load(Fixtures.path("categories_mixed.ubj")).provenance
        #expect(!plain.contains { $0.key == "source.categories" })
    }

    @Test func unknownKeysAreTolerated() throws {
        let json = model(
            tree: ["leaf_colour": ["red"]], learner: ["invented": ["later": [1, 2, 3]], "attributes": ["best_iteration": "0"]])
        #expect(try load(json).ensemble.trees.count == 1)
    }

    @Test func earlyStoppingKeepsAllTreesAsPredictDoes() throws {
        let model = try ModelFile.load(Fixtures.path("early_stopped.json"))
        let best = try #require(model.provenance.first { $0.key == "source.best_iteration" }.flatMap { Int($0.value) })
        #expect(model.ensemble.trees.count > best + 1)
    }

    @Test func namesAndTypesBecomeTheSchema() throws {
        for suffix in ["json", "ubj"] {
            let schema = try ModelFile.load(Fixtures.path("named." + suffix)).schema
            #expect(schema.features.map(\.name) == ["amount", "hour", "velocity", "é-score", "country"])
            #expect(schema.features.map(\.type) == [.float, .integer, .float, .float, .boolean])
            #expect(schema.features.allSatisfy { $0.missingAllowed && $0.source == nil })
        }
        #expect(try load(model()).schema.features.map(\.name) == ["f0", "f1"])
        expect(.countMismatch(.featureNames, declared: 2, found: 1), model(learner: ["feature_names": ["only"]]))
        expect(.fieldInvalid(.featureTypes), model(learner: ["feature_types": [1, 2]]))
    }

    @Test func defaultThresholdsFollowTheObjective() throws {
        #expect(try load(model()).policy == .probability)
        #expect(try load(model(objective: "binary:logitraw")).policy == .logOdds)
        #expect(try load(model(objective: "reg:squarederror")).policy == .approveAll)
        #expect(try load(model(objective: "multi:softprob", classes: "3")).policy == .approveAll)
    }

    @Test func aSchemaFileReplacesTheDefaults() throws {
        let file = try SchemaFile(
            parsing: Array(
                #"""
                {"features": [{"name": "fee", "type": "integer", "missing": "refused", "source": "bitcoin.fee"}, {"name": "b"}],
                 "review_threshold": 0.25, "decline_threshold": null, "deciding_output": 0, "provenance": {"trainer": "me"}}
                """#.utf8))
        let draft = try load(model()).draft(name: "fees", schemaFile: file)
        let bundle = try Bundle.admit(bytes: draft.serialized())
        #expect(bundle.schema.features[0] == .init(name: "fee", type: .integer, missingAllowed: false, source: .bitcoinFee))
        #expect(bundle.policy == OutcomePolicy(decidingOutput: 0, reviewThreshold: 0.25, declineThreshold: .infinity))
        #expect(bundle.provenance.contains { $0 == ("trainer", "me") })
        #expect(bundle.provenance.contains { $0.key == "source.sha256" && $0.value.utf8.count == 64 })
        #expect(throws: ImportError.featureCountMismatch(schemaFile: 1, model: 2)) {
            try load(model()).draft(name: "x", schemaFile: SchemaFile(features: [.init(name: "one")]))
        }
    }

    /// Seeded damage to real files: never a crash or a hang, and what is still read is a forest that can be scored.
    @Test(arguments: [
        "binary_logistic.json", "multi_softprob.json", "binary_logistic.ubj", "multi_softprob.ubj", "dart.ubj",
        "categories_mixed.ubj", "vector_leaf.json",
    ])
    func damagedModelFilesNeverCrash(name: String) throws {
        let seed: UInt64 = 4242
        var random = SeededRandom(seed: seed)
        let original = try Fixtures.bytes(name)
        var accepted = 0
        for _ in 0..<250 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
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
            let draft = try model.draft(name: "mutant")
            // Names may be damaged too, and are refused by the draft then.
            guard let file = try? draft.serialized() else { continue }
            _ = try Bundle.admit(bytes: file)
        }
        print("damaged \(name) (seed \(seed)): \(accepted) of 250 still read")
        #expect(accepted < 250)
    }

    @Test func everyTruncationIsRefused() throws {
        for name in ["single_leaf.json", "single_leaf.ubj"] {
            let bytes = try Fixtures.bytes(name)
            for count in stride(from: 0, to: bytes.count, by: 7) {
                #expect(throws: ImportError.self, "\(name) cut at \(count)") { try ModelFile.load(bytes: Array(bytes[..<count])) }
            }
        }
    }
}
