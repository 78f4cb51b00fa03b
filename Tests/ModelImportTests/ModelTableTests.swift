import Glibc
import ModelBundle
import Platform
import Testing

@testable import ModelImport

/// Every model of the shared data, whoever made it: imported and scored as its library does, or refused by name.
@Suite struct ModelTableTests {
    /// The model files that are refused, each with what its refusal must say.
    static let refusals = [
        "lgb_linear_tree/model.txt": "linear_tree",
        "treelite_mushroom/model.deprecated_binary.model": "XGBoost's old binary format",
    ]

    @Test(.enabled(if: Fixtures.sharedModels != nil, "no ../shared/data/models here: its models are not compared"))
    func everySharedModelScoresAsItsLibraryDoes() throws {
        let root = try #require(Fixtures.sharedModels)
        print("model | rows | raw bit-equal | outputs bit-equal | max ulp | leaves equal")
        var modelCount = 0
        for directory in try File.list(root).sorted() {
            for file in try File.list(root + "/" + directory).sorted() where file.hasPrefix("model") {
                let path = directory + "/" + file
                guard let bytes = try Fixtures.unpacked(root + "/" + path) else {
                    print("\(path) | no zstd command here to unpack it")
                    continue
                }
                modelCount += 1
                // One that fails does not hide the others.
                do { try check(path, bytes, in: root + "/" + directory + "/") } catch { Issue.record("\(path): \(error)") }
            }
        }
        #expect(modelCount >= 40)
    }

    private func check(_ path: String, _ bytes: [UInt8], in directory: String) throws {
        let model: ImportedModel
        do { model = try ModelFile.load(bytes: bytes) } catch {
            print("\(path) | refused: \(error)")
            #expect(error.description.contains(Self.refusals[path] ?? "nothing refuses this one"), "\(path): \(error)")
            return
        }
        #expect(Self.refusals[path] == nil, "\(path) was to be refused")
        let isONNX = path.hasSuffix(".onnx")
        guard !isONNX, File.exists(directory + "margin.npy") else {
            print("\(path) | \(try compareOutputs(model, in: directory))")
            return
        }
        let parity = try Parity(
            model: model, rows: Self.matrix(directory + "X.npy"), margin: Self.matrix(directory + "margin.npy"),
            prediction: Self.matrix(directory + "pred.npy"), leaves: Self.leaves(directory + "leaf256.npy"))
        let leaves = parity.leaves.map { "\($0) of \(min(256, parity.rows))" } ?? "-"
        print("\(path) | \(parity.rows) | \(parity.raw) | \(parity.outputs) | \(parity.outputUlps) | \(leaves)")
        #expect(parity.raw == parity.rows, "\(path)")
        #expect(parity.outputUlps <= 1, "\(path)")
        #expect(parity.leaves == nil || parity.leaves == min(256, parity.rows), "\(path)")
        #expect(parity.referenceMismatches == 0, "\(path)")
    }

    /// For models whose directory has outputs but no raw scores: ONNX ones, and the files that some were converted from.
    private func compareOutputs(_ model: ImportedModel, in directory: String) throws -> String {
        let rows = try Self.matrix(directory + "X.npy")
        let bundle = try Bundle.admit(bytes: model.draft(name: "table").serialized())
        let outputs = bundle.score(rows: rows.elements).outputs
        let isONNX = model.format.contains("ONNX")
        let names = isONNX ? ["out1.npy", "out0.npy"] : ["lgb_pred.npy"]
        let file = try #require(names.first { File.exists(directory + $0) })
        let expected = try Self.matrix(directory + file)
        // The library gives a probability for each of two classes where one output says it all.
        let isPair = bundle.outputCount == 1 && expected.columns == 2
        try #require(expected.rows == rows.rows && (isPair || expected.columns == bundle.outputCount))
        var difference = 0.0
        var equal = 0
        for row in 0..<rows.rows {
            let own = outputs[(row * bundle.outputCount)..<((row + 1) * bundle.outputCount)]
            let theirs = isPair ? expected.row(row).suffix(1) : expected.row(row)
            if own.elementsEqual(theirs) { equal += 1 }
            for (own, theirs) in zip(own, theirs) { difference = max(difference, abs(own - theirs) / max(1, abs(theirs))) }
        }
        #expect(difference <= 1e-6, "\(directory)\(file)")
        return "\(rows.rows) | - | \(equal) | relative \(difference) | -"
    }

    private static func matrix(_ path: String) throws -> Matrix<Double> { try NPY.read(path, as: Double.self) }

    private static func leaves(_ path: String) throws -> Matrix<Int64>? {
        File.exists(path) ? try NPY.read(path, as: Int64.self) : nil
    }
}
