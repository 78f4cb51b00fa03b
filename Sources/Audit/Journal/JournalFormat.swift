import Platform

/// The 16 bytes that name a journal for ever; PostgreSQL knows it as server_id.
public struct JournalIdentity: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    init(bytes: [UInt8]) {
        precondition(bytes.count == 16, "identity of \(bytes.count) bytes")
        self.bytes = bytes
    }

    /// A new identity: a random UUID (version 4).
    static func random() -> JournalIdentity {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        return JournalIdentity(bytes: bytes)
    }

    /// As a UUID: 8-4-4-4-12 lower-case hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef")
        let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(text[$0]) }.joined(separator: "-")
    }

    /// What the first block of the journal names as its predecessor.
    var genesis: SHA256Digest { SHA256Hasher.hash(Array("assay journal ".utf8) + bytes) }
}

/// The first 128 bytes of a segment file.
///
///          0      4  magic "ASJS"
///          4      4  format version, 1
///          8     16  the journal's identity
///         24      8  first sequence number (also the file's name)
///         32     32  SHA-256 of the block before this segment; for the first segment the genesis
///         64      8  wall time of creation, Unix nanoseconds
///         72     52  zero
///        124      4  CRC-32C of bytes 0-123
struct SegmentHeader: Equatable {
    static let byteCount = 128
    static let magic: UInt32 = 0x534a_5341  // "ASJS"
    static let version: UInt32 = 1

    var identity: JournalIdentity
    var firstSequence: UInt64
    var previousHash: SHA256Digest
    var timeNanoseconds: Int64

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(Self.magic)
        bytes.appendLittleEndian(Self.version)
        bytes.append(contentsOf: identity.bytes)
        bytes.appendLittleEndian(firstSequence)
        bytes.append(contentsOf: previousHash.bytes)
        bytes.appendLittleEndian(timeNanoseconds)
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 124 - bytes.count))
        bytes.appendLittleEndian(unsafe bytes.withUnsafeBytes { unsafe crc32c($0) })
        return bytes
    }

    init(identity: JournalIdentity, firstSequence: UInt64, previousHash: SHA256Digest, timeNanoseconds: Int64) {
        self.identity = identity
        self.firstSequence = firstSequence
        self.previousHash = previousHash
        self.timeNanoseconds = timeNanoseconds
    }

    /// nil unless the bytes are a whole and undamaged header of this format.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        let fields: (UInt32, UInt32, [UInt8], UInt64, [UInt8], UInt64, Bool, Bool) = unsafe bytes.withUnsafeBytes { buffer in
            let reader = unsafe ByteReader(buffer)
            return (
                reader.uint32(at: 0), reader.uint32(at: 4), reader.bytes(8..<24), reader.uint64(at: 24), reader.bytes(32..<64),
                reader.uint64(at: 64), reader.isZero(72..<124), reader.uint32(at: 124) == reader.checksum(0..<124)
            )
        }
        guard fields.0 == Self.magic, fields.1 == Self.version, fields.6, fields.7, fields.3 > 0,
            let hash = SHA256Digest(bytes: fields.4)
        else { return nil }
        identity = JournalIdentity(bytes: fields.2)
        firstSequence = fields.3
        previousHash = hash
        timeNanoseconds = Int64(bitPattern: fields.5)
    }
}

/// The first 128 bytes of a block; the payload follows.
///
///          0      4  magic "ASJB"
///          4      2  format version, 1
///          6      1  codec: 0 as is, 1 LZ4 block format
///          7      1  kind: 0 records, 1 one record that voids the numbers first … last, 2 the same for a place that was repaired
///          8      8  first sequence number
///         16      8  last sequence number
///         24      4  records
///         28      4  payload bytes before compression
///         32      4  payload bytes as stored
///         36      4  CRC-32C of the payload as stored
///         40      8  wall time of writing, Unix nanoseconds
///         48     32  SHA-256 of the block before
///         80     32  SHA-256 of bytes 0-79 and the payload as stored
///        112     12  zero
///        124      4  CRC-32C of bytes 0-123
///
/// Payload before compression: for each record 4 bytes of length, then the AuditRecord. The record at index i has the number first + i.
public struct BlockHeader: Equatable, Sendable {
    static let byteCount = 128
    static let magic: UInt32 = 0x424a_5341  // "ASJB"
    static let version: UInt16 = 1

