import Platform

/// Reads little-endian numbers out of bytes, every access checked against their count.
@safe struct ByteReader {
    // Safety: lives no longer than the buffer it was made from; used on the stack only.
    private let buffer: UnsafeRawBufferPointer
    let byteCount: Int

    init(_ buffer: UnsafeRawBufferPointer) {
        unsafe self.buffer = buffer
        byteCount = buffer.count
    }

    func uint8(at offset: Int) -> UInt8 {
        check(offset..<offset + 1)
        return unsafe buffer[offset]
    }

    func uint16(at offset: Int) -> UInt16 { load(offset) }
    func uint32(at offset: Int) -> UInt32 { load(offset) }
    func uint64(at offset: Int) -> UInt64 { load(offset) }

    func bytes(_ range: Range<Int>) -> [UInt8] {
        check(range)
        return unsafe [UInt8](buffer[range])
    }

    func checksum(_ range: Range<Int>) -> UInt32 {
        check(range)
        return unsafe crc32c(UnsafeRawBufferPointer(rebasing: buffer[range]))
    }

    func isZero(_ range: Range<Int>) -> Bool {
        check(range)
        return unsafe buffer[range].allSatisfy { $0 == 0 }
    }

    private func load<Integer: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Integer {
        check(offset..<offset + MemoryLayout<Integer>.size)
        return unsafe Integer(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }

    private func check(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "bytes \(range) of \(byteCount)")
    }
}

extension [UInt8] {
    /// Appends an integer's bytes, little-endian.
    mutating func appendLittleEndian<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }

    /// Appends an integer's bytes, big-endian, as networks and PostgreSQL have them.
    mutating func appendBigEndian<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
    }
}
