import Forest
import ModelBundle
import Platform
import Testing

@testable import ModelImport

/// ONNX files that are damaged, lie, or say what a bundle cannot: each is refused with what and where.
@Suite struct ONNXRefusalTests {
    typealias Builder = ONNXBuilder

    private func load(_ nodes: [Builder.Node], initializers: [[UInt8]] = []) throws -> ImportedModel {
        try ModelFile.load(bytes: Builder.model(nodes, initializers: initializers))
    }

    private func refusal(_ bytes: [UInt8]) -> ONNXError? {
        do throws(ImportError) {
            _ = try ModelFile.load(bytes: bytes)
            return nil
        } catch {
            guard case .onnx(let error) = error else { return nil }
            return error
        }
    }

    private func refusal(_ nodes: [Builder.Node], initializers: [[UInt8]] = []) -> ONNXError? {
        refusal(Builder.model(nodes, initializers: initializers))
    }

    private func place(_ index: Int, _ type: String) -> ONNXPlace {
        ONNXPlace(index: index, operatorName: "\"\(type)\"", name: "\"here\"")
    }

    private let regressor = "ai.onnx.ml.TreeEnsembleRegressor"
    private let classifier = "ai.onnx.ml.TreeEnsembleClassifier"

    private func fault(
        _ name: ONNXAttributeName, _ fault: ONNXAttributeFault, _ changes: [String: Builder.Attribute?],
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(
            refusal([Builder.regressor(changes)]) == .attributeFault(place(0, regressor), name, fault), sourceLocation: location)
    }

    private func tree(
        _ fault: ONNXTreeFault, _ changes: [String: Builder.Attribute?], _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(refusal([Builder.regressor(changes)]) == .treeFault(place(0, regressor), fault), sourceLocation: location)
    }

