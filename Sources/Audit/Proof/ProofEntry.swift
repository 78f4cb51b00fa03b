import Platform

/// One entry of the file `proof`: 256 bytes, chained to the entry before it, signed where the server has a key.
///
///          0      4  magic "ASJP"
///          4      2  format version, 1
///          6      1  kind: 1 checkpoint, 2 retirement, 3 repair, 4 gap
///          7      1  signature: 0 none, 1 Ed25519
///          8     16  the journal's identity
///         24      8  index of this entry, from 0
///         32      8  wall time of writing, Unix nanoseconds
///         40      8  segment: its first number
///         48      8  sequence
///         56      8  count
///         64     32  hash
///         96     32  SHA-256 of the 256 bytes of the entry before; of the first entry: of "assay proof " and the identity
///        128     32  Ed25519 public key, zero without signature
///        160     28  zero
///        188     64  Ed25519 signature over bytes 0-187, zero without
///        252      4  CRC-32C of bytes 0-251
///
/// docs/JOURNAL.md says what segment, sequence, count and hash are in each kind.
public struct ProofEntry: Equatable, Sendable {
    static let byteCount = 256
    static let magic: UInt32 = 0x504a_5341  // "ASJP"
    static let version: UInt16 = 1
    private static let signedByteCount = 188

    public enum Kind: UInt8, Sendable {
        /// The journal ended with the block of `hash`, whose last number is `sequence`, in `segment`; it was the `count`th block.
        case checkpoint = 1
        /// The journal begins with `segment`, which follows the block of `hash`; `sequence` was the last number before, `count` segments went.
        case retirement = 2
        /// A repair block of `hash` stands in `segment` for damaged records up to `sequence`; the first of them is `count`.
        case repair = 3
        /// `count` entries from `sequence` on were unreadable or forged; the next entry names `hash` as its predecessor.
        case gap = 4
    }

    public var kind: Kind
    public var identity: JournalIdentity
    public var index: UInt64
    public var timeNanoseconds: Int64
    public var segment: UInt64
    public var sequence: UInt64
    public var count: UInt64
    public var hash: SHA256Digest
    public var previousHash: SHA256Digest
    /// nil: the entry isn't signed.
    public private(set) var publicKey: Ed25519PublicKey?
    private var signature: [UInt8]

    init(
        kind: Kind, identity: JournalIdentity, index: UInt64, timeNanoseconds: Int64, segment: UInt64, sequence: UInt64,
        count: UInt64,
        hash: SHA256Digest, previousHash: SHA256Digest, key: Ed25519PrivateKey?
    ) {
        self.kind = kind
        self.identity = identity
        self.index = index
        self.timeNanoseconds = timeNanoseconds
        self.segment = segment
        self.sequence = sequence
        self.count = count
        self.hash = hash
        self.previousHash = previousHash
        publicKey = key?.publicKey
        signature = [UInt8](repeating: 0, count: Ed25519PublicKey.signatureByteCount)
        if let key { signature = key.sign(signedBytes) }
    }

    /// nil unless the bytes are a whole and undamaged entry.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        let entry = unsafe bytes.withUnsafeBytes { unsafe Self.decode(ByteReader($0)) }
        guard let entry else { return nil }
        self = entry
    }

    private init?(_ bytes: ByteReader, kind: Kind, hash: SHA256Digest, previousHash: SHA256Digest) {
        self.kind = kind
        identity = JournalIdentity(bytes: bytes.bytes(8..<24))
        index = bytes.uint64(at: 24)
        timeNanoseconds = Int64(bitPattern: bytes.uint64(at: 32))
        segment = bytes.uint64(at: 40)
        sequence = bytes.uint64(at: 48)
        count = bytes.uint64(at: 56)
        self.hash = hash
        self.previousHash = previousHash
        signature = bytes.bytes(Self.signedByteCount..<252)
        switch bytes.uint8(at: 7) {
        case 0: guard bytes.isZero(128..<252) else { return nil }
        case 1:
            publicKey = Ed25519PublicKey(bytes: bytes.bytes(128..<160))
            guard bytes.isZero(160..<188) else { return nil }
        default: return nil
        }
    }

    private static func decode(_ bytes: ByteReader) -> ProofEntry? {
        guard bytes.uint32(at: 0) == magic, bytes.uint16(at: 4) == version, bytes.uint32(at: 252) == bytes.checksum(0..<252),
            let kind = Kind(rawValue: bytes.uint8(at: 6)), let hash = SHA256Digest(bytes: bytes.bytes(64..<96)),
            let previousHash = SHA256Digest(bytes: bytes.bytes(96..<128))
        else { return nil }
        return ProofEntry(bytes, kind: kind, hash: hash, previousHash: previousHash)
    }

    var encoded: [UInt8] {
        var bytes = signedBytes + signature
        bytes.appendLittleEndian(unsafe bytes.withUnsafeBytes { unsafe crc32c($0) })
        return bytes
    }

    /// What the next entry names as its predecessor: this one, but after a gap the last entry that is missing.
    var successorHash: SHA256Digest { kind == .gap ? hash : digest }

    /// SHA-256 of the entry's bytes.
    var digest: SHA256Digest { SHA256Hasher.hash(encoded) }

    /// The index of the next entry.
    var successorIndex: UInt64 { kind == .gap ? sequence &+ count : index &+ 1 }

    /// Whether the signature is that of the key in the entry; false without one.
    public var hasGoodSignature: Bool { publicKey?.isSignature(signature, of: signedBytes) ?? false }

    private var signedBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendLittleEndian(Self.magic)
        bytes.appendLittleEndian(Self.version)
        bytes.append(kind.rawValue)
        bytes.append(publicKey == nil ? 0 : 1)
        bytes.append(contentsOf: identity.bytes)
        bytes.appendLittleEndian(index)
        bytes.appendLittleEndian(timeNanoseconds)
        bytes.appendLittleEndian(segment)
        bytes.appendLittleEndian(sequence)
        bytes.appendLittleEndian(count)
        bytes.append(contentsOf: hash.bytes)
        bytes.append(contentsOf: previousHash.bytes)
        bytes.append(contentsOf: publicKey?.bytes ?? [UInt8](repeating: 0, count: Ed25519PublicKey.byteCount))
        bytes.append(contentsOf: [UInt8](repeating: 0, count: Self.signedByteCount - bytes.count))
        return bytes
    }
}

extension JournalIdentity {
    /// What the first entry of `proof` names as its predecessor.
    var proofGenesis: SHA256Digest { SHA256Hasher.hash(Array("assay proof ".utf8) + bytes) }
}
