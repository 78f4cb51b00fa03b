/// The five bytes before every message: a flag byte and the payload's length, big-endian.
///
/// | offset | bytes | meaning |
/// |---|---|---|
/// | 0 | 1 | bit 0: payload is LZ4-compressed (``Compression``); bits 1-7 are zero |
/// | 1 | 4 | byte count of the payload, big-endian |
/// | 5 | n | payload: one Request or Reply |
public enum Frame {
    public static let headerByteCount = 5

    /// What the bytes received so far begin with.
    public enum Prefix: Equatable, Sendable {
        /// Not yet a whole frame: `byteCount` bytes from its first are needed before it can be read on.
        case incomplete(byteCount: Int)
        /// A frame whose payload is `byteCount` bytes long and begins after the header.
        case frame(byteCount: Int, isCompressed: Bool)
    }

    /// Looks at the first bytes of `bytes`; the length is judged before anything is allocated for it.
    @inlinable
    public static func prefix(of bytes: UnsafeRawBufferPointer, byteCountMax: Int) throws(FrameError) -> Prefix {
        guard bytes.count >= headerByteCount else { return .incomplete(byteCount: headerByteCount) }
        // Safety: at least five bytes are there.
        let flags = unsafe bytes[0]
        guard flags & 0xfe == 0 else { throw .unknownFlags(flags) }
        let length = unsafe Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
        guard length <= byteCountMax else { throw .tooLong(byteCount: length, limit: byteCountMax) }
        guard bytes.count >= headerByteCount + length else { return .incomplete(byteCount: headerByteCount + length) }
        return .frame(byteCount: length, isCompressed: flags & 1 != 0)
    }

    /// Writes a header for a payload of `byteCount` bytes to the first five bytes of `bytes`.
    @inlinable
    public static func writeHeader(_ bytes: UnsafeMutableRawPointer, byteCount: Int, isCompressed: Bool = false) {
        // Safety: the caller owns at least five bytes there.
        unsafe bytes.storeBytes(of: isCompressed ? 1 : 0, as: UInt8.self)
        unsafe bytes.storeBytes(of: UInt32(byteCount).bigEndian, toByteOffset: 1, as: UInt32.self)
    }
}

/// Why bytes are not a frame of this contract; the connection can't go on after one.
public enum FrameError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooLong(byteCount: Int, limit: Int)
    case unknownFlags(UInt8)
    /// The compressed payload is damaged, or states a size that it does not have.
    case badCompression
    /// The payload is not a message of this contract, or needs more memory than a message may.
    case badMessage(byteCount: Int)

    /// Machine-readable, as in `Error.reason`.
    public var reason: String {
        switch self {
        case .tooLong: "FRAME_TOO_LONG"
        case .unknownFlags: "FRAME_FLAGS"
        case .badCompression: "FRAME_COMPRESSION"
        case .badMessage: "FRAME_MESSAGE"
        }
    }

    public var description: String {
        switch self {
        case .tooLong(let byteCount, let limit): "a frame of \(byteCount) bytes, at most \(limit) are accepted"
        case .unknownFlags(let flags): "flag byte \(flags), only bit 0 (LZ4) is defined"
        case .badCompression: "the compressed payload can't be read"
        case .badMessage(let byteCount): "the payload of \(byteCount) bytes is not a message of assay.v1"
        }
    }
}
