import Forest
import ModelBundle
import ModelImport

/// A file, the rows that vouch for what it scores, and what becomes of its mutants.
public struct MutantTrial {
    public enum Outcome: String, CaseIterable, Sendable {
        /// The importer, or for bundles the admission, found it damaged.
        case refused
        /// It was read, and is no bundle that is admitted, golden rows apart.
        case unbundled
        /// It scores golden rows otherwise than they say, or cannot take them.
        case golden
        /// It scores them as the file itself does.
        case admitted
        /// It was admitted and scores them otherwise.
        case changed
    }

    public enum Kind: String, CaseIterable, Sendable {
        case xgboostJSON = "XGBoost JSON"
        case xgboostUBJSON = "XGBoost UBJSON"
        case lightGBM = "LightGBM text"
        case onnx = "ONNX"
        case bundle = "bundle"

        public var isText: Bool { self == .xgboostJSON || self == .lightGBM }
    }

    private let bytes: [UInt8]
    private let kind: Kind
    private let golden: GoldenRows
    private static let goldenRowCount = 64

    /// - Parameter file: A model file, for `.bundle` of any format: a bundle is made of it.
    public init(_ file: [UInt8], kind: Kind) throws {
        self.kind = kind
        let model = try ModelFile.load(bytes: file)
        let bundle = try Bundle.admit(bytes: model.draft(name: "original").serialized())
        let rows = ProbeRows.rows(for: bundle.forest, precision: bundle.precision, count: Self.goldenRowCount, seed: 7)
        let scores = bundle.score(rows: rows)
        golden = GoldenRows(rowCount: Self.goldenRowCount, features: rows, raw: scores.raw, outputs: scores.outputs)
        bytes = kind == .bundle ? try model.draft(name: "original", golden: golden).serialized() : file
    }

    /// The mutant of that number; a bundle's length and digest are made right again.
    public func mutant(_ number: Int, seed: UInt64) -> [UInt8] {
        var mutator = Mutator(seed: seed &* 1_000_003 &+ UInt64(number))
        let mutant = mutator.mutant(of: bytes, isText: kind.isText)
        return kind == .bundle ? BundleSeal.sealed(mutant) : mutant
    }

    public func outcome(of mutant: [UInt8]) -> Outcome {
        kind == .bundle ? outcome(ofBundle: mutant) : outcome(ofModel: mutant)
    }

    private func outcome(ofModel mutant: [UInt8]) -> Outcome {
        guard let model = try? ModelFile.load(bytes: mutant) else { return .refused }
        guard let unproven = try? model.draft(name: "mutant").serialized(), (try? Bundle.admit(bytes: unproven)) != nil else {
            return .unbundled
        }
        guard let file = try? model.draft(name: "mutant", golden: golden).serialized(),
            let bundle = try? Bundle.admit(bytes: file)
        else { return .golden }
        return scoresGoldenRows(bundle) ? .admitted : .changed
    }

    private func outcome(ofBundle mutant: [UInt8]) -> Outcome {
        do {
            return scoresGoldenRows(try Bundle.admit(bytes: mutant)) ? .admitted : .changed
        } catch {
            switch error {
            case .goldenMismatch, .goldenRowInfinite: return .golden
            default: return .refused
            }
        }
    }

    /// The rows of the file itself, whatever the mutant holds.
    private func scoresGoldenRows(_ bundle: Bundle) -> Bool {
        guard bundle.featureCount * golden.rowCount == golden.features.count else { return false }
        let scores = bundle.score(rows: golden.features)
        return scores.raw.map(\.bitPattern) == golden.raw?.map(\.bitPattern)
            && scores.outputs.map(\.bitPattern) == golden.outputs.map(\.bitPattern)
    }
}
