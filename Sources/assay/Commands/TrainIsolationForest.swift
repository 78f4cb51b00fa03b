import ArgumentParser
import Learning
import ModelBundle
import ModelImport
import Platform

/// `assay train isolation-forest`.
struct TrainIsolationForest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isolation-forest", abstract: "Learn which rows are rare: an isolation forest, which needs no labels.",
        discussion: """
            The score is above 0 and at most 1, higher is more abnormal; scikit-learn's score_samples is its negative. What lies \
            above 0.5, or what --contamination says, is reviewed; nothing is declined unless the schema file says so. The same \
            rows, options and seed give the same bundle on every machine. Rows must be complete: missing values are refused.
            """)

    @Option(help: .init("Rows to learn from: .npy or .csv.", valueName: "FILE"), completion: .file()) var rows: String
    @Option(help: .init("The bundle's name: 1-64 of a-z, 0-9, _ and -.", valueName: "NAME")) var name: String
    @Option(name: .shortAndLong, help: .init("Bundle file to write.", valueName: "FILE"), completion: .file()) var output: String
    @Option(help: .init("Number of trees, 1 to 10000.", valueName: "COUNT")) var trees = 100
    @Option(help: .init("Rows that each tree is grown of, 2 to 65536.", valueName: "COUNT")) var samples = 256
    @Option(help: .init("What the random numbers start from.", valueName: "NUMBER")) var seed: UInt64 = 1
    @Option(
        help: .init(
            "Part of the rows that counts as abnormal and is reviewed, above 0 and at most 0.5; auto: what scores above 0.5.",
            valueName: "PART|auto"))
    var contamination = Contamination(.auto)
    @Option(help: .init("Features that each tree may split by, drawn anew for each (all).", valueName: "COUNT")) var features:
        Int?
    @Option(help: .init("JSON: features, thresholds, provenance (docs/BUNDLE.md).", valueName: "FILE"), completion: .file())
    var schema: String?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let matrix = try RowSource.read(rows, precision: .float32)
        let schemaFile = try failing { try schema.map { try SchemaFile.read($0) } ?? SchemaFile() }
        let values = matrix.elements.map { Float($0) }
        let (forest, draft) = try learnt(values, featureCount: matrix.columns, schemaFile)
        // Admitted once more from its bytes: what is written is what a server takes.
        let bytes = try failing { try draft.serialized() }
        let bundle = try failing { try Bundle.admit(bytes: bytes) }
        try failing { try File.writeAtomically(bytes, to: output) }
        let outcomes = bundle.score(rows: matrix.elements).outputs.count { bundle.policy.outcome(score: $0) != .approve }
        report(bundle, forest, rowCount: matrix.rows, flaggedCount: outcomes)
    }

    private func learnt(
        _ rows: [Float], featureCount: Int, _ schemaFile: SchemaFile
    ) throws -> (IsolationForest, BundleDraft) {
        var parameters = IsolationForest.Parameters()
        parameters.treeCount = trees
        parameters.sampleCount = samples
        parameters.seed = seed
        parameters.contamination = contamination.value
        parameters.featuresPerTree = features
        do throws(LearningError) {
            let forest = try IsolationForest(training: rows, featureCount: featureCount, parameters: parameters)
            return (forest, try forest.draft(name: name, rows: rows, schemaFile: schemaFile))
        } catch {
            throw CommandFailure(.refused, "nothing is learnt from \(self.rows): \(error)")
        }
    }

    private func report(_ bundle: Bundle, _ forest: IsolationForest, rowCount: Int, flaggedCount: Int) {
        if json {
            Output.json(
                JSON.object([
                    "file": .string(output), "name": .string(bundle.name), "digest": .string(bundle.digest.hex),
                    "bytes": JSON(bundle.byteCount), "objective": .string(bundle.objective),
                    "features": JSON(bundle.featureCount),
                    "trees": JSON(bundle.treeCount), "samples": JSON(forest.sampleCount), "rows": JSON(rowCount),
                    "threshold": JSON(forest.threshold), "flagged_rows": JSON(flaggedCount),
                    "golden_rows": JSON(bundle.goldenRowCount),
                ]))
        } else {
            Output.line(
                "\(output): \(bundle.name) \(bundle.digest.hex), \(bundle.treeCount) trees of \(forest.sampleCount) rows each, "
                    + "\(bundle.byteCount) bytes; \(flaggedCount) of \(rowCount) rows are not approved")
        }
    }

    /// `auto`, or a number.
    struct Contamination: ExpressibleByArgument {
        let value: IsolationForest.Contamination

        init(_ value: IsolationForest.Contamination) { self.value = value }

        init?(argument: String) {
            if argument == "auto" {
                value = .auto
            } else if let fraction = Double(argument) {
                value = .fraction(fraction)
            } else {
                return nil
            }
        }

        var defaultValueDescription: String { "auto" }
    }
}
