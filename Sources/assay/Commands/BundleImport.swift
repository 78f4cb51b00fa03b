import ArgumentParser
import Forest
import ModelBundle
import ModelImport
import Platform

/// `assay bundle import`.
struct BundleImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a bundle of a trained model.",
        discussion: """
            Reads XGBoost's JSON and UBJSON, LightGBM's text, and ONNX. With golden rows the bundle is proven: it must give exactly what its \
            framework gave, bit for bit or within the tolerance given, or no file is written.
            """)

    @Argument(help: .init("Model file.", valueName: "MODEL"), completion: .file()) var model: String
    @Option(help: .init("The bundle's name: 1-64 of a-z, 0-9, _ and -.", valueName: "NAME")) var name: String
    @Option(name: .shortAndLong, help: .init("Bundle file to write.", valueName: "FILE"), completion: .file()) var output: String
    @Option(help: .init("JSON: features, thresholds, provenance (docs/BUNDLE.md).", valueName: "FILE"), completion: .file())
    var schema: String?
    @Option(help: .init("Rows to prove the bundle with: .npy or .csv.", valueName: "FILE"), completion: .file()) var goldenRows:
        String?
    @Option(help: .init("What the framework predicts for them: .npy or .csv.", valueName: "FILE"), completion: .file())
    var goldenExpected: String?
    @Option(help: .init("Its raw scores (margins) for them, too.", valueName: "FILE"), completion: .file()) var goldenRaw: String?
    @Option(
        help: .init(
            "How far outputs may be from the expected ones, relative to max(1, |expected|); 0: the same bits.",
            valueName: "TOLERANCE"))
    var goldenTolerance = 0.0
    @Option(help: .init("The same for raw scores.", valueName: "TOLERANCE")) var goldenRawTolerance = 0.0
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (goldenRows == nil) == (goldenExpected == nil) else {
            throw ValidationError("'--golden-rows' and '--golden-expected' belong together")
        }
        guard goldenRaw == nil || goldenRows != nil else {
            throw ValidationError("'--golden-raw' needs '--golden-rows' and '--golden-expected'")
        }
    }

    func run() throws {
        let imported = try failing { try ModelFile.load(model) }
        let schemaFile = try failing { try schema.map { try SchemaFile.read($0) } ?? SchemaFile() }
        let draft = try failing { try imported.draft(name: name, schemaFile: schemaFile, golden: golden(imported)) }
        // Admitted once more from its bytes: what is written is what a server takes.
        let bytes = try failing { try draft.serialized() }
        let bundle = try failing { try Bundle.admit(bytes: bytes) }
        try failing { try File.writeAtomically(bytes, to: output) }
        if json {
            Output.json(
                JSON.object([
                    "file": .string(output), "name": .string(bundle.name), "digest": .string(bundle.digest.hex),
                    "bytes": JSON(bundle.byteCount), "format": .string(imported.format), "objective": .string(bundle.objective),
                    "features": JSON(bundle.featureCount), "outputs": JSON(bundle.outputCount), "trees": JSON(bundle.treeCount),
                    "golden_rows": JSON(bundle.goldenRowCount), "unproven": .bool(bundle.isUnproven),
                ]))
        } else {
            let proof = bundle.proof
            Output.line(
                "\(output): \(bundle.name) \(bundle.digest.hex), \(bundle.treeCount) trees, \(bundle.byteCount) bytes; \(proof)")
        }
    }

    private func golden(_ model: ImportedModel) throws -> GoldenRows {
        guard let goldenRows, let goldenExpected else { return .none }
        let rows = try matrix(goldenRows, model.precision, columnCount: model.ensemble.featureCount, rowCount: nil, "features")
        let sumPrecision = model.ensemble.sumPrecision
        let outputs = try matrix(goldenExpected, sumPrecision, columnCount: model.outputCount, rowCount: rows.rows, "outputs")
        let raw = try goldenRaw.map {
            try matrix($0, sumPrecision, columnCount: model.ensemble.baseMargins.count, rowCount: rows.rows, "raw scores")
        }
        return GoldenRows(
            rowCount: rows.rows, features: rows.elements, raw: raw?.elements, outputs: outputs.elements,
            tolerance: GoldenTolerance(raw: goldenRawTolerance, outputs: goldenTolerance))
    }

    private func matrix(
        _ path: String, _ precision: Precision, columnCount: Int, rowCount: Int?, _ what: String
    ) throws -> Matrix<Double> {
        let matrix = try RowSource.read(path, precision: precision)
        guard matrix.columns == columnCount else {
            throw CommandFailure(.refused, "\(path) has \(matrix.columns) columns; the model has \(columnCount) \(what)")
        }
        guard rowCount == nil || matrix.rows == rowCount else {
            throw CommandFailure(.refused, "\(path) has \(matrix.rows) rows, the golden rows are \(rowCount ?? 0)")
        }
        return matrix
    }
}

/// Reads files of rows, and says which file it was when that fails.
enum RowSource {
    static func read(_ path: String, precision: Precision) throws -> Matrix<Double> {
        do { return try RowFile.read(path, precision: precision) } catch {
            if case .system = error { throw CommandFailure(.unavailable, error.description) }
            throw CommandFailure(.refused, "\(path): \(error)")
        }
    }
}
