import Forest
import ModelBundle
import Platform
import Testing

@testable import ModelImport

/// Where test data lies. Fixtures are committed beside the tests; the shared models are skipped when they are absent.
enum Fixtures {
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

    private static func directoryName(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    private static func environment(_ name: String) -> String? {
        guard let text = try? File.read("/proc/self/environ") else { return nil }
        let entries = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return entries.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }
}

/// How many elements agree with the reference in every bit.
struct Parity {
    let raw: Int
    let outputs: Int
    let rows: Int

    /// Makes a bundle of the model, admits it, and scores every row through it.
    init(model: ImportedModel, rows: Matrix<Float>, margin: Matrix<Float>, prediction: Matrix<Float>) throws {
        let bundle = try Bundle.admit(bytes: model.draft(name: "parity").serialized())
        #expect(rows.columns == bundle.featureCount)
        #expect(margin.columns == bundle.rawCount)
        #expect(prediction.columns == bundle.outputCount)
        var raw = [Float](repeating: 0, count: rows.rows * bundle.rawCount)
        var outputs = [Float](repeating: 0, count: rows.rows * bundle.outputCount)
        bundle.scoreBatch32(rows.elements, rowCount: rows.rows, raw: &raw, outputs: &outputs)
        self.rows = rows.rows
        self.raw = Self.equalRows(raw, margin)
        self.outputs = Self.equalRows(outputs, prediction)
    }

    private static func equalRows(_ values: [Float], _ expected: Matrix<Float>) -> Int {
        (0..<expected.rows).count { row in
            let range = (row * expected.columns)..<((row + 1) * expected.columns)
            return values[range].map(\.bitPattern) == expected.elements[range].map(\.bitPattern)
        }
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
