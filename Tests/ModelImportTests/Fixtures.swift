import Glibc
import Forest
import ModelBundle
import Platform
import Testing

@testable import ModelImport

/// Where test data lies. Fixtures are committed beside the tests; the shared models are skipped when they are absent.
enum Fixtures {
    /// A file's bytes, unpacked where they are packed; nil where there is no command for that.
    static func unpacked(_ path: String) throws -> [UInt8]? {
        guard path.hasSuffix(".zst") else { return try File.read(path) }
        guard system("command -v zstd >/dev/null 2>&1") == 0, let pipe = popen("zstd -dc '\(path)'", "r") else { return nil }
        defer { pclose(pipe) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 { bytes += chunk[..<count] }
        return bytes
    }

    static let directory = directoryName(#filePath) + "/Fixtures"

    /// `ASSAY_SHARED`, or `shared` beside the package; nil with neither.
    static let sharedModels: String? = {
        let package = directoryName(directoryName(directoryName(#filePath)))
        let candidates = [environment("ASSAY_SHARED"), directoryName(package) + "/shared"].compactMap(\.self)
        return candidates.map { $0 + "/data/models" }.first(where: File.isDirectory)
    }()

    static func path(_ name: String) -> String { directory + "/" + name }
    static func bytes(_ name: String) throws -> [UInt8] { try File.read(path(name)) }
    static func matrix(_ name: String) throws -> Matrix<Float> { try NPY.read(path(name), as: Float.self) }
    static func wide(_ name: String) throws -> Matrix<Double> { try NPY.read(path(name), as: Double.self) }
    static func leaves(_ name: String) throws -> Matrix<Int64>? {
        File.exists(path(name)) ? try NPY.read(path(name), as: Int64.self) : nil
    }

    private static func directoryName(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    private static func environment(_ name: String) -> String? {
        guard let text = try? File.read("/proc/self/environ") else { return nil }
        let entries = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return entries.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }
}

/// How far a model's scores agree with those of the library it comes from.
struct Parity {
    let rows: Int
    /// Rows whose raw scores, and whose outputs, are those of the library in every bit.
    private(set) var raw = 0
    private(set) var outputs = 0
    /// The greatest distance of an output from the library's, in units of the last place of the model's own precision.
    private(set) var outputUlps: UInt64 = 0
    /// Rows with the library's leaf in every tree, of those that there are leaves for.
    private(set) var leaves: Int?
    /// Rows, of the first 200, whose raw scores, outputs or leaves differ from those of `ReferenceForest` in a bit.
    private(set) var referenceMismatches = 0

    private static let referenceRowCountMax = 200

    /// Makes a bundle of the model, admits it, and scores every row through it.
    ///
    /// - Parameters:
    ///   - margin: `[rows, rawCount]`.
    ///   - prediction: `[rows, outputCount]`.
    ///   - leaves: `[at most rows, treeCount]`.
    init(
        model: ImportedModel, rows: Matrix<Double>, margin: Matrix<Double>, prediction: Matrix<Double>,
        leaves expected: Matrix<Int64>? = nil
    ) throws {
        let bundle = try Bundle.admit(bytes: model.draft(name: "parity").serialized())
        try #require(rows.columns == bundle.featureCount)
        try #require(margin.rows == rows.rows && margin.columns == bundle.rawCount)
        try #require(prediction.rows == rows.rows && prediction.columns == bundle.outputCount)
        self.rows = rows.rows
        let scores = bundle.score(rows: rows.elements)
        let found = try Self.leaves(model, rows)
        let forest = ReferenceForest(ensemble: model.ensemble, linear: model.linear)
        for row in 0..<rows.rows {
            let raw = scores.raw[(row * bundle.rawCount)..<((row + 1) * bundle.rawCount)]
            let outputs = scores.outputs[(row * bundle.outputCount)..<((row + 1) * bundle.outputCount)]
            if Self.equal(raw, margin.row(row)) { self.raw += 1 }
            if Self.equal(outputs, prediction.row(row)) { self.outputs += 1 }
            for (output, expected) in zip(outputs, prediction.row(row)) {
                outputUlps = max(outputUlps, Self.ulps(output, expected, model.ensemble.sumPrecision))
            }
            guard row < Self.referenceRowCountMax else { continue }
            let own = forest.score(rows.row(row))
            let isEqual = Self.equal(raw, own.raw[...]) && Self.equal(outputs, own.outputs[...])
            if !isEqual || !found.row(row).elementsEqual(own.leaves) { referenceMismatches += 1 }
        }
        if let expected {
            try #require(expected.columns == found.columns)
            leaves = (0..<expected.rows).count { expected.row($0).elementsEqual(found.row($0).lazy.map(Int64.init)) }
        }
    }

    private static func leaves(_ model: ImportedModel, _ rows: Matrix<Double>) throws -> Matrix<UInt32> {
        let treeCount = model.ensemble.trees.count
        var leaves = [UInt32](repeating: 0, count: max(rows.rows * treeCount, 1))
        try PackedForest(model.ensemble).withView { view in
            rows.elements.withUnsafeBufferPointer { rows in
                leaves.withUnsafeMutableBufferPointer {
                    view.leaves(rows.baseAddress!, rowCount: rows.count / view.shape.featureCount, into: $0.baseAddress!)
                }
            }
        }
        return Matrix(rows: rows.rows, columns: treeCount, elements: Array(leaves[..<(rows.rows * treeCount)]))
    }

    private static func equal(_ values: ArraySlice<Double>, _ expected: ArraySlice<Double>) -> Bool {
        values.elementsEqual(expected) { $0.bitPattern == $1.bitPattern }
    }

    private static func ulps(_ a: Double, _ b: Double, _ precision: Precision) -> UInt64 {
        if a == b || a.isNaN && b.isNaN { return 0 }
        guard a.isFinite, b.isFinite, (a < 0) == (b < 0) else { return .max }
        if precision == .float64 { return UInt64(abs(Int64(a.bitPattern) - Int64(b.bitPattern)).magnitude) }
        return UInt64(abs(Int64(Float(a).bitPattern) - Int64(Float(b).bitPattern)))
    }
}

/// SplitMix64: the same numbers from the same seed on every machine.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
