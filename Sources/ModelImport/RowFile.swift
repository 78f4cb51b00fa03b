import Forest
import Platform

/// A file of rows to score, one feature vector a row.
public enum RowFile {
    /// Reads `.npy` or `.csv`, as the name says; each number becomes the nearest of that precision, rounded once.
    public static func read(_ path: String, precision: Precision) throws(RowFileError) -> Matrix<Double> {
        let isNPY = path.hasSuffix(".npy")
        guard isNPY || path.hasSuffix(".csv") else { throw .nameUnknown }
        switch precision {
        case .float32:
            let matrix = isNPY ? try NPY.read(path, as: Float.self) : try CSV.read(path, as: Float.self)
            return Matrix(rows: matrix.rows, columns: matrix.columns, elements: matrix.elements.map(Double.init))
        case .float64: return isNPY ? try NPY.read(path, as: Double.self) : try CSV.read(path, as: Double.self)
        }
    }

    static func bytes(_ path: String) throws(RowFileError) -> [UInt8] {
        do { return try File.read(path, byteCountMax: ImportLimits.rowFileByteCountMax) } catch { throw .system(error) }
    }
}

/// Why a file of rows is not read; rows and columns are counted from 0, the header of a CSV file not being one.
public enum RowFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case nameUnknown
    case notNPY
    case npyVersionUnsupported(UInt8)
    case npyHeaderInvalid
    case npyTypeUnsupported
    case npyShapeUnsupported
    case npyByteCountWrong(expected: Int, actual: Int)
    case npyElementInexact(index: Int)
    case csvEmpty
    case csvFieldInvalid(row: Int, column: Int)
    case csvWidthWrong(row: Int, fields: Int, expected: Int)
    case csvQuoteUnclosed(row: Int)

    public var description: String {
        switch self {
        case .system(let error): error.description
        case .nameUnknown: "the file's name ends neither in .npy nor in .csv"
        case .notNPY: "the file does not begin as NPY files do"
        case .npyVersionUnsupported(let version): "NPY version \(version) is not supported"
        case .npyHeaderInvalid: "the NPY header is malformed"
        case .npyTypeUnsupported: "the NPY element type is not one of <f4, <f8, <i4, <i8"
        case .npyShapeUnsupported: "the NPY shape has not one or two dimensions"
        case .npyByteCountWrong(let expected, let actual): "the NPY file has \(actual) bytes of data, its shape needs \(expected)"
        case .npyElementInexact(let index): "NPY element \(index) is no integer of the type wanted"
        case .csvEmpty: "the CSV file has no rows"
        case .csvFieldInvalid(let row, let column): "CSV row \(row) column \(column) is not a number"
        case .csvWidthWrong(let row, let fields, let expected): "CSV row \(row) has \(fields) fields, the first has \(expected)"
        case .csvQuoteUnclosed(let row): "CSV row \(row) has a quote that is not closed"
        }
    }
}
