import Platform

/// Makes the bytes of an index file from a segment's contents.
enum IndexWriter {
    private struct Entry {
        var hash: UInt64
        var sequence: UInt64
    }

    /// nil when there is no block to speak of, or some hashes are missing.
    static func encode(_ contents: SegmentContents, identity: JournalIdentity, segmentByteCount: Int) -> [UInt8]? {
        guard contents.isComplete, let last = contents.blocks.last else { return nil }
        var entries = entries(contents.blocks)
        sort(&entries)
        var filter = TransactionFilter(entryCount: entries.count)
        for entry in entries { filter.insert(entry.hash) }
        let table = blockTable(contents.blocks)
        let pages = pages(entries)
        let header = IndexHeader(
            identity: identity, firstSequence: contents.firstSequence, lastSequence: last.lastSequence,
            segmentByteCount: segmentByteCount, lastHash: contents.lastHash, hash: contents.hash,
            blockCount: contents.blocks.count, pageCount: pages.count / IndexFormat.pageByteCount,
            filterLineCount: filter.bytes.count / IndexFormat.lineByteCount, blockTableChecksum: table.checksum,
            filterChecksum: filter.bytes.checksum, entryCount: entries.count)
        var bytes = header.encoded
        bytes.reserveCapacity(header.fileByteCount)
        bytes += table
        bytes += pages
        bytes += filter.bytes
        return bytes
    }

    private static func entries(_ blocks: [BlockSummary]) -> [Entry] {
        var entries: [Entry] = []
        entries.reserveCapacity(blocks.reduce(0) { $0 + ($1.hashes?.count ?? 0) })
        for block in blocks {
            for (index, hash) in (block.hashes ?? []).enumerated() where hash != 0 {
                entries.append(Entry(hash: hash, sequence: block.firstSequence + UInt64(index)))
            }
        }
        return entries
    }

    /// By hash, equal ones staying in order of their numbers: byte by byte from the lowest, which takes a third of a comparing sort's time.
    private static func sort(_ entries: inout [Entry]) {
        var other = entries
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            var starts = [Int](repeating: 0, count: 257)
            for entry in entries { starts[Int(entry.hash >> shift & 255) + 1] += 1 }
            for digit in 1..<257 { starts[digit] += starts[digit - 1] }
            for entry in entries {
                let digit = Int(entry.hash >> shift & 255)
                other[starts[digit]] = entry
                starts[digit] += 1
            }
            swap(&entries, &other)
        }
    }

    private static func blockTable(_ blocks: [BlockSummary]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(blocks.count * IndexFormat.blockByteCount)
        for block in blocks {
            bytes.appendLittleEndian(block.firstSequence)
            bytes.appendLittleEndian(UInt64(block.offset))
        }
        return bytes
    }

    private static func pages(_ entries: [Entry]) -> [UInt8] {
        let pageCount = (entries.count + IndexFormat.pageEntryCount - 1) / IndexFormat.pageEntryCount
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pageCount * IndexFormat.pageByteCount)
        for page in 0..<pageCount {
            let start = bytes.count
            let own = entries[page * IndexFormat.pageEntryCount..<min(entries.count, (page + 1) * IndexFormat.pageEntryCount)]
            for entry in own {
                bytes.appendLittleEndian(entry.hash)
                bytes.appendLittleEndian(entry.sequence)
            }
            let filled = IndexFormat.pageEntryCount * 16
            bytes.append(contentsOf: repeatElement(0, count: start + filled - bytes.count))
            bytes.appendLittleEndian(UInt32(own.count))
            bytes.appendLittleEndian(UInt64(0))
            bytes.appendLittleEndian(
                unsafe bytes.withUnsafeBytes { unsafe ByteReader($0).checksum(start..<start + IndexFormat.pageByteCount - 4) })
        }
        return bytes
    }
}
