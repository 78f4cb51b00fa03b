/// What is wrong with the bytes that a server sent.
enum ReplyFault: Error, Equatable, CustomStringConvertible {
    /// The frame's flag byte; no flag is known here, since compressed replies were not asked for.
    case frameFlags(UInt8)
    case frameTooLong(byteCount: Int, limit: Int)
    /// The payload is no reply message, found at this byte of it.
    case malformed(offset: Int)

    var description: String {
        switch self {
        case .frameFlags(let flags): "frame with unexpected flags 0x\(String(flags, radix: 16))"
        case .frameTooLong(let byteCount, let limit): "frame of \(byteCount) bytes, limit \(limit)"
        case .malformed(let offset): "malformed reply at byte \(offset)"
        }
    }
}

/// Memory that the sockets of one thread are read into, one after another.
@safe struct ReceiveBuffer: ~Copyable {
    // Safety: allocated here and freed in deinit; byteCount is its size; nobody else keeps the pointer.
    private(set) var bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int = LoadLimits.receiveByteCount) {
        unsafe bytes = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit {
        unsafe bytes.deallocate()
    }

    /// Makes room for `byteCount` bytes; what was in it is lost.
    mutating func grow(to byteCount: Int) {
        guard unsafe byteCount > bytes.count else { return }
        unsafe bytes.deallocate()
        unsafe bytes = .allocate(byteCount: byteCount, alignment: 64)
    }
}

/// Cuts the bytes of one connection into frames, wherever reads happen to split them.
///
/// Between reads only the bytes of an unfinished frame are kept, so that ten thousand quiet connections cost nothing.
struct ReplyStream {
    static let headerByteCount = 5

    /// The beginning of a frame whose end has not arrived.
    private(set) var carry: [UInt8] = []
    /// Bytes of that frame with its header, as far as known.
    private var needed = headerByteCount

    /// Puts the kept bytes at the front of `buffer` and returns how many: the next read goes behind them.
    mutating func prepare(_ buffer: inout ReceiveBuffer) -> Int {
        if carry.isEmpty { return 0 }
        // Room for the whole frame, and never less than one more byte.
        buffer.grow(to: max(needed, carry.count + 1))
        unsafe carry.withUnsafeBytes { unsafe buffer.bytes.copyMemory(from: $0) }
        return carry.count
    }

    /// The payload of the frame at `offset` of `bytes` (kept bytes and read ones together), which moves behind it; nil when the
    /// frame is not complete yet.
    @inline(__always)
    mutating func next(in bytes: UnsafeRawBufferPointer, at offset: inout Int) throws(ReplyFault) -> UnsafeRawBufferPointer? {
        needed = Self.headerByteCount
        guard bytes.count - offset >= Self.headerByteCount else { return nil }
        let start = offset + Self.headerByteCount
        let end = start + (try unsafe Self.payloadByteCount(bytes, at: offset))
        guard end <= bytes.count else {
            needed = end - offset
            return nil
        }
        offset = end
        // Safety: the range was checked against the buffer above; the payload is as valid as `bytes`.
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// Keeps what lies behind the last complete frame for the next read.
    mutating func keep(_ bytes: UnsafeRawBufferPointer, from offset: Int) {
        carry.removeAll(keepingCapacity: true)
        if offset < bytes.count { unsafe carry.append(contentsOf: bytes[offset...]) }
    }

    /// Forgets an unfinished frame: its connection is gone.
    mutating func reset() {
        carry.removeAll()
        needed = Self.headerByteCount
    }

    private static func payloadByteCount(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ReplyFault) -> Int {
        let flags = unsafe bytes[offset]
        guard flags == 0 else { throw .frameFlags(flags) }
        // Safety: the caller checked that five bytes are there.
        let length = unsafe bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self).bigEndian
        guard length <= UInt32(LoadLimits.replyByteCountMax) else {
            throw .frameTooLong(byteCount: Int(length), limit: LoadLimits.replyByteCountMax)
        }
        return Int(length)
    }
}
