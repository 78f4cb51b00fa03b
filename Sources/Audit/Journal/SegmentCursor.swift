import CLZ4
import Platform
import Wire

/// What lies at a place in a segment where a block should be.
enum BlockReading {
    case block(StoredBlock)
    /// The file ends here.
    case end
    /// The file ends before the block does.
    case incomplete
    case damaged(BlockDamage)

    var isEnd: Bool { if case .end = self { true } else { false } }
}

/// What is wrong with a block by itself.
enum BlockDamage: Equatable {
    case header
    case payloadChecksum
    case hash
}

/// A block as it lies in the file, header and checksum good.
struct StoredBlock {
    let header: BlockHeader
    let offset: Int
    let payload: [UInt8]

    var endOffset: Int { offset + BlockHeader.byteCount + payload.count }

    var hasGoodHash: Bool { unsafe payload.withUnsafeBytes { unsafe header.computedHash($0) } == header.hash }
}

/// Walks over the blocks of one segment file.
struct SegmentCursor {
    private static let searchByteCount = 1 << 20
    let file: any JournalFile
    var offset = SegmentHeader.byteCount

    init(_ file: any JournalFile) { self.file = file }

    /// The segment's header; nil when it is damaged or cut.
    func segmentHeader() throws(SystemError) -> SegmentHeader? {
        SegmentHeader(try file.bytes(at: 0, count: SegmentHeader.byteCount))
    }

    /// The block at `offset`; doesn't move. The hash is only checked when asked for: the checksum finds accidents, the hash forgeries.
    func read(checkingHash: Bool) throws(SystemError) -> BlockReading {
        let bytes = try file.bytes(at: offset, count: BlockHeader.byteCount)
        if bytes.isEmpty { return .end }
        guard bytes.count == BlockHeader.byteCount else { return .incomplete }
        guard let header = BlockHeader(bytes) else { return .damaged(.header) }
        let payload = try file.bytes(at: offset + BlockHeader.byteCount, count: header.storedByteCount)
        guard payload.count == header.storedByteCount else { return .incomplete }
        guard unsafe payload.withUnsafeBytes({ unsafe crc32c($0) }) == header.payloadChecksum else {
            return .damaged(.payloadChecksum)
        }
        let block = StoredBlock(header: header, offset: offset, payload: payload)
        return checkingHash && !block.hasGoodHash ? .damaged(.hash) : .block(block)
    }

    /// The header at `offset` without its payload; nil: there is no whole good one.
    func header() throws(SystemError) -> BlockHeader? {
        BlockHeader(try file.bytes(at: offset, count: BlockHeader.byteCount))
    }

    /// When the first decision of the block at `offset` was made, Unix nanoseconds; nil: it can't be read.
    func firstTime() throws(SystemError) -> Int64? {
        guard case .block(let stored) = try read(checkingHash: false), let block = JournalBlock(stored, segment: ""),
            block.recordCount > 0
        else { return nil }
        return unsafe block.withRecord(0) { record in
            var view = AuditRecordView()
            return unsafe view.read(record) ? view.timeNanoseconds : nil
        }
    }

    /// The next place after `offset` where a good block begins; nil: there is none up to the file's end.
    func nextGoodOffset() throws(SystemError) -> Int? {
        // Where only the payload is bad, the header still says where the next block is. Otherwise every byte may be the first of a block.
        var start = offset + 1
        let magic = (0..<4).map { UInt8(truncatingIfNeeded: BlockHeader.magic >> (8 * $0)) }
        while true {
            let count = min(Self.searchByteCount + 3, try file.byteCount() - start)
            guard count >= 4 else { return nil }
            let window = try file.bytes(at: start, count: count)
            guard window.count >= 4 else { return nil }
            var index = 0
            while index + 4 <= window.count {
                guard let found = window[index..<window.count - 3].firstIndex(of: magic[0]) else { break }
                if window[found + 1] == magic[1], window[found + 2] == magic[2], window[found + 3] == magic[3] {
                    var candidate = self
                    candidate.offset = start + found
                    if case .block = try candidate.read(checkingHash: true) { return candidate.offset }
                }
                index = found + 1
            }
            if window.count < Self.searchByteCount + 3 { return nil }
            start += Self.searchByteCount
        }
    }
}

extension StoredBlock {
    /// What the next block names as its predecessor: this block, but after a repair the last block that is missing. nil: the repair's record
    /// can't be read.
    var successorHash: SHA256Digest? {
        guard header.kind == .repair else { return header.hash }
        guard let block = JournalBlock(self, segment: "") else { return nil }
        return unsafe block.withRecord(0) { unsafe AuditRecord.decode($0) }?.voidRange.flatMap { SHA256Digest(bytes: $0.chain) }
    }

    /// The payload before compression; nil when it doesn't decompress to what the header says.
    func rawBytes() -> [UInt8]? {
        if header.codec == .none { return payload }
        var written: Int32 = -1
        let raw = unsafe [UInt8](unsafeUninitializedCapacity: header.rawByteCount) { buffer, count in
            unsafe payload.withUnsafeBytes { payload in
                // Safety: LZ4 reads at most the payload and writes at most the raw byte count, which has a limit.
                unsafe written = LZ4_decompress_safe(
                    payload.baseAddress!.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(to: CChar.self), Int32(payload.count),
                    Int32(header.rawByteCount))
            }
            count = max(0, Int(written))
        }
        return Int(written) == header.rawByteCount ? raw : nil
    }
}