    private func use(
        _ use: ONNXUse, _ node: Builder.Node, after: [Builder.Node] = [], initializers: [[UInt8]] = [],
        _ location: SourceLocation = #_sourceLocation
    ) {
        let name = node.domain.isEmpty ? node.type : node.domain + "." + node.type
        #expect(
            refusal(after + [node], initializers: initializers) == .useUnsupported(place(after.count, name), use),
            sourceLocation: location)
    }

    @Test func theUnchangedModelIsRead() throws {
        let model = try load([Builder.regressor()])
        #expect(
            model.ensemble.trees[0].nodes == [
                .split(feature: 1, threshold: Double(Float(0.5).nextUp), missingGoesLeft: false, left: 1, right: 2), .leaf(1),
                .leaf(2),
            ])
        #expect(try load([Builder.classifier()]).policy == .probability)
    }

    @Test func listsThatDoNotFitAreRefused() {
        for (name, attribute) in [
            (ONNXAttributeName.treeIDs, "nodes_treeids"), (.nodeIDs, "nodes_nodeids"), (.featureIDs, "nodes_featureids"),
            (.trueNodeIDs, "nodes_truenodeids"), (.falseNodeIDs, "nodes_falsenodeids"),
            (.missingTracksTrue, "nodes_missing_value_tracks_true"),
        ] {
            fault(name, .count(2, expected: 3), [attribute: .integers([0, 1])])
            fault(name, .wrongType, [attribute: .text("x")])
        }
        fault(.values, .count(1, expected: 3), ["nodes_values": .floats([1])])
        fault(.values, .missing, ["nodes_values": Builder.Attribute?.none])
        fault(.modes, .missing, ["nodes_modes": Builder.Attribute?.none])
        fault(.modes, .wrongType, ["nodes_modes": .graph])
        fault(.targetTreeIDs, .count(1, expected: 2), ["target_treeids": .integers([0])])
        fault(.targetWeights, .missing, ["target_weights": .floats([])])
        fault(.targetWeights, .outOfRange(index: 1), ["target_weights": .floats([0, .nan])])
        fault(.targetIDs, .outOfRange(index: 1), ["target_ids": .integers([0, 1])])
        fault(.targetCount, .outOfRange(index: 0), ["n_targets": .integer(1 << 40)])
        fault(.baseValues, .count(2, expected: 1), ["base_values": .floats([0, 0])])
        fault(.featureIDs, .outOfRange(index: 0), ["nodes_featureids": .integers([3, 0, 0])])
        fault(
            .nodeIDs, .outOfRange(index: 1),
            [
                "nodes_nodeids": .integers([0, -1, 2]), "nodes_truenodeids": .integers([-1, 0, 0]),
                "target_nodeids": .integers([-1, 2]),
            ])
    }

    @Test func impossibleTreesAreRefusedWithTheirPlace() {
        tree(.childMissing(node: 0), ["nodes_falsenodeids": .integers([9, 0, 0])])
        tree(.nodeReachedTwice(node: 1), ["nodes_falsenodeids": .integers([1, 0, 0])])
        tree(.nodeReachedTwice(node: 0), ["nodes_truenodeids": .integers([0, 0, 0])])
        tree(.nodeRepeated(node: 2), ["nodes_nodeids": .integers([0, 1, 1])])
        tree(.modeUnsupported("\"BRANCH_MAYBE\"", node: 0), ["nodes_modes": .texts(["BRANCH_MAYBE", "LEAF", "LEAF"])])
        tree(.valueNotFinite(node: 0), ["nodes_values": .floats([.nan, 0, 0])])
        tree(.weightOutsideTrees(weight: 1), ["target_nodeids": .integers([1, 7])])
        tree(.weightOutsideTrees(weight: 0), ["target_nodeids": .integers([0, 2])])
        use(.repeatedWeights, Builder.regressor(["target_nodeids": .integers([1, 1])]))
        // Two branches that are each other's children, beside a tree that does not reach them.
        let loop: [String: Builder.Attribute?] = [
            "nodes_treeids": .integers([0, 0, 0]), "nodes_modes": .texts(["LEAF", "BRANCH_LEQ", "BRANCH_LEQ"]),
            "nodes_truenodeids": .integers([0, 2, 1]), "nodes_falsenodeids": .integers([0, 2, 1]),
            "target_nodeids": .integers([0]),
            "target_treeids": .integers([0]), "target_ids": .integers([0]), "target_weights": .floats([1]),
        ]
        tree(.nodeReachedTwice(node: 2), loop)
        tree(
            .nodeUnreached(node: 2),
            ["nodes_modes": .texts(["LEAF", "LEAF", "LEAF"])].merging(
                ["nodes_treeids": .integers([0, 1, 1])]) { $1 })
    }

    @Test func whatIsNotSupportedIsRefusedByName() {
        #expect(
            refusal([Builder.regressor(outputs: ["s"]), Builder.Node(type: "Tanh", inputs: ["s"], outputs: ["Y"])])
                == .operatorUnsupported(place(1, "Tanh")))
        #expect(
            refusal([Builder.Node(type: "Evil\n\u{1b}[31m", inputs: ["X"], outputs: ["Y"])])?.description
                == "ONNX node 0 \"Evil??[31m\" \"here\" is an operator that is not supported here")
        use(.aggregate, Builder.regressor(["aggregate_function": .text("MIN")]))
        use(.aggregate, Builder.regressor(["aggregate_function": .text("MAX")]))
        use(.postTransform, Builder.classifier(["post_transform": .text("PROBIT")]))
        use(.postTransform, Builder.classifier(["post_transform": .text("SOFTMAX_ZERO")]))
        use(.missingDirection, Builder.regressor(["nodes_modes": .texts(["BRANCH_NEQ", "LEAF", "LEAF"])]))
        use(.mixedTypes, Builder.regressor(["nodes_values": nil, "nodes_values_as_tensor": .tensor(doubles([0.5, 0, 0]))]))
        #expect(refusal(Builder.model([Builder.regressor()], treeVersion: 6)) == .operatorSetUnsupported(version: 6, limit: 5))
        // Scores that follow a transform.
        let logistic = Builder.Node(type: "Sigmoid", inputs: ["s"], outputs: ["p"])
        use(
            .output, Builder.Node(type: "Mul", inputs: ["p", "c"], outputs: ["Y"]),
            after: [Builder.regressor(outputs: ["s"]), logistic],
            initializers: [Builder.tensor("c", [2])])
        use(
            .afterTransform, Builder.Node(type: "Sigmoid", inputs: ["p"], outputs: ["Y"]),
            after: [Builder.regressor(outputs: ["s"]), logistic])
        // A comparison whose outcome may hang on how the graph rounds.
        use(
            .operands, Builder.Node(type: "Greater", inputs: ["s", "c"], outputs: ["Y"]),
            after: [Builder.regressor(outputs: ["s"])],
            initializers: [Builder.tensor("c", [0.5])])
        // Linear weights and trees in one sum.
        use(
            .output, Builder.Node(type: "Add", inputs: ["s", "w"], outputs: ["Y"]),
            after: [
                Builder.regressor(outputs: ["s"]), Builder.Node(type: "MatMul", inputs: ["X", "c"], outputs: ["w"]),
            ], initializers: [Builder.tensor("c", [1, 2, 3], dimensions: [3, 1])])
        // Two trees' leaves multiplied.
        use(
            .notOfOneTree, Builder.Node(type: "Mul", inputs: ["s", "t"], outputs: ["Y"]),
            after: [Builder.regressor(outputs: ["s"]), Builder.regressor(outputs: ["t"])])
    }

    /// Where ONNX Runtime and ONNX's reference evaluator differ, tried with onnxruntime 1.31.1 and onnx 1.23.2.
    @Test func whatRuntimesDisagreeOnIsRefused() {
        use(.ambiguous, Builder.regressor(["post_transform": .text("LOGISTIC")]))
        use(.ambiguous, Builder.regressor(["post_transform": .text("SOFTMAX")]))
        use(.ambiguous, Builder.classifier(["post_transform": .text("SOFTMAX")]))
        use(.ambiguous, Builder.classifier(["class_ids": .integers([1, 1])]))
        use(.ambiguous, Builder.classifier(["base_values": .floats([0.1, 0.2])]))
        use(.ambiguous, Builder.classifier(["class_ids": .integers([0, 1])]))
        use(.classCount, Builder.classifier(["classlabels_int64s": .integers([7])]))
        #expect(
            refusal([Builder.classifier(["classlabels_strings": .texts(["a", "b"])])])
                == .attributeFault(place(0, classifier), .classStrings, .repeated))
    }

    @Test func graphsThatDoNotHoldTogetherAreRefused() {
        // A cycle of two nodes: each uses what the other one gives.
        let cycle = [
            Builder.Node(type: "Neg", inputs: ["a"], outputs: ["b"]), Builder.Node(type: "Neg", inputs: ["b"], outputs: ["a"]),
            Builder.Node(type: "Neg", inputs: ["a"], outputs: ["Y"]),
        ]
        #expect(refusal(cycle) == .inputUndefined(place(0, "Neg"), input: 0))
        #expect(refusal([Builder.regressor(inputs: ["nowhere"])]) == .inputUndefined(place(0, regressor), input: 0))
        #expect(
            refusal([Builder.regressor(), Builder.Node(type: "Neg", inputs: ["Y"], outputs: ["Y"])])
                == .outputRedefined(place(1, "Neg"), output: 0))
        #expect(refusal([Builder.Node]()) == .noScores)
        #expect(refusal(Builder.model([Builder.regressor()], outputs: [])) == .noScores)
        #expect(
            refusal(Builder.model([Builder.classifier()], outputs: [Builder.value("label", columns: nil, type: 7)])) == .noScores)
        #expect(refusal(Builder.model([Builder.regressor()], inputs: [])) == .partMissing(.input))
        #expect(
            refusal(Builder.model([Builder.regressor()], inputs: [Builder.value("X", columns: nil)]))
                == .inputUnsupported(index: 0, .shape))
        #expect(
            refusal(Builder.model([Builder.regressor()], inputs: [Builder.value("X", columns: 1 << 40)]))
                == .inputUnsupported(index: 0, .shape))
        #expect(
            refusal(Builder.model([Builder.regressor()], inputs: [Builder.value("X", columns: 3, type: 8)]))
                == .inputUnsupported(index: 0, .type))
        #expect(
            refusal(
                Builder.model(
                    [Builder.regressor()], inputs: [Builder.value("X", columns: 3), Builder.value("Z", columns: 3, type: 11)]))
                == .inputUnsupported(index: 1, .mixture))
    }

    @Test func tensorsThatLieAreRefused() {
        let sum = Builder.Node(type: "Add", inputs: ["s", "c"], outputs: ["Y"])
        func refusal(_ tensor: [UInt8]) -> ONNXError? {
            self.refusal([Builder.regressor(outputs: ["s"]), sum], initializers: [tensor])
        }
        #expect(refusal(Builder.tensor("c", [1], dimensions: [2])) == .tensorMalformed(.initializer, index: 0))
        #expect(refusal(Builder.tensor("c", [1], dimensions: [-1])) == .tensorMalformed(.initializer, index: 0))
        #expect(refusal(Builder.tensor("c", [], dimensions: [1 << 40, 1 << 40])) == .tensorMalformed(.initializer, index: 0))
        #expect(refusal(Builder.tensor("c", [1], location: 1)) == .tensorMalformed(.initializer, index: 0))
        #expect(refusal(Builder.tensor("", [1])) == .nameInvalid(.initializer, index: 0))
        #expect(refusal(Builder.tensor("c", [1, 2])) == .useUnsupported(place(1, "Add"), .shapes))
        // A constant of a type that is not read does not exist for the nodes.
        #expect(refusal(Builder.tensor("c", [1], type: 10)) == .inputUndefined(place(1, "Add"), input: 1))
    }

    private func doubles(_ values: [Double]) -> [UInt8] {
        Builder.make { tensor in
            tensor.integer(1, values.count)
            tensor.integer(2, 11)
            tensor.blob(
                9, values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(8 * $0)) } })
        }
    }
}
