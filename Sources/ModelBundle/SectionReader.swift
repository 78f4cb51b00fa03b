import Platform

/// Reads one cold section front to back, every read checked against its end.
struct SectionReader {
    let section: SectionID
    private let bytes: [UInt8]
    private(set) var offset = 0

    init(_ section: SectionID, _ bytes: [UInt8]) {
        self.section = section
        self.bytes = bytes
    }

    var remainingByteCount: Int { bytes.count - offset }
    var malformed: BundleError { .sectionMalformed(section, offset: offset) }

    mutating func read<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(BundleError) -> Value {
        let byteCount = Value.bitWidth / 8
        guard remainingByteCount >= byteCount else { throw malformed }
        var value: Value = 0
        for index in 0..<byteCount { value |= Value(truncatingIfNeeded: bytes[offset + index]) << Value(8 * index) }
        offset += byteCount
        return value
    }

    /// A number that stands for one of a type's cases.
    mutating func readCase<Value: RawRepresentable>(_: Value.Type) throws(BundleError) -> Value
    where Value.RawValue: FixedWidthInteger {
        let start = malformed
        guard let value = Value(rawValue: try read()) else { throw start }
        return value
    }

    mutating func readDouble() throws(BundleError) -> Double { Double(bitPattern: try read()) }

    /// A text of at most `byteCountMax` bytes of valid UTF-8.
    mutating func readText(byteCountMax: Int) throws(BundleError) -> String {
        let start = malformed
        let byteCount = Int(try read(UInt32.self))
        guard byteCount <= min(byteCountMax, remainingByteCount),
            let text = String(validating: bytes[offset..<(offset + byteCount)], as: UTF8.self)
        else { throw start }
        offset += byteCount
        return text
    }

    /// Nothing may follow what was read.
    func finish() throws(BundleError) {
        guard remainingByteCount == 0 else { throw malformed }
    }
}
