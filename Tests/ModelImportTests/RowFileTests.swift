import Platform
import Testing

@testable import ModelImport

@Suite struct RowFileTests {
    @Test func readsEveryTypeAndOrderThatNumPyWrites() throws {
        for name in ["f4", "f8", "i4", "i8", "fortran"] {
            let bytes = try Fixtures.bytes("grid_\(name).npy")
            #expect(
                try NPY.parse(bytes, as: Float.self) == Matrix(rows: 2, columns: 3, elements: [-2, -1, 0, 1, 2, 3]), "\(name)")
            #expect(
                try NPY.parse(bytes, as: Int64.self) == Matrix(rows: 2, columns: 3, elements: [-2, -1, 0, 1, 2, 3]), "\(name)")
        }
        let column = try Fixtures.matrix("column.npy")
        #expect(column.rows == 2 && column.columns == 1)
        #expect(column[0, 0] == 1.5 && column[1, 0].isNaN)
        #expect(throws: RowFileError.npyElementInexact(index: 0)) { try NPY.parse(Fixtures.bytes("column.npy"), as: Int64.self) }
    }

    @Test func whatIsWrittenIsWhatNumPyWrites() throws {
        let bytes = try Fixtures.bytes("X.npy")
        let matrix = try NPY.parse(bytes, as: Float.self)
        #expect(matrix.rows == 60 && matrix.columns == 5)
        let header = { (bytes: [UInt8]) in String(decoding: bytes[10..<128], as: UTF8.self).filter { $0 != " " } }
        let written = NPY.serialized(matrix)
        #expect(header(written) == header(bytes))
        #expect(Array(written[128...]) == Array(bytes[128...]))
        #expect(written.count == bytes.count)
    }

    @Test func damagedArrayFilesAreRefused() throws {
        let bytes = try Fixtures.bytes("grid_f4.npy")
        for count in 0..<bytes.count {
            #expect(throws: RowFileError.self, "cut at \(count)") { try NPY.parse(Array(bytes[..<count]), as: Float.self) }
        }
        #expect(throws: RowFileError.npyByteCountWrong(expected: 24, actual: 25)) { try NPY.parse(bytes + [0], as: Float.self) }
        func changed(_ old: String, _ new: String) -> [UInt8] {
            let text = String(decoding: bytes[10..<128], as: UTF8.self).replacing(old, with: new)
            let padded = text.utf8.prefix(118) + Array(repeating: 0x20, count: max(0, 118 - text.utf8.count))
            return bytes[..<10] + padded + bytes[128...]
        }
        #expect(throws: RowFileError.npyTypeUnsupported) { try NPY.parse(changed("<f4", ">f4"), as: Float.self) }
        #expect(throws: RowFileError.npyShapeUnsupported) { try NPY.parse(changed("(2, 3)", "(2, 3, 1)"), as: Float.self) }
        #expect(throws: RowFileError.npyByteCountWrong(expected: .max, actual: 24)) {
            try NPY.parse(changed("(2, 3)", "(9223372036854775807, 3)"), as: Float.self)
        }
        #expect(throws: RowFileError.npyHeaderInvalid) { try NPY.parse(changed("(2, 3)", "(2, -3)"), as: Float.self) }
        #expect(throws: RowFileError.notNPY) { try NPY.parse(Array("not an array at all".utf8), as: Float.self) }
    }

    @Test func readsCSVWithAndWithoutHeader() throws {
        func parse(_ text: String) throws -> Matrix<Float> { try CSV.parse(Array(text.utf8), as: Float.self) }
        let plain = try parse("1,2.5\n-3,\n")
        #expect(plain.rows == 2 && plain.columns == 2)
        #expect(plain[0, 1] == 2.5 && plain[1, 0] == -3 && plain[1, 1].isNaN)
        #expect(try parse("a,b\r\n1,2\r\n\r\n") == Matrix(rows: 1, columns: 2, elements: [1, 2]))
        #expect(try parse("\"a,b\",c\n\"1\", 2e3") == Matrix(rows: 1, columns: 2, elements: [1, 2000]))
        #expect(try parse("nan,NaN\n")[0, 1].isNaN)
        #expect(throws: RowFileError.csvEmpty) { try parse("a,b\n") }
        #expect(throws: RowFileError.csvWidthWrong(row: 1, fields: 1, expected: 2)) { try parse("1,2\n3\n") }
        #expect(throws: RowFileError.csvFieldInvalid(row: 1, column: 0)) { try parse("1,2\nx,3\n") }
        #expect(throws: RowFileError.csvQuoteUnclosed(row: 0)) { try parse("\"1,2\n") }
        #expect(throws: RowFileError.nameUnknown) { try RowFile.read("rows.txt", precision: .float32) }
    }
}
