/// A type of number that fields are read as.
public protocol CSVElement: BinaryFloatingPoint, LosslessStringConvertible, Sendable {}

extension Float: CSVElement {}
extension Double: CSVElement {}

/// Comma-separated numbers: one row a line, an optional header line, an empty field or `nan` for a missing value.
public enum CSV {
    public static func read<Element: CSVElement>(_ path: String, as _: Element.Type) throws(RowFileError) -> Matrix<Element> {
        try parse(RowFile.bytes(path), as: Element.self)
    }

    /// Parses the bytes; the first line is a header if one of its fields is neither a number nor missing. Each field is rounded
    /// once, from its text.
    public static func parse<Element: CSVElement>(_ bytes: [UInt8], as _: Element.Type) throws(RowFileError) -> Matrix<Element> {
        var elements: [Element] = []
        var rows = 0
        var columns: Int?
        var isFirstLine = true
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            let trimmed = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if trimmed.isEmpty { continue }
            let fields = try fields(of: trimmed, row: rows)
            let values = fields.map { value($0, as: Element.self) }
            if isFirstLine, values.contains(nil) {
                columns = fields.count
                isFirstLine = false
                continue
            }
            isFirstLine = false
            if let columns, columns != fields.count { throw .csvWidthWrong(row: rows, fields: fields.count, expected: columns) }
            columns = fields.count
            for (column, value) in values.enumerated() {
                guard let value else { throw .csvFieldInvalid(row: rows, column: column) }
                elements.append(value)
            }
            rows += 1
        }
        guard rows > 0, let columns else { throw .csvEmpty }
        return Matrix(rows: rows, columns: columns, elements: elements)
    }

    /// The fields of a line, quotes taken off; a quoted field may hold commas but no line break.
    private static func fields(of line: ArraySlice<UInt8>, row: Int) throws(RowFileError) -> [String] {
        var fields: [[UInt8]] = [[]]
        var isQuoted = false
        for byte in line {
            switch byte {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: fields.append([])
            default: fields[fields.count - 1].append(byte)
            }
        }
        guard !isQuoted else { throw .csvQuoteUnclosed(row: row) }
        return fields.map { String(decoding: $0, as: UTF8.self) }
    }

    /// nil when the field is neither a number nor missing.
    private static func value<Element: CSVElement>(_ field: String, as _: Element.Type) -> Element? {
        let text = field.filter { $0 != " " && $0 != "\t" }
        if text.isEmpty || text.lowercased() == "nan" { return .nan }
        return Element(text)
    }
}
