import Platform

/// Why an index can't be used. None of these loses anything: the segment is read instead, and the index is made anew.
enum IndexError: Error, Equatable {
    /// There is none.
    case missing
    /// Bytes of it are not what they were when it was written.
    case damaged
    /// It was made of another segment, or of this one before it changed.
    case foreign
    case system(SystemError)

    init(_ error: SystemError) { self = error.isMissingFile ? .missing : .system(error) }
}

/// The index of one closed segment. Only its header and, as far as memory is granted, its filter are in memory; the rest is read where
/// it is needed, and every piece read is held against its checksum.
struct SegmentIndex: Sendable {
    let header: IndexHeader
    private let storage: any JournalStorage
    /// nil: not in memory.
    var filter: TransactionFilter?

    var firstSequence: UInt64 { header.firstSequence }
    var filterByteCount: Int { header.filterLineCount * IndexFormat.lineByteCount }

    /// Opens the index of the segment `firstSequence` and makes sure that it was made of that very segment.
    static func load(
        _ firstSequence: UInt64, identity: JournalIdentity, storage: any JournalStorage, withFilter: Bool
    ) throws(IndexError) -> SegmentIndex {
        do {
            let file = try storage.openForReading(IndexFormat.name(firstSequence))
            guard let header = IndexHeader(try file.bytes(at: 0, count: IndexHeader.byteCount)),
                try file.byteCount() == header.fileByteCount
            else { throw IndexError.damaged }
            guard header.identity == identity, header.firstSequence == firstSequence else { throw IndexError.foreign }
            var index = SegmentIndex(header: header, storage: storage)
            try index.checkSegment(try index.blockTable(file))
            if withFilter { index.filter = try index.readFilter(file) }
            return index
        } catch let error as IndexError {
            throw error
        } catch let error as SystemError {
            throw IndexError(error)
        } catch {
            preconditionFailure("unexpected error \(error)")
        }
    }

    private init(header: IndexHeader, storage: any JournalStorage) {
        self.header = header
        self.storage = storage
    }

    /// The segment is as long as it was, and ends with the block that it ended with.
    private func checkSegment(_ table: BlockTable) throws {
        let file = try storage.openForReading(JournalDirectory.segmentName(firstSequence))
        guard try file.byteCount() == header.segmentByteCount else { throw IndexError.foreign }
        let bytes = try file.bytes(at: table.offset(header.blockCount - 1), count: BlockHeader.byteCount)
        guard let block = BlockHeader(bytes), block.hash == header.lastHash, block.lastSequence == header.lastSequence else {
            throw IndexError.foreign
        }
    }

    private func readFilter(_ file: any JournalFile) throws -> TransactionFilter {
        let bytes = try file.bytes(at: header.filterOffset, count: filterByteCount)
        guard bytes.count == filterByteCount, bytes.checksum == header.filterChecksum else { throw IndexError.damaged }
        return TransactionFilter(bytes: bytes)
    }

    private func blockTable(_ file: any JournalFile) throws(IndexError) -> BlockTable {
        let byteCount = header.blockCount * IndexFormat.blockByteCount
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try file.bytes(at: header.blockTableOffset, count: byteCount) } catch {
            throw IndexError(error)
        }
        guard bytes.count == byteCount, bytes.checksum == header.blockTableChecksum else { throw IndexError.damaged }
        return BlockTable(bytes: bytes)
    }

    /// An opened index file, for several reads.
    func open() throws(IndexError) -> Opened {
        do throws(SystemError) {
            return Opened(index: self, file: try storage.openForReading(IndexFormat.name(firstSequence)))
        } catch {
            throw IndexError(error)
        }
    }
}

extension SegmentIndex {
    /// First number and offset of each block.
    struct BlockTable {
        let bytes: [UInt8]

        var count: Int { bytes.count / IndexFormat.blockByteCount }
        func firstSequence(_ index: Int) -> UInt64 { word(index * IndexFormat.blockByteCount) }
        func offset(_ index: Int) -> Int { Int(truncatingIfNeeded: word(index * IndexFormat.blockByteCount + 8) & (1 << 62 - 1)) }

        private func word(_ offset: Int) -> UInt64 { unsafe bytes.withUnsafeBytes { unsafe ByteReader($0).uint64(at: offset) } }

        /// Where the last block that begins at `sequence` or before lies; nil: there is none.
        func offset(of sequence: UInt64) -> Int? {
            var low = 0
            var high = count
            while low < high {
                let middle = (low + high) / 2
                if firstSequence(middle) <= sequence { low = middle + 1 } else { high = middle }
            }
            return low > 0 ? offset(low - 1) : nil
        }
    }

    struct Opened {
        let index: SegmentIndex
        let file: any JournalFile

        /// Where in the segment the block lies that should hold `sequence`.
        func blockOffset(of sequence: UInt64) throws(IndexError) -> Int? {
            try index.blockTable(file).offset(of: sequence)
        }

        /// Calls `body` with the numbers of the records whose transaction id may have the hash, the newest first, until it says false.
        func forEachSequence(_ hash: UInt64, _ body: (UInt64) throws(IndexError) -> Bool) throws(IndexError) {
            var page = try lastPage(notAfter: hash)
            while page >= 0 {
                let entries = try read(page)
                for entry in entries.reversed() {
                    if entry.hash > hash { continue }
                    guard entry.hash == hash, try body(entry.sequence) else { return }
                }
                page -= 1
            }
        }

        /// The last page that begins with the hash or a smaller one; -1: there is none.
        private func lastPage(notAfter hash: UInt64) throws(IndexError) -> Int {
            var low = 0
            var high = index.header.pageCount
            var probes = 0
            while low < high {
                // Hashes are spread evenly, so the place can be computed but for a page or two; halving ends it whatever they are.
                let guess = Int((hash.multipliedFullWidth(by: UInt64(index.header.pageCount))).high)
                let probe = probes < 4 ? min(max(guess, low), high - 1) : (low + high) / 2
                probes += 1
                let entries = try read(probe)
                if entries[0].hash > hash {
                    high = probe
                } else {
                    low = probe + 1
                    if entries[entries.count - 1].hash > hash { return probe }
                }
            }
            return low - 1
        }

        /// The entries of a page: at least one.
        private func read(_ page: Int) throws(IndexError) -> [(hash: UInt64, sequence: UInt64)] {
            let bytes: [UInt8]
            do throws(SystemError) {
                let offset = index.header.pagesOffset + page * IndexFormat.pageByteCount
                bytes = try file.bytes(at: offset, count: IndexFormat.pageByteCount)
            } catch {
                throw IndexError(error)
            }
            guard bytes.count == IndexFormat.pageByteCount else { throw .damaged }
            let entries: [(hash: UInt64, sequence: UInt64)]? = unsafe bytes.withUnsafeBytes { buffer in
                let reader = unsafe ByteReader(buffer)
                let end = IndexFormat.pageByteCount - 4
                let count = Int(reader.uint32(at: IndexFormat.pageEntryCount * 16))
                guard reader.uint32(at: end) == reader.checksum(0..<end), (1...IndexFormat.pageEntryCount).contains(count) else {
                    return nil
                }
                return (0..<count).map { (reader.uint64(at: $0 * 16), reader.uint64(at: $0 * 16 + 8)) }
            }
            guard let entries else { throw .damaged }
            return entries
        }
    }
}

extension SystemError {
    /// The file was not there (ENOENT): it never was, or has been removed.
    var isMissingFile: Bool { code == 2 }
}
