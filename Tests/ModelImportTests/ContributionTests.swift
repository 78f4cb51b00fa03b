import Forest
import Glibc
import Platform
import Testing

@testable import ModelImport

/// Contributions against those that the models' own libraries computed; those of the shared models are in `ModelTableTests`.
@Suite struct ContributionTests {
    /// A scikit-learn Isolation Forest; see Fixtures/make_contribution_fixtures.py.
    @Test func contributionsToAnIsolationForestAreThoseOfShap() throws {
        let ensemble = try ModelFile.load(Fixtures.path("isolation_shap.onnx")).ensemble
        let mean = try Fixtures.wide("isolation_shap.shap.npy")
        // We explain the sum of the path lengths.
        let trees = Double(ensemble.trees.count)
        let sum = Matrix(rows: mean.rows, columns: mean.columns, elements: mean.elements.map { $0 * trees })
        for kernel in ExplainerKernel.allCases where kernel.isAvailable {
            let agreement = try ContributionAgreement(ensemble, Fixtures.wide("isolation_shap.X.npy"), sum, kernel)
            #expect(agreement.rowCount == 24)
            #expect(agreement.elementwise < 1e-12)
            #expect(agreement.additivity < 1e-13)
        }
    }

    /// Reads an array of two or three dimensions as `[first, all others]`.
    static func flattened(_ path: String) throws -> Matrix<Double> {
        let bytes = try File.read(path)
        let end = try #require(bytes.firstIndex(of: UInt8(ascii: "\n")))
        let header = String(decoding: bytes[10..<end], as: UTF8.self)
        let shape = try #require(header.split(separator: "(").last?.split(separator: ")").first)
        let sizes = shape.split(separator: ",").compactMap { Int($0.filter { !$0.isWhitespace }) }
        guard sizes.count == 3 else { return try NPY.parse(bytes, as: Double.self) }
        var flat = "\(sizes[0]), \(sizes[1] * sizes[2])"
        flat += String(repeating: " ", count: shape.utf8.count - flat.utf8.count)
        let text = header.prefix(upTo: shape.startIndex) + flat + header.suffix(from: shape.endIndex)
        return try NPY.parse(bytes[..<10] + Array(text.utf8) + bytes[end...], as: Double.self)
    }
}

/// How far contributions agree with those of a library.
struct ContributionAgreement {
    private(set) var rowCount = 0
    private(set) var absolute = 0.0
    /// The largest difference relative to the largest contribution of the row to the same raw score, the base among them.
    private(set) var relative = 0.0
    /// The largest difference relative to the contribution itself, or to a hundredth of the row's largest if that is more.
    private(set) var elementwise = 0.0
    /// How far the contributions' sum is from our raw score, relative to the greater of the score and the row's largest contribution.
    private(set) var additivity = 0.0

    init(_ ensemble: TreeEnsemble, _ rows: Matrix<Double>, _ expected: Matrix<Double>, _ kernel: ExplainerKernel) throws {
        let width = ensemble.featureCount + 1
        let rawCount = ensemble.baseMargins.count
        try #require(expected.columns == rawCount * width && rows.columns == ensemble.featureCount)
        rowCount = expected.rows
        // All rows at once, and one by one.
        var batch = [Double](repeating: .nan, count: rowCount * rawCount * width)
        var single: [Double] = []
        var raw = [Double](repeating: .nan, count: rowCount * rawCount)
        var outputs = [Double](repeating: .nan, count: rowCount * rawCount)
        try PackedForest(ensemble).withView { view in
            let explainer = try Explainer(view, kernel: kernel)
            var scratch = ExplainerScratch(byteCount: explainer.scratchByteCount)
            explainer.contributions(rows.elements, rowCount: rowCount, into: &batch, scratch: &scratch)
            for row in 0..<rowCount {
                var found = [Double](repeating: .nan, count: rawCount * width)
                explainer.contributions(Array(rows.row(row)), rowCount: 1, into: &found, scratch: &scratch)
                single += found
            }
            view.score(rows.elements, rowCount: rowCount, raw: &raw, outputs: &outputs)
        }
        for index in raw.indices {
            let part = (index * width)..<((index + 1) * width)
            compare(batch[part], expected.elements[part], raw[index])
            compare(single[part], expected.elements[part], raw[index])
        }
    }

    private mutating func compare(_ found: ArraySlice<Double>, _ expected: ArraySlice<Double>, _ raw: Double) {
        let largest = expected.reduce(Double.leastNormalMagnitude) { max($0, $1.magnitude) }
        for (a, b) in zip(found, expected) {
            let difference = a.isFinite ? (a - b).magnitude : .infinity
            absolute = max(absolute, difference)
            relative = max(relative, difference / largest)
            elementwise = max(elementwise, difference / max(b.magnitude, largest / 100))
        }
        additivity = max(additivity, (found.reduce(0, +) - raw).magnitude / max(raw.magnitude, largest))
    }
}
