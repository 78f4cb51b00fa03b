import CLZ4

/// LZ4-compressed payloads: four bytes little-endian size of the message, then one LZ4 block.
public enum Compression {
    static let prefixByteCount = 4

    /// The message inside a compressed payload; its stated size is judged against `byteCountMax` before anything is allocated.
    public static func decompress(_ payload: UnsafeRawBufferPointer, byteCountMax: Int) throws(FrameError) -> [UInt8] {
        guard payload.count > prefixByteCount else { throw .badCompression }
        let stated = unsafe Int(UInt32(littleEndian: payload.loadUnaligned(as: UInt32.self)))
        guard stated <= byteCountMax else { throw .tooLong(byteCount: stated, limit: byteCountMax) }
        var written: Int32 = -1
        let message = unsafe [UInt8](unsafeUninitializedCapacity: stated) { buffer, count in
            // Safety: LZ4_decompress_safe writes at most `stated` bytes and reads at most the payload.
            let source = unsafe payload.baseAddress!.advanced(by: prefixByteCount).assumingMemoryBound(to: CChar.self)
            let destination = unsafe UnsafeMutableRawPointer(buffer.baseAddress ?? UnsafeMutablePointer(bitPattern: 8)!)
                .assumingMemoryBound(to: CChar.self)
            written = unsafe LZ4_decompress_safe(source, destination, Int32(payload.count - prefixByteCount), Int32(stated))
            count = written == Int32(stated) ? stated : 0
        }
        guard written == Int32(stated) else { throw .badCompression }
        return message
    }

    /// A whole frame with `message` compressed, or nil when that would not make it smaller.
    public static func frame(_ message: UnsafeRawBufferPointer) -> [UInt8]? {
        let bound = Int(LZ4_compressBound(Int32(clamping: message.count)))
        guard bound > 0, unsafe !message.isEmpty else { return nil }
        let headerByteCount = Frame.headerByteCount + prefixByteCount
        let frame = unsafe [UInt8](unsafeUninitializedCapacity: headerByteCount + bound) { buffer, count in
            let base = UnsafeMutableRawPointer(buffer.baseAddress!)
            // Safety: the buffer has room for both headers and the largest block that LZ4 can make of the message.
            let compressed = unsafe LZ4_compress_default(
                message.baseAddress!.assumingMemoryBound(to: CChar.self),
                base.advanced(by: headerByteCount).assumingMemoryBound(to: CChar.self), Int32(message.count), Int32(bound))
            guard compressed > 0 else { return }
            unsafe Frame.writeHeader(base, byteCount: prefixByteCount + Int(compressed), isCompressed: true)
            unsafe base.storeBytes(of: UInt32(message.count).littleEndian, toByteOffset: Frame.headerByteCount, as: UInt32.self)
            count = headerByteCount + Int(compressed)
        }
        return frame.isEmpty || frame.count >= Frame.headerByteCount + message.count ? nil : frame
    }
}
