/// Why nothing was learnt; rows and features are counted from 0.
public enum LearningError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooFewRows(Int, minimum: Int)
    case tooManyRows(Int, limit: Int)
    case noFeatures
    case parameterOutOfRange(Parameter, limit: Int)
    case contaminationOutOfRange
    case valueMissing(row: Int, feature: Int)
    case valueInfinite(row: Int, feature: Int)
    /// All rows are the same: there is nothing to tell them apart by.
    case rowsDoNotDiffer
    case featureCountMismatch(schemaFile: Int, rows: Int)

    public enum Parameter: String, Sendable { case trees, samples, features }

    public var description: String {
        switch self {
        case .tooFewRows(let count, let minimum): "\(count) rows are too few to learn from; \(minimum) are needed"
        case .tooManyRows(let count, let limit): "\(count) rows are more than the limit of \(limit)"
        case .noFeatures: "the rows have no columns"
        case .parameterOutOfRange(let parameter, let limit):
            "the number of \(parameter.rawValue) is not from 1 (samples: 2) to \(limit)"
        case .contaminationOutOfRange: "the contamination is not above 0 and at most 0.5"
        case .valueMissing(let row, let feature):
            "row \(row) feature \(feature) is missing; an isolation forest learns from complete rows only: fill or drop it"
        case .valueInfinite(let row, let feature): "row \(row) feature \(feature) is infinite"
        case .rowsDoNotDiffer: "all rows are the same: there is nothing to tell them apart by"
        case .featureCountMismatch(let file, let rows): "the schema file has \(file) features, the rows \(rows)"
        }
    }
}
