import Forest
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

    /// Directories with contributions, each for every model file in it.
    static let contributionModelCount = 27

    @Test(.enabled(if: Fixtures.sharedModels != nil, "no ../shared/data/models here: its models are not compared"))
    func everySharedModelScoresAsItsLibraryDoes() throws {
        let root = try #require(Fixtures.sharedModels)
        var lines = [Line.title]
        var explained: Set<String> = []
        for directory in try File.list(root).sorted() {
            for file in try File.list(root + "/" + directory).sorted() where file.hasPrefix("model") {
                let path = directory + "/" + file
                guard let bytes = try Fixtures.unpacked(root + "/" + path) else {
                    lines.append(Line(model: path, note: "no zstd command here to unpack it"))
                    continue
                }
                // One that fails does not hide the others.
                do {
                    let line = try check(path, bytes, in: root + "/" + directory + "/")
                    if line.contributions != nil { explained.insert(directory) }
                    lines.append(line)
                } catch {
                    Issue.record("\(path): \(error)")
                }
            }
        }
        print(Line.table(lines))
        // What the testing library prints must not fall into a line of the table.
        fflush(nil)
        #expect(lines.count > 40)
        #expect(explained.count == Self.contributionModelCount)
    }

    private func check(_ path: String, _ bytes: [UInt8], in directory: String) throws -> Line {
        let model: ImportedModel
        do { model = try ModelFile.load(bytes: bytes) } catch {
            #expect(error.description.contains(Self.refusals[path] ?? "nothing refuses this one"), "\(path): \(error)")
            return Line(model: path, note: "refused: \(error)")
        }
        #expect(Self.refusals[path] == nil, "\(path) was to be refused")
        let isONNX = path.hasSuffix(".onnx")
        guard !isONNX, File.exists(directory + "margin.npy") else { return try compareOutputs(path, model, in: directory) }
        let parity = try Parity(
            model: model, rows: Self.matrix(directory + "X.npy"), margin: Self.matrix(directory + "margin.npy"),
            prediction: Self.matrix(directory + "pred.npy"), leaves: Self.leaves(directory + "leaf256.npy"))
        #expect(parity.raw == parity.rows, "\(path)")
        #expect(parity.outputUlps <= 1, "\(path)")
        #expect(parity.leaves == nil || parity.leaves == min(256, parity.rows), "\(path)")
        #expect(parity.referenceMismatches == 0, "\(path)")
        return Line(
            model: path, rows: "\(parity.rows)", raw: "\(parity.raw)", outputs: "\(parity.outputs)",
            error: "\(parity.outputUlps)",
            leaves: parity.leaves.map { "\($0) of \(min(256, parity.rows))" },
            contributions: try contributions(path, model, in: directory))
    }

    /// The largest difference from the library's contributions, relative to each row's largest, of all kernels; nil without any.
    private func contributions(_ path: String, _ model: ImportedModel, in directory: String) throws -> String? {
        guard File.exists(directory + "shap64.npy") else { return nil }
        let rows = try Self.matrix(directory + "X.npy")
        let expected = try ContributionTests.flattened(directory + "shap64.npy")
        var largest = 0.0
        for kernel in ExplainerKernel.allCases where kernel.isAvailable {
            let agreement = try ContributionAgreement(model.ensemble, rows, expected, kernel)
            #expect(agreement.rowCount == min(64, rows.rows), "\(path) \(kernel)")
            #expect(agreement.relative < 1e-4, "\(path) \(kernel)")
            #expect(agreement.elementwise < 1e-4, "\(path) \(kernel)")
            #expect(agreement.additivity < 1e-5, "\(path) \(kernel)")
            largest = max(largest, agreement.relative)
        }
        return "\(min(64, rows.rows)) rows, \(Line.short(largest))"
    }

    /// For models whose directory has outputs but no raw scores: ONNX ones, and the files that some were converted from.
    private func compareOutputs(_ path: String, _ model: ImportedModel, in directory: String) throws -> Line {
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
        return Line(model: path, rows: "\(rows.rows)", outputs: "\(equal)", error: "relative \(Line.short(difference))")
    }

    private static func matrix(_ path: String) throws -> Matrix<Double> { try NPY.read(path, as: Double.self) }

    private static func leaves(_ path: String) throws -> Matrix<Int64>? {
        File.exists(path) ? try NPY.read(path, as: Int64.self) : nil
    }
}

extension ModelTableTests {
    /// One model of the table.
    struct Line {
        var model: String
        var rows = "-"
        var raw = "-"
        var outputs = "-"
        var error = "-"
        var leaves: String?
        var contributions: String?
        /// Instead of figures.
        var note: String?

        static let title = Line(
            model: "model", rows: "rows", raw: "raw bit-equal", outputs: "outputs bit-equal", error: "max ulp",
            leaves: "leaves equal",
            contributions: "contributions, largest difference")

        private var cells: [String] {
            note.map { [model, $0] } ?? [model, rows, raw, outputs, error, leaves ?? "-", contributions ?? "-"]
        }

        /// `table` at each line's start is what script/test looks for.
        static func table(_ lines: [Line]) -> String {
            var widths: [Int] = []
            for line in lines where line.note == nil {
                for (index, cell) in line.cells.enumerated() {
                    if index == widths.count { widths.append(0) }
                    widths[index] = max(widths[index], cell.count)
                }
            }
            return lines.map { line in
                let cells = zip(line.cells, widths).map { $0 + String(repeating: " ", count: max($1 - $0.count, 0)) }
                return (["table"] + cells).joined(separator: " | ")
            }.joined(separator: "\n")
        }

        /// Two digits.
        static func short(_ value: Double) -> String {
            guard value > 0, value.isFinite else { return "\(value)" }
            let exponent = Int(log10(value).rounded(.down))
            return "\((value / pow(10, Double(exponent)) * 10).rounded() / 10)e\(exponent)"
        }
    }
}