    public enum Codec: UInt8, Sendable {
        case none = 0
        case lz4 = 1
    }

    public enum Kind: UInt8, Sendable {
        case records = 0
        case void = 1
        /// A void that stands for damaged blocks. The block after it names as its predecessor what the void's `chain` says: the hash of the
        /// last block that is missing.
        case repair = 2
    }

    public internal(set) var codec: Codec
    public internal(set) var kind: Kind
    public internal(set) var firstSequence: UInt64
    public internal(set) var lastSequence: UInt64
    public internal(set) var recordCount: Int
    public internal(set) var rawByteCount: Int
    public internal(set) var storedByteCount: Int
    var payloadChecksum: UInt32
    public internal(set) var timeNanoseconds: Int64
    public internal(set) var previousHash: SHA256Digest
    public internal(set) var hash: SHA256Digest

    /// The hash that the header should name, with `payload` as stored.
    func computedHash(_ payload: UnsafeRawBufferPointer) -> SHA256Digest {
        var hasher = SHA256Hasher()
        hasher.update(hashedFields)
        unsafe hasher.update(payload)
        return hasher.finalize()
    }

    var encoded: [UInt8] {
        var bytes = hashedFields
        bytes.append(contentsOf: hash.bytes)
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 124 - bytes.count))
        bytes.appendLittleEndian(unsafe bytes.withUnsafeBytes { unsafe crc32c($0) })
        return bytes
    }

    private var hashedFields: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendLittleEndian(Self.magic)
        bytes.appendLittleEndian(Self.version)
        bytes.append(codec.rawValue)
        bytes.append(kind.rawValue)
        bytes.appendLittleEndian(firstSequence)
        bytes.appendLittleEndian(lastSequence)
        bytes.appendLittleEndian(UInt32(recordCount))
        bytes.appendLittleEndian(UInt32(rawByteCount))
        bytes.appendLittleEndian(UInt32(storedByteCount))
        bytes.appendLittleEndian(payloadChecksum)
        bytes.appendLittleEndian(timeNanoseconds)
        bytes.append(contentsOf: previousHash.bytes)
        return bytes
    }
}

extension BlockHeader {
    /// nil unless the bytes are a whole and undamaged header whose numbers fit together.
    init?(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount else { return nil }
        let header = unsafe bytes.withUnsafeBytes { unsafe Self.decode(ByteReader($0)) }
        guard let header, header.isConsistent else { return nil }
        self = header
    }

    private static func decode(_ bytes: ByteReader) -> BlockHeader? {
        guard bytes.uint32(at: 0) == magic, bytes.uint16(at: 4) == version, bytes.isZero(112..<124),
            bytes.uint32(at: 124) == bytes.checksum(0..<124),
            let codec = Codec(rawValue: bytes.uint8(at: 6)), let kind = Kind(rawValue: bytes.uint8(at: 7)),
            let previousHash = SHA256Digest(bytes: bytes.bytes(48..<80)), let hash = SHA256Digest(bytes: bytes.bytes(80..<112))
        else { return nil }
        return BlockHeader(
            codec: codec, kind: kind, firstSequence: bytes.uint64(at: 8), lastSequence: bytes.uint64(at: 16),
            recordCount: Int(bytes.uint32(at: 24)), rawByteCount: Int(bytes.uint32(at: 28)),
            storedByteCount: Int(bytes.uint32(at: 32)), payloadChecksum: bytes.uint32(at: 36),
            timeNanoseconds: Int64(bitPattern: bytes.uint64(at: 40)), previousHash: previousHash, hash: hash)
    }

    private var isConsistent: Bool {
        guard firstSequence > 0, lastSequence >= firstSequence, recordCount > 0, rawByteCount <= AuditLimits.blockRawByteCountMax,
            storedByteCount <= rawByteCount, storedByteCount > 0, recordCount <= rawByteCount / 4
        else { return false }
        if codec == .none, storedByteCount != rawByteCount { return false }
        return kind == .records ? lastSequence - firstSequence == UInt64(recordCount - 1) : recordCount == 1
    }
}
