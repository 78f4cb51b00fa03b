/// A dense matrix, `[rows, columns]` row-major.
public struct Matrix<Element: Sendable>: Sendable {
    public let rows: Int
    public let columns: Int
    /// `rows * columns` elements.
    public let elements: [Element]

    public init(rows: Int, columns: Int, elements: [Element]) {
        precondition(elements.count == rows * columns, "\(elements.count) elements for \(rows) x \(columns)")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    public subscript(row: Int, column: Int) -> Element { elements[row * columns + column] }

    public func row(_ index: Int) -> ArraySlice<Element> { elements[(index * columns)..<((index + 1) * columns)] }
}

extension Matrix: Equatable where Element: Equatable {}
