import Platform

/// Where things are in a ring file. Little-endian; docs/JOURNAL.md has the same table.
///
///     offset  bytes  what
///          0      8  magic "ASSAYRNG"
///          8      4  format version, 1
///         12      4  rings (one a worker)
///         16      8  bytes of each ring, a power of two
///         24     16  the journal's identity
///         40     16  the machine's boot id
///         56      8  first number that this file could give
///         64      4  CRC-32C of bytes 0-63
///        256      8  next sequence number (atomic, all workers)
///        512      8  state: 0 open, 1 closed, 2 failed (atomic)
///        768      8  the journal holds all numbers below this one (atomic)
///       1024    384  for each ring: head (freed up to, written by the journal) at 0, tail (committed up to, written by the worker) at 128
///          …         padding to 4,096, then the rings
///
/// Head and tail count bytes since the file was made; modulo the ring's size they are offsets. What several threads write lies on
/// cache lines of its own, two apart, because processors fetch lines in pairs.
enum RingLayout {
    static let magic: UInt64 = 0x474e_5259_4153_5341  // "ASSAYRNG"
    static let version: UInt32 = 1
    static let headerByteCount = 64
    static let nextSequenceOffset = 256
    static let stateOffset = 512
    static let writtenOffset = 768
    static let controlOffset = 1024
    static let controlByteCount = 384
    static let tailOffset = 128
    static let pageByteCount = 4096

    static func dataOffset(workerCount: Int) -> Int {
        (controlOffset + workerCount * controlByteCount + pageByteCount - 1) / pageByteCount * pageByteCount
    }

    static func fileByteCount(workerCount: Int, ringByteCount: Int) -> Int {
        dataOffset(workerCount: workerCount) + workerCount * ringByteCount
    }
}

/// How a record lies in a ring: 16 bytes of header, the payload, padding to 8.
///
///          0      4  payload bytes; 0xffffffff: the rest up to the ring's end is unused; 0x80000008: numbers without a record
///          4      4  CRC-32C of bytes 0-3, 8-15 and the payload
///          8      8  sequence number
///         16         payload: an AuditRecord; for numbers without a record the last of them (8 bytes)
enum RingFrame {
    static let headerByteCount = 16
    static let wrapMarker: UInt32 = 0xffff_ffff
    static let voidMarker: UInt32 = 0x8000_0008
    static let voidByteCount = headerByteCount + 8

    /// Bytes that a payload takes in the ring.
    @inline(__always)
    static func byteCount(payload: Int) -> Int { (headerByteCount + payload + 7) & ~7 }

    /// The checksum of the frame at `frame`, whose payload has `payload` bytes.
    @inline(__always)
    static func checksum(_ frame: UnsafeMutableRawPointer, payload: Int) -> UInt32 {
        // Safety: callers have checked that header and payload lie inside the ring. The length is covered by seeding with it.
        let length = unsafe frame.load(as: UInt32.self)
        return unsafe crc32c(UnsafeRawBufferPointer(start: frame + 8, count: 8 + payload), seed: length)
    }
}

/// What the two sides find at offset 512.
enum RingState: UInt64 {
    case open = 0
    case closed = 1
    case failed = 2
}

/// Stamps that tell whether a ring file belongs to this journal and to this run of the machine.
struct RingStamp: Equatable, Sendable {
    let identity: JournalIdentity
    let bootID: [UInt8]

    /// The running machine's boot id: 16 bytes; zeros where the kernel doesn't say.
    static func bootID() -> [UInt8] {
        let text = (try? File.read("/proc/sys/kernel/random/boot_id", byteCountMax: 4096)) ?? []
        let digits = text.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 32 else { return [UInt8](repeating: 0, count: 16) }
        return (0..<16).map { UInt8(digits[2 * $0] << 4 | digits[2 * $0 + 1]) }
    }
}
