import ModelImport

/// Row files: what is read is written and read again without a change.
enum RowCheck {
    static func run(_ bytes: [UInt8]) {
        if let matrix = try? NPY.parse(bytes, as: Float.self) { expectSameAgain(matrix) }
        if let matrix = try? NPY.parse(bytes, as: Double.self) { expectSameAgain(matrix) }
        _ = try? NPY.parse(bytes, as: Int64.self)
        if let matrix = try? CSV.parse(bytes, as: Float.self) { expectSameAgain(matrix) }
        if let matrix = try? CSV.parse(bytes, as: Double.self) { expectSameAgain(matrix) }
    }

    private static func expectSameAgain<Element: NPYElement & NPYWritable & BinaryFloatingPoint>(_ matrix: Matrix<Element>) {
        do {
            let again = try NPY.parse(NPY.serialized(matrix), as: Element.self)
            precondition(again.rows == matrix.rows && again.columns == matrix.columns)
            for (index, pair) in zip(again.elements, matrix.elements).enumerated() {
                let isSame = pair.0 == pair.1 && pair.0.sign == pair.1.sign || pair.0.isNaN && pair.1.isNaN
                precondition(isSame, "element \(index): \(pair)")
            }
        } catch {
            preconditionFailure("a matrix of \(matrix.rows) x \(matrix.columns) that was written is not read: \(error)")
        }
    }
}
