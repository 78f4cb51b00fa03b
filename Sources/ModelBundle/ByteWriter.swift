/// Appends little-endian values.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift))) }
    }

    mutating func append(_ value: Float) { append(value.bitPattern) }
    mutating func append(_ value: Double) { append(value.bitPattern) }
    mutating func append(_ values: [UInt8]) { bytes.append(contentsOf: values) }

    /// The byte count as UInt32, then the bytes of the UTF-8.
    mutating func append(_ text: String) {
        append(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// The elements as they lie in memory, which is how they lie in the file: only little-endian machines are supported.
    static func bytes<Element: BitwiseCopyable>(of elements: [Element]) -> [UInt8] {
        #if _endian(big)
            #error("bundles are mapped as they are: a big-endian port needs swapping here and in Bundle")
        #endif
        return unsafe elements.withUnsafeBytes { unsafe Array($0) }
    }

    mutating func pad(toMultipleOf alignment: Int) {
        while bytes.count % alignment != 0 { bytes.append(0) }
    }
}
