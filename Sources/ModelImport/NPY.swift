import Platform

/// NumPy's array files: little-endian float32, float64, int32 and int64, of one or two dimensions, in C or Fortran order.
public enum NPY {
    /// Reads an array file as a matrix; one dimension makes one column.
    public static func read<Element: NPYElement>(_ path: String, as _: Element.Type) throws(RowFileError) -> Matrix<Element> {
        try parse(RowFile.bytes(path), as: Element.self)
    }

    /// Parses the bytes of an array file; memory is taken only after the byte count was found to match the shape.
    public static func parse<Element: NPYElement>(_ bytes: [UInt8], as _: Element.Type) throws(RowFileError) -> Matrix<Element> {
        let header = try NPYHeader(bytes)
        let count = header.rows.multipliedReportingOverflow(by: header.columns)
        let byteCount = count.partialValue.multipliedReportingOverflow(by: header.type.byteCount)
        let actual = bytes.count - header.dataOffset
        guard !count.overflow, !byteCount.overflow, byteCount.partialValue == actual else {
            throw .npyByteCountWrong(
                expected: byteCount.overflow || count.overflow ? .max : byteCount.partialValue, actual: actual)
        }
        var elements: [Element] = []
        elements.reserveCapacity(count.partialValue)
        for index in 0..<count.partialValue {
            // Fortran order lists column after column.
            let source = header.isFortranOrder ? index % header.columns * header.rows + index / header.columns : index
            let offset = header.dataOffset + source * header.type.byteCount
            guard let element: Element = header.type.element(bytes, at: offset) else { throw .npyElementInexact(index: index) }
            elements.append(element)
        }
        return Matrix(rows: header.rows, columns: header.columns, elements: elements)
    }

    /// The bytes of a version 1.0 file of a matrix in C order, as NumPy writes it.
    public static func serialized<Element: NPYWritable>(_ matrix: Matrix<Element>) -> [UInt8] {
        var header =
            "{'descr': '\(Element.npyName)', 'fortran_order': False, 'shape': (\(matrix.rows), \(matrix.columns)), }"
        // Magic, version, length and header together are a multiple of 64 bytes, so that the data can be mapped.
        let padding = (64 - (10 + header.utf8.count + 1) % 64) % 64
        header += String(repeating: " ", count: padding) + "\n"
        var bytes = NPYHeader.magic + [1, 0, UInt8(header.utf8.count & 0xff), UInt8(header.utf8.count >> 8)]
        bytes.reserveCapacity(bytes.count + header.utf8.count + Element.npyByteCount * matrix.elements.count)
        bytes += Array(header.utf8)
        for element in matrix.elements {
            for shift in 0..<Element.npyByteCount {
                bytes.append(UInt8(truncatingIfNeeded: element.npyBits >> UInt64(8 * shift)))
            }
        }
        return bytes
    }

    /// Writes a matrix.
    public static func write<Element: NPYWritable>(_ matrix: Matrix<Element>, to path: String) throws(RowFileError) {
        do { try File.writeAtomically(serialized(matrix), to: path) } catch { throw .system(error) }
    }
}

/// An element type that array files are written of.
public protocol NPYWritable: Sendable {
    static var npyName: String { get }
    static var npyByteCount: Int { get }
    var npyBits: UInt64 { get }
}

extension Float: NPYWritable {
    public static var npyName: String { "<f4" }
    public static var npyByteCount: Int { 4 }
    public var npyBits: UInt64 { UInt64(bitPattern) }
}

extension Double: NPYWritable {
    public static var npyName: String { "<f8" }
    public static var npyByteCount: Int { 8 }
    public var npyBits: UInt64 { bitPattern }
}

extension Int32: NPYWritable {
    public static var npyName: String { "<i4" }
    public static var npyByteCount: Int { 4 }
    public var npyBits: UInt64 { UInt64(UInt32(bitPattern: self)) }
}

/// An element type that array files are read as.
public protocol NPYElement: Sendable {
    init?(npy value: Double)
    init?(npy value: Int64)
}

