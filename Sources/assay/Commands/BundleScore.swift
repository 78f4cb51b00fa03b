import ArgumentParser
import Decision
import ModelBundle
import ModelImport
import Platform

/// `assay bundle score`.
struct BundleScore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Score a file of rows with a bundle, without a server.",
        discussion: "The same code that the server runs; the outputs are written as NPY, float32, [rows, outputs].")

    @Argument(help: .init("Bundle file.", valueName: "FILE"), completion: .file()) var file: String
    @Option(help: .init("Rows: .npy or .csv (empty field: missing).", valueName: "FILE"), completion: .file()) var rows: String
    @Option(name: .shortAndLong, help: .init("NPY file to write.", valueName: "FILE"), completion: .file()) var output: String
    @Flag(help: "Write the raw scores (margins) instead of the outputs.") var raw = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let bundle = try failing { try Bundle.admit(file: file) }
        let matrix = try RowSource.read(rows)
        try check(matrix, bundle)
        let result = OfflineScoring.score(matrix, bundle)
        try failing { try NPY.write(raw ? result.raw : result.outputs, to: output) }
        let written = raw ? result.raw : result.outputs
        if json {
            Output.json(
                JSON.object([
                    "file": .string(output), "bundle": .string(bundle.name), "digest": .string(bundle.digest.hex),
                    "rows": JSON(written.rows), "columns": JSON(written.columns), "raw": .bool(raw),
                    "outcomes": JSON.object(Outcome.allCases.map { ("\($0)", JSON(result.outcomes[$0] ?? 0)) }),
                ]))
        } else {
            let outcomes = Outcome.allCases.map { "\($0) \(result.outcomes[$0] ?? 0)" }.joined(separator: ", ")
            Output.line("\(output): \(written.rows) rows x \(written.columns) by \(bundle.name); \(outcomes)")
        }
    }

    /// The server's rules: every row or none.
    private func check(_ matrix: Matrix<Float>, _ bundle: Bundle) throws {
        guard matrix.columns == bundle.featureCount else {
            throw CommandFailure(
                .refused, "\(rows) has \(matrix.columns) columns; \(bundle.name) takes \(bundle.featureCount) features")
        }
        try unsafe matrix.elements.withUnsafeBufferPointer { elements in
            for row in 0..<matrix.rows {
                guard let base = elements.baseAddress else { return }
                do {
                    // Safety: row `row` of a matrix of `featureCount` columns, checked above.
                    try unsafe FeatureValidation.check(base + row * matrix.columns, schema: bundle.schema)
                } catch {
                    throw CommandFailure(.refused, "\(rows) row \(row): \(error)")
                }
            }
        }
    }
}

/// Scores of a whole matrix.
enum OfflineScoring {
    struct Result {
        let raw: Matrix<Float>
        let outputs: Matrix<Float>
        let outcomes: [Outcome: Int]
    }

    /// - Precondition: `matrix` has the bundle's columns, and its rows are valid.
    static func score(_ matrix: Matrix<Float>, _ bundle: Bundle) -> Result {
        precondition(matrix.columns == bundle.featureCount, "\(matrix.columns) columns for \(bundle.featureCount) features")
        var raw = [Float](repeating: 0, count: matrix.rows * bundle.rawCount)
        var outputs = [Float](repeating: 0, count: matrix.rows * bundle.outputCount)
        unsafe matrix.elements.withUnsafeBufferPointer { rows in
            unsafe raw.withUnsafeMutableBufferPointer { raw in
                unsafe outputs.withUnsafeMutableBufferPointer { outputs in
                    guard let rows = rows.baseAddress, let raw = raw.baseAddress, let outputs = outputs.baseAddress else {
                        return
                    }
                    // Safety: the three arrays have the sizes that `scoreBatch32` demands, see above.
                    unsafe bundle.scoreBatch32(rows, rowCount: matrix.rows, raw: raw, outputs: outputs)
                }
            }
        }
        let deciding = bundle.policy.decidingOutput
        let scores = stride(from: deciding, to: outputs.count, by: bundle.outputCount).map { Double(outputs[$0]) }
        let outcomes = scores.reduce(into: [Outcome: Int]()) { $0[bundle.policy.outcome(score: $1), default: 0] += 1 }
        return Result(
            raw: Matrix(rows: matrix.rows, columns: bundle.rawCount, elements: raw),
            outputs: Matrix(rows: matrix.rows, columns: bundle.outputCount, elements: outputs), outcomes: outcomes)
    }
}
