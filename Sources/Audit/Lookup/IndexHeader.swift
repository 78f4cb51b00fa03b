import Platform

/// The first 128 bytes of an index file (`….index`, beside the segment of the same number).
///
///          0      4  magic "ASJX"
///          4      4  format version, 1
///          8     16  the journal's identity
///         24      8  first sequence number of the segment
///         32      8  last sequence number of the segment
///         40      8  bytes of the segment's file
///         48     32  SHA-256 of the segment's last block
///         80      8  seed of the hashes
///         88      4  blocks
///         92      4  pages
///         96      4  lines of the filter
///        100      4  CRC-32C of the block table
///        104      4  CRC-32C of the filter
///        108      8  entries in the pages
///        116      8  zero
///        124      4  CRC-32C of bytes 0-123
///
/// Behind it: the block table (16 bytes a block), the pages (4096 bytes each), the filter (64 bytes a line).
struct IndexHeader: Equatable, Sendable {
    static let byteCount = 128
    static let magic: UInt32 = 0x584a_5341  // "ASJX"
    static let version: UInt32 = 1

    var identity: JournalIdentity
    var firstSequence: UInt64
    var lastSequence: UInt64
    var segmentByteCount: Int
    var lastHash: SHA256Digest
    var hash: TransactionHash
    var blockCount: Int
    var pageCount: Int
    var filterLineCount: Int
    var blockTableChecksum: UInt32
    var filterChecksum: UInt32
    var entryCount: Int

    var blockTableOffset: Int { Self.byteCount }
    var pagesOffset: Int { blockTableOffset + blockCount * IndexFormat.blockByteCount }
    var filterOffset: Int { pagesOffset + pageCount * IndexFormat.pageByteCount }
    var fileByteCount: Int { filterOffset + filterLineCount * IndexFormat.lineByteCount }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendLittleEndian(Self.magic)
        bytes.appendLittleEndian(Self.version)
        bytes.append(contentsOf: identity.bytes)
        bytes.appendLittleEndian(firstSequence)
        bytes.appendLittleEndian(lastSequence)
        bytes.appendLittleEndian(UInt64(segmentByteCount))
        bytes.append(contentsOf: lastHash.bytes)
        bytes.appendLittleEndian(hash.seed)
        bytes.appendLittleEndian(UInt32(blockCount))
        bytes.appendLittleEndian(UInt32(pageCount))
        bytes.appendLittleEndian(UInt32(filterLineCount))
        bytes.appendLittleEndian(blockTableChecksum)
        bytes.appendLittleEndian(filterChecksum)
        bytes.appendLittleEndian(UInt64(entryCount))
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 124 - bytes.count))
        bytes.appendLittleEndian(bytes.checksum)
        return bytes
    }
}

extension IndexHeader {
    /// nil unless the bytes are a whole and undamaged header of this format, and its figures fit together.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        let header = unsafe bytes.withUnsafeBytes { unsafe Self.decode(ByteReader($0)) }
        guard let header, header.isConsistent else { return nil }
        self = header
    }

    private static func decode(_ bytes: ByteReader) -> IndexHeader? {
        guard bytes.uint32(at: 0) == magic, bytes.uint32(at: 4) == version, bytes.uint32(at: 124) == bytes.checksum(0..<124),
            let lastHash = SHA256Digest(bytes: bytes.bytes(48..<80)), let segmentByteCount = Int(exactly: bytes.uint64(at: 40)),
            let entryCount = Int(exactly: bytes.uint64(at: 108))
        else { return nil }
        return IndexHeader(
            identity: JournalIdentity(bytes: bytes.bytes(8..<24)), firstSequence: bytes.uint64(at: 24),
            lastSequence: bytes.uint64(at: 32), segmentByteCount: segmentByteCount, lastHash: lastHash,
            hash: TransactionHash(seed: bytes.uint64(at: 80)), blockCount: Int(bytes.uint32(at: 88)),
            pageCount: Int(bytes.uint32(at: 92)), filterLineCount: Int(bytes.uint32(at: 96)),
            blockTableChecksum: bytes.uint32(at: 100), filterChecksum: bytes.uint32(at: 104), entryCount: entryCount)
    }

    private var isConsistent: Bool {
        lastSequence >= firstSequence && blockCount > 0 && entryCount <= pageCount * IndexFormat.pageEntryCount
            && pageCount == (entryCount + IndexFormat.pageEntryCount - 1) / IndexFormat.pageEntryCount
            && filterLineCount == IndexFormat.filterLineCount(entryCount: entryCount)
    }
}

/// Sizes in an index file.
enum IndexFormat {
    /// First number of the block, offset in the segment: 8 bytes each.
    static let blockByteCount = 16
    /// 255 entries of hash and number (8 bytes each, ascending by both), count of entries (4), zero (8), CRC-32C of all that (4).
    static let pageByteCount = 4096
    static let pageEntryCount = 255
    /// A line of the filter is what one look-up touches: a processor's cache line.
    static let lineByteCount = 64
    /// About 10 bits an entry and 6 of them set: one in a hundred foreign ids seems to be there.
    static let filterBitsPerEntry = 10

    static func filterLineCount(entryCount: Int) -> Int { (entryCount * filterBitsPerEntry + 511) / 512 }

    static let suffix = ".index"

    static func name(_ firstSequence: UInt64) -> String {
        String(JournalDirectory.segmentName(firstSequence).dropLast(JournalDirectory.segmentSuffix.count)) + suffix
    }
}

extension [UInt8] {
    var checksum: UInt32 { unsafe withUnsafeBytes { unsafe crc32c($0) } }
}