extension Float: NPYElement {
    public init?(npy value: Double) { self.init(value) }
    public init?(npy value: Int64) { self.init(value) }
}

extension Double: NPYElement {
    public init?(npy value: Double) { self = value }
    public init?(npy value: Int64) { self.init(value) }
}

extension Int64: NPYElement {
    public init?(npy value: Double) { self.init(exactly: value) }
    public init?(npy value: Int64) { self = value }
}

/// What stands before the data of an array file.
struct NPYHeader {
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    let type: NPYType
    let isFortranOrder: Bool
    let rows: Int
    let columns: Int
    let dataOffset: Int

    init(_ bytes: [UInt8]) throws(RowFileError) {
        guard bytes.count >= 12, bytes.starts(with: Self.magic) else { throw .notNPY }
        guard (1...3).contains(bytes[6]) else { throw .npyVersionUnsupported(bytes[6]) }
        let lengthByteCount = bytes[6] == 1 ? 2 : 4
        let length = (0..<lengthByteCount).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
        let start = 8 + lengthByteCount
        guard length <= bytes.count - start, length <= 65_536,
            let text = String(validating: bytes[start..<(start + length)], as: UTF8.self)
        else { throw .npyHeaderInvalid }
        dataOffset = start + length
        guard let typeName = Self.value(of: "descr", in: text), let order = Self.value(of: "fortran_order", in: text) else {
            throw .npyHeaderInvalid
        }
        guard let type = NPYType(rawValue: typeName.filter { $0 != "'" && $0 != "\"" }) else { throw .npyTypeUnsupported }
        guard order == "True" || order == "False" else { throw .npyHeaderInvalid }
        self.type = type
        isFortranOrder = order == "True"
        (rows, columns) = try Self.shape(text)
    }

    /// The text after `'key':` up to the next comma.
    private static func value(of key: String, in text: String) -> String? {
        guard let tail = tail(after: key, in: text) else { return nil }
        return String(tail.prefix { $0 != "," && $0 != "}" }.filter { $0 != " " })
    }

    /// `(3,)` or `(3, 4)`.
    private static func shape(_ text: String) throws(RowFileError) -> (rows: Int, columns: Int) {
        guard let tail = tail(after: "shape", in: text), let opening = tail.firstIndex(of: "("),
            let closing = tail[opening...].firstIndex(of: ")")
        else { throw .npyHeaderInvalid }
        let parts = tail[tail.index(after: opening)..<closing].split(separator: ",").map { $0.filter { $0 != " " } }
        let dimensions = parts.filter { !$0.isEmpty }.compactMap { Int($0) }
        guard dimensions.count == parts.filter({ !$0.isEmpty }).count, dimensions.allSatisfy({ $0 >= 0 }) else {
            throw .npyHeaderInvalid
        }
        switch dimensions.count {
        case 1: return (dimensions[0], 1)
        case 2: return (dimensions[0], dimensions[1])
        default: throw .npyShapeUnsupported
        }
    }

    private static func tail(after key: String, in text: String) -> Substring? {
        for quote in ["'", "\""] {
            let parts = text.split(separator: quote + key + quote, maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let colon = parts[1].firstIndex(of: ":") else { continue }
            return parts[1][parts[1].index(after: colon)...]
        }
        return nil
    }
}

enum NPYType: String {
    case float32 = "<f4"
    case float64 = "<f8"
    case int32 = "<i4"
    case int64 = "<i8"

    var byteCount: Int { self == .float32 || self == .int32 ? 4 : 8 }

    func element<Element: NPYElement>(_ bytes: [UInt8], at offset: Int) -> Element? {
        let bits = (0..<byteCount).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        return switch self {
        case .float32: Element(npy: Double(Float(bitPattern: UInt32(bits))))
        case .float64: Element(npy: Double(bitPattern: bits))
        case .int32: Element(npy: Int64(Int32(truncatingIfNeeded: bits)))
        case .int64: Element(npy: Int64(bitPattern: bits))
        }
    }
}
