import Forest
import ModelBundle
import Platform
import Testing

@testable import ModelImport

/// Small ONNX files that ask for much, and mutants: refused or read, in time and memory of their length.
@Suite struct ONNXBoundsTests {
    typealias Builder = ONNXBuilder

    private func error(_ bytes: [UInt8]) -> ImportError? {
        do throws(ImportError) {
            _ = try ModelFile.load(bytes: bytes)
            return nil
        } catch { return error }
    }

    @Test func messagesWithoutContentDoNotFillMemory() {
        // Two bytes a node in the file, 150 in memory.
        let nodes = Builder.make { graph in for _ in 0..<500_000 { graph.blob(1, []) } }
        let model = Builder.make { model in
            model.integer(1, 8)
            model.blob(7, nodes)
        }
        #expect(error(model) == .onnx(.undecodable))
    }

    @Test func messagesThatAreMergedEndBeforeTheyTakeQuadraticTime() {
        let graph = Builder.make { $0.blob(1, []) }
        let model = Builder.make { model in
            model.integer(1, 8)
            for _ in 0..<300_000 { model.blob(7, graph) }
        }
        #expect(error(model) == .onnx(.undecodable))
    }

    @Test func manyOperationsOnALargeTreeEndEarly() {
        // A tree of 201 leaves, then 20,000 functions of them.
        let depth = 200
        var chain = [Builder.regressor(deep(depth), outputs: ["t0"])]
        for index in 0..<20_000 {
            chain.append(Builder.Node(type: "Max", inputs: ["t\(index)", "zero"], outputs: ["t\(index + 1)"], name: ""))
        }
        chain.append(Builder.Node(type: "Identity", inputs: ["t20000"], outputs: ["Y"]))
        let bytes = Builder.model(chain, initializers: [Builder.tensor("zero", [0])])
        let limit = bytes.count * ImportLimits.onnxStepsPerByte
        #expect(error(bytes) == .onnx(.tooMuchWork(stepLimit: limit)))
    }

    @Test func testsForEqualityThatMultiplyTheTreeAreRefused() {
        // x0 = 1 ? leaf : (x1 = 1 ? leaf : (x2 = 1 …)): every level would stand twice below the one before it.
        var changes = deep(60)
        let modes = (0..<60).flatMap { _ in ["BRANCH_EQ", "LEAF"] } + ["LEAF"]
        changes["nodes_modes"] = .texts(modes)
        let place = ONNXPlace(index: 0, operatorName: "\"ai.onnx.ml.TreeEnsembleRegressor\"", name: "\"here\"")
        #expect(error(Builder.model([Builder.regressor(changes)])) == .onnx(.useUnsupported(place, .branchCopies)))
    }

    /// A tree whose false sides go on to another feature, `depth` times.
    private func deep(_ depth: Int) -> [String: Builder.Attribute?] {
        let count = 2 * depth + 1
        let branches = (0..<count).map { $0 % 2 == 0 && $0 < 2 * depth }
        let leaves = (0..<count).filter { !branches[$0] }
        return [
            "nodes_treeids": .integers([Int](repeating: 0, count: count)), "nodes_nodeids": .integers(Array(0..<count)),
            "nodes_featureids": .integers((0..<count).map { branches[$0] ? $0 / 2 % 3 : 0 }),
            "nodes_values": .floats([Float](repeating: 1, count: count)),
            "nodes_modes": .texts(branches.map { $0 ? "BRANCH_LEQ" : "LEAF" }),
            "nodes_truenodeids": .integers((0..<count).map { branches[$0] ? $0 + 1 : 0 }),
            "nodes_falsenodeids": .integers((0..<count).map { branches[$0] ? $0 + 2 : 0 }),
            "target_treeids": .integers(leaves.map { _ in 0 }), "target_nodeids": .integers(leaves),
            "target_ids": .integers(leaves.map { _ in 0 }), "target_weights": .floats(leaves.map { Float($0) }),
        ]
    }

    @Test func filesCutAtAnyByteAreRefused() throws {
        for name in ["tree_binary", "v5_float", "linear"] {
            let bytes = try Fixtures.bytes("onnx/\(name).onnx")
            for count in 0..<bytes.count {
                // What follows the last tree is not always missed, but it is never read beyond its end.
                let error = error(Array(bytes[..<count]))
                #expect(error != nil || count > bytes.count - 64, "\(name) cut at \(count)")
            }
        }
    }

    /// A mutant that is read has to be a forest that packs; most are refused.
    @Test(arguments: ["rf_binary", "gb_classes", "iforest_one_tree", "v5_members", "scaled_logistic", "chain"])
    func mutantsAreReadOrRefused(name: String) throws {
        let bytes = try Fixtures.bytes("onnx/\(name).onnx")
        var random = SeededRandom(seed: 20_261_122)
        for round in 0..<200 {
            var mutant = bytes
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let place = Int.random(in: 0..<mutant.count, using: &random)
                switch round % 3 {
                case 0: mutant[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1:
                    for offset in place..<min(place + 4, mutant.count) { mutant[offset] = .random(in: 0...255, using: &random) }
                default: mutant.removeLast(min(mutant.count - 1, Int.random(in: 1...200, using: &random)))
                }
            }
            do throws(ImportError) {
                let model = try ModelFile.load(bytes: mutant)
                #expect(throws: Never.self, "round \(round)") { try PackedForest(model.ensemble) }
            } catch { #expect(!error.description.isEmpty) }
        }
    }
}
