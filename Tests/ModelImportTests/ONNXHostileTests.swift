import Forest
import Testing

@testable import ModelImport

/// ONNX files of a few kilobytes that would make gigabytes, or take minutes: each is refused before it does.
@Suite struct ONNXHostileTests {
    typealias Builder = ONNXBuilder
    typealias Node = ONNXBuilder.Node

    private func expect(_ use: ONNXUse, _ nodes: [Node], initializers: [[UInt8]] = [], inputs: [[UInt8]]? = nil) {
        let bytes = Builder.model(nodes, inputs: inputs ?? [Builder.value("X", columns: 3)], initializers: initializers)
        do throws(ImportError) {
            _ = try ModelFile.load(bytes: bytes)
            Issue.record("it was read")
        } catch {
            guard case .onnx(.useUnsupported(_, let found)) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(found == use)
        }
    }

    private func expectTooMuchWork(_ bytes: [UInt8]) {
        let limit = max(ImportLimits.onnxStepCountMin, bytes.count * ImportLimits.onnxStepsPerByte)
        #expect(throws: ImportError.onnx(.tooMuchWork(stepLimit: limit))) { try ModelFile.load(bytes: bytes) }
    }

    /// `c0` joined with itself so often.
    private func doublings(_ count: Int, of first: Node) -> [Node] {
        var first = first
        first.outputs = ["c0"]
        return [first]
            + (0..<count).map { index in
                Node(
                    type: "Concat", inputs: ["c\(index)", "c\(index)"], outputs: ["c\(index + 1)"],
                    attributes: ["axis": .integer(1)])
            }
    }

    @Test(arguments: [Float.nan, .infinity, 1e30, 0.5])
    func numbersThatAreNoIndicesAreRefused(number: Float) {
        let tree = Builder.regressor(outputs: ["t"])
        let constant = [Builder.tensor("i", [number])]
        expect(.axis, [tree, Node(type: "Squeeze", inputs: ["t", "i"], outputs: ["Y"])], initializers: constant)
        expect(.shapes, [tree, Node(type: "Reshape", inputs: ["t", "i"], outputs: ["Y"])], initializers: constant)
        let gather = Node(type: "Gather", inputs: ["t", "i"], outputs: ["Y"], attributes: ["axis": .integer(1)])
        expect(.shapes, [tree, gather], initializers: constant)
    }

    @Test func columnsThatDoubleAreRefused() {
        expect(.columnCount, doublings(17, of: Builder.regressor()) + [Node(type: "Abs", inputs: ["c17"], outputs: ["Y"])])
        let places = Builder.tensor("i", [Float](repeating: 0, count: ForestLimits.outputCountMax + 1))
        let gather = Node(type: "Gather", inputs: ["t", "i"], outputs: ["Y"], attributes: ["axis": .integer(1)])
        expect(.columnCount, [Builder.regressor(outputs: ["t"]), gather], initializers: [places])
    }

    @Test func manySoftmaxesOfManyColumnsEndEarly() {
        var nodes = doublings(10, of: Builder.regressor())
        let names = (0..<2000).map { "s\($0)" }
        for name in names {
            nodes.append(Node(type: "Softmax", inputs: ["c10"], outputs: [name], attributes: ["axis": .integer(1)], name: ""))
        }
        nodes.append(Node(type: "Sum", inputs: names, outputs: ["Y"]))
        expectTooMuchWork(Builder.model(nodes))
    }

    @Test func sumsOfManyWideLinearColumnsEndEarly() {
        let featureCount = 4000
        let linear = Node(
            type: "LinearRegressor", domain: "ai.onnx.ml", inputs: ["X"], outputs: ["c0"],
            attributes: ["coefficients": .floats([Float](repeating: 1, count: featureCount)), "targets": .integer(1)])
        var nodes = doublings(10, of: linear)
        for index in 0..<200 {
            nodes.append(
                Node(type: "Add", inputs: [index == 0 ? "c10" : "d\(index)", "c10"], outputs: ["d\(index + 1)"], name: ""))
        }
        nodes.append(Node(type: "Identity", inputs: ["d200"], outputs: ["Y"]))
        expectTooMuchWork(Builder.model(nodes, inputs: [Builder.value("X", columns: featureCount)]))
    }

    /// One weight a target, but a table of all leaves for each.
    @Test func leavesTimesTargetsEndBeforeTheyFillMemory() {
        let targetCount = 1000
        expectTooMuchWork(Builder.model([Builder.regressor(chain(leafCount: 3000, targetCount: targetCount))]))
    }

    /// A tree that is a chain of tests, and the weight of one leaf for each target.
    private func chain(leafCount: Int, targetCount: Int) -> [String: Builder.Attribute?] {
        let count = 2 * leafCount - 1
        let isBranch = (0..<count).map { $0 % 2 == 0 && $0 < count - 1 }
        let leaves = (0..<count).filter { !isBranch[$0] }
        return [
            "n_targets": .integer(targetCount), "nodes_treeids": .integers([Int](repeating: 0, count: count)),
            "nodes_nodeids": .integers(Array(0..<count)), "nodes_featureids": .integers([Int](repeating: 0, count: count)),
            "nodes_values": .floats((0..<count).map { Float($0) }),
            "nodes_modes": .texts(isBranch.map { $0 ? "BRANCH_LEQ" : "LEAF" }),
            "nodes_truenodeids": .integers(isBranch.indices.map { isBranch[$0] ? $0 + 1 : 0 }),
            "nodes_falsenodeids": .integers(isBranch.indices.map { isBranch[$0] ? $0 + 2 : 0 }),
            "target_treeids": .integers([Int](repeating: 0, count: targetCount)),
            "target_nodeids": .integers((0..<targetCount).map { leaves[$0 % leafCount] }),
            "target_ids": .integers(Array(0..<targetCount)),
            "target_weights": .floats([Float](repeating: 1, count: targetCount)),
        ]
    }

    /// A tree whose leaves all stand in the tables of a thousand columns.
    @Test func leavesTimesColumnsEndBeforeTheyFillMemory() {
        let tree = Builder.regressor(chain(leafCount: 2000, targetCount: 1))
        expectTooMuchWork(Builder.model(doublings(10, of: tree) + [Node(type: "Identity", inputs: ["c10"], outputs: ["Y"])]))
    }

    /// A set whose members make copies of what lies below, where another long set is read for each of them and comes to nothing.
    @Test func longSetsThatAreReadAgainAndAgainAreRefused() {
        let members = (0..<300).map { Float($0) } + [.nan] + [Float](repeating: .infinity, count: 20_000) + [.nan]
        let tree = Node(
            type: "TreeEnsemble", domain: "ai.onnx.ml", inputs: ["X"], outputs: ["Y"],
            attributes: [
                "n_targets": .integer(1), "nodes_modes": .tensor(Builder.tensor("m", [6, 6], type: 2)),
                "nodes_featureids": .integers([0, 1]), "nodes_splits": .tensor(Builder.tensor("s", [0, 0])),
                "nodes_truenodeids": .integers([0, 0]), "nodes_trueleafs": .integers([1, 1]),
                "nodes_falsenodeids": .integers([1, 1]), "nodes_falseleafs": .integers([0, 1]), "tree_roots": .integers([0]),
                "membership_values": .tensor(Builder.tensor("v", members)), "leaf_targetids": .integers([0, 0]),
                "leaf_weights": .tensor(Builder.tensor("w", [1, 2])),
            ])
        expect(.branchCopies, [tree])
    }
}
