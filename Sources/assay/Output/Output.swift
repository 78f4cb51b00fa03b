import Glibc
import Platform

/// Where commands write: data to stdout, sentences about what went wrong to stderr.
enum Output {
    /// One line of data.
    static func line(_ text: String) {
        print(text)
    }

    /// A JSON document for programs, indented.
    static func json(_ value: JSON) {
        print(value.serialized(pretty: true))
    }

    static func error(_ text: String) {
        let bytes = Array("assay: \(text)\n".utf8)
        // Safety: write reads exactly `count` bytes of an array that outlives the call.
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Rows in columns as wide as their widest cell; the last one is not padded.
    static func table(_ rows: [[String]]) -> [String] {
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return line
        }
    }

    /// `key` and value in two columns.
    static func facts(_ facts: [(String, String)]) {
        for line in table(facts.map { [$0.0, $0.1] }) { print(line) }
    }

    /// Lower-case hexadecimal digits.
    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
