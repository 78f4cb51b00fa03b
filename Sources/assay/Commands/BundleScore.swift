import ArgumentParser
import Decision
import ModelBundle
import ModelImport
import Platform

/// `assay bundle score`.
struct BundleScore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Score a file of rows with a bundle, without a server.",
        discussion: """
            The same code that the server runs; the outputs are written as NPY, [rows, outputs], in the precision that the bundle computes \
            in.
            """)

    @Argument(help: .init("Bundle file.", valueName: "FILE"), completion: .file()) var file: String
    @Option(help: .init("Rows: .npy or .csv (empty field: missing).", valueName: "FILE"), completion: .file()) var rows: String
    @Option(name: .shortAndLong, help: .init("NPY file to write.", valueName: "FILE"), completion: .file()) var output: String?
    @Flag(help: "Write the raw scores (margins) instead of the outputs.") var raw = false
    @Option(
        help: .init("NPY file for contributions: [rows, features + 1], the base last.", valueName: "FILE"), completion: .file())
    var contributions: String?
    @Option(
        help: .init("NPY file for leaf indices, as the framework counts them: [rows, trees].", valueName: "FILE"),
        completion: .file())
    var leaves: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard output != nil || contributions != nil || leaves != nil else {
            throw ValidationError("nothing to write: give '--output', '--contributions' or '--leaves'")
        }
    }

    func run() throws {
        let bundle = try failing { try Bundle.admit(file: file) }
        let matrix = try RowSource.read(rows, precision: bundle.precision)
        try check(matrix, bundle)
        let scores = bundle.score(rows: matrix.elements)
        if let output { try writeScores(scores, matrix.rows, bundle, to: output) }
        if let contributions { try writeContributions(matrix, bundle, to: contributions) }
        if let leaves { try writeLeaves(matrix, bundle, to: leaves) }
        try report(scores.outputs, matrix.rows, bundle)
    }

    /// In the precision that the bundle computes in.
    private func writeScores(_ scores: (raw: [Double], outputs: [Double]), _ rowCount: Int, _ bundle: Bundle, to path: String)
        throws
    {
        let values = raw ? scores.raw : scores.outputs
        let columns = raw ? bundle.rawCount : bundle.outputCount
        try failing {
            switch bundle.sumPrecision {
            case .float32: try NPY.write(Matrix(rows: rowCount, columns: columns, elements: values.map(Float.init)), to: path)
            case .float64: try NPY.write(Matrix(rows: rowCount, columns: columns, elements: values), to: path)
            }
        }
    }

    /// Of models with several raw scores one after another: [rows, raw scores x (features + 1)].
    private func writeContributions(_ matrix: Matrix<Double>, _ bundle: Bundle, to path: String) throws {
        guard bundle.explains else {
            throw CommandFailure(
                .refused, "\(bundle.name) has no contributions: it does not know how much data reached each node")
        }
        let columns = bundle.rawCount * (bundle.featureCount + 1)
        let values = bundle.contributions(rows: matrix.elements)
        try failing { try NPY.write(Matrix(rows: matrix.rows, columns: columns, elements: values), to: path) }
    }

    private func writeLeaves(_ matrix: Matrix<Double>, _ bundle: Bundle, to path: String) throws {
        let values = bundle.leaves(rows: matrix.elements).map { Int32(truncatingIfNeeded: $0) }
        try failing { try NPY.write(Matrix(rows: matrix.rows, columns: bundle.treeCount, elements: values), to: path) }
    }

    private func report(_ outputs: [Double], _ rowCount: Int, _ bundle: Bundle) throws {
        let deciding = stride(from: bundle.policy.decidingOutput, to: outputs.count, by: bundle.outputCount).map { outputs[$0] }
        let counts = deciding.reduce(into: [Outcome: Int]()) { $0[bundle.policy.outcome(score: $1), default: 0] += 1 }
        let columns = raw ? bundle.rawCount : bundle.outputCount
        if json {
            Output.json(
                JSON.object([
                    "file": output.map { .string($0) } ?? .null, "bundle": .string(bundle.name),
                    "digest": .string(bundle.digest.hex), "rows": JSON(rowCount), "columns": JSON(columns), "raw": .bool(raw),
                    "contributions": contributions.map { .string($0) } ?? .null, "leaves": leaves.map { .string($0) } ?? .null,
                    "outcomes": JSON.object(Outcome.allCases.map { ("\($0)", JSON(counts[$0] ?? 0)) }),
                ]))
        } else {
            let outcomes = Outcome.allCases.map { "\($0) \(counts[$0] ?? 0)" }.joined(separator: ", ")
            let written = [output, contributions, leaves].compactMap { $0 }.joined(separator: ", ")
            Output.line("\(written): \(rowCount) rows x \(columns) by \(bundle.name); \(outcomes)")
        }
    }

    /// The server's rules: every row or none.
    private func check(_ matrix: Matrix<Double>, _ bundle: Bundle) throws {
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
