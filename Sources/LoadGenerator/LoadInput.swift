import Forest
import ModelBundle
import ModelImport
import Platform
import Wire

/// What is scored.
enum LoadInput: Sendable {
    /// [rows, features] row-major; NaN is missing; representable in the precision that they are sent in.
    case rows([Double], featureCount: Int, Precision)
    case transactions([ScoreInput])

    var count: Int {
        switch self {
        case .rows(let values, let featureCount, _): values.count / max(1, featureCount)
        case .transactions(let inputs): inputs.count
        }
    }

    /// Features `from` to `to` of all rows laid end to end are row `row`.
    func features(row: Int) -> ArraySlice<Double> {
        guard case .rows(let values, let featureCount, _) = self else { return [] }
        return values[(row * featureCount)..<((row + 1) * featureCount)]
    }
}

/// Where the input comes from, as the summary says it.
enum InputOrigin: Sendable, Equatable {
    case file(String)
    case goldenRows
    case random(seed: UInt64)

    var text: String {
        switch self {
        case .file(let path): path
        case .goldenRows: "the bundle's golden rows"
        case .random(let seed): "random rows, seed \(seed)"
        }
    }
}

extension LoadInput {
    /// Rows of an .npy or .csv file, or those of `bundle` in a journal's directory.
    static func read(rowsPath path: String, bundle: String, precision: Precision) throws(LoadError) -> LoadInput {
        if File.isDirectory(path) { return try JournalRows.read(path, bundle: bundle, precision: precision) }
        let matrix: Matrix<Double>
        do { matrix = try RowFile.read(path, precision: precision) } catch { throw .input("\(path): \(error)") }
        guard matrix.rows > 0, matrix.columns > 0 else { throw .input("\(path) holds no row") }
        guard matrix.rows <= LoadLimits.rowCountMax else {
            throw .input("\(path) holds \(matrix.rows) rows, the limit is \(LoadLimits.rowCountMax)")
        }
        return .rows(matrix.elements, featureCount: matrix.columns, precision)
    }

    /// Typed transactions, one JSON object a line; empty lines are skipped.
    static func read(transactionsPath path: String) throws(LoadError) -> LoadInput {
        let bytes: [UInt8]
        do { bytes = try File.read(path, byteCountMax: LoadLimits.inputFileByteCountMax) } catch { throw .system(error) }
        var inputs: [ScoreInput] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }) { continue }
            guard inputs.count < LoadLimits.rowCountMax else { break }
            do { inputs.append(try TransactionJSON.parse(Array(line)).scoreInput) } catch {
                throw .input("\(path), line \(index + 1): \(error)")
            }
        }
        guard !inputs.isEmpty else { throw .input("\(path) holds no transaction") }
        return .transactions(inputs)
    }

    /// The rows that vouch for a bundle; nil when it has none.
    static func golden(_ bundle: Bundle) -> LoadInput? {
        guard bundle.goldenRowCount > 0 else { return nil }
        return .rows(bundle.goldenFeatures, featureCount: bundle.featureCount, bundle.precision)
    }

    /// Rows that a schema admits, of float32 numbers: the same for the same seed.
    static func random(
        _ features: [ModelDescription.Feature], rowCount: Int, seed: UInt64, precision: Precision
    ) -> LoadInput {
        var generator = SplitMix(seed: seed)
        var values: [Double] = []
        values.reserveCapacity(rowCount * features.count)
        for _ in 0..<rowCount {
            for feature in features { values.append(Double(randomValue(feature, &generator))) }
        }
        return .rows(values, featureCount: features.count, precision)
    }

    /// One value in twenty is missing, where that is allowed.
    private static func randomValue(_ feature: ModelDescription.Feature, _ generator: inout SplitMix) -> Float {
        if feature.isMissingAllowed, generator.next() % 20 == 0 { return .nan }
        switch feature.type {
        case "boolean": return Float(generator.next() % 2)
        case "categorical": return Float(generator.next() % 16)
        case "integer": return Float(generator.next() % 10_000)
        default:
            // About normal, some of it far out, as amounts are: the sum of four uniform numbers, cubed.
            let sum = (0..<4).reduce(0.0) { total, _ in total + Double(generator.next() >> 11) * 0x1p-53 } - 2
            return Float(sum * sum * sum * 10)
        }
    }

    /// The requests of a run.
    func prepared(_ configuration: LoadConfiguration, _ part: LoadPart) throws(LoadError) -> PreparedRequests {
        let model = ModelReference(bundle: part.name, alias: configuration.alias, version: configuration.version)
        let perItem = part.rowsPerRequest
        let rowCount = count
        let itemCount = (rowCount + perItem - 1) / perItem
        return try PreparedRequests(
            itemCount: itemCount, rowsPerItem: perItem, rowCount: rowCount,
            hasDeadline: configuration.deadlineMilliseconds != nil
        ) { item in
            guard perItem > 1, case .rows(_, _, let precision) = self else {
                var score = ScoreRequest(model: model, input: input(item))
                score.durability = configuration.wireDurability
                return .score(score)
            }
            let rows = (0..<perItem).flatMap { features(row: (item * perItem + $0) % rowCount) }
            var batch =
                precision == .float32
                ? ScoreBatchRequest(model: model, features32: rows.map(Float.init), rowCount: UInt32(perItem))
                : ScoreBatchRequest(model: model, features64: rows, rowCount: UInt32(perItem))
            batch.durability = configuration.wireDurability
            return .scoreBatch(batch)
        }
    }

    private func input(_ item: Int) -> ScoreInput {
        switch self {
        case .transactions(let inputs): inputs[item]
        case .rows(_, _, .float32): .features32(features(row: item).map(Float.init))
        case .rows(_, _, .float64): .features64(Array(features(row: item)))
        }
    }
}

extension LoadConfiguration {
    fileprivate var wireDurability: WireDurability {
        switch durability {
        case nil: .unspecified
        case .memory: .memory
        case .disk: .disk
        }
    }
}

/// A small random number generator (SplitMix64, Steele et al. 2014), the same on every machine.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
