import Platform
import Wire

/// Reads a journal from a number on, block by block, with the memory of one block. The journal may be written meanwhile: the reader
/// sees what is complete, and can be asked again later.
///
/// Places that can't be read are passed over and counted; `JournalVerifier` says what is wrong with them.
public struct JournalReader {
    private let storage: any JournalStorage
    private var segment: UInt64?
    private var cursor: SegmentCursor?
    /// Records below this number are not delivered.
    private var from: UInt64
    private var block: JournalBlock?
    private var index = 0
    /// Unreadable places that were passed over so far.
    public private(set) var damageCount = 0

    /// Reads from number `from` on, or from the first that the journal has after it.
    public init(directory: String, from: UInt64 = 1) throws(AuditError) {
        try self.init(storage: DiskStorage(directory: directory), path: directory, from: from)
    }

    init(storage: any JournalStorage, path: String, from: UInt64) throws(AuditError) {
        self.storage = storage
        self.from = max(1, from)
        guard try JournalDirectory.identity(storage, path: path) != nil else { throw .noJournal(path: path) }
    }

    /// The next record; nil: there is none (yet).
    public mutating func next() throws(AuditError) -> JournalRecord? {
        while true {
            if let block, index < block.recordCount {
                defer { index += 1 }
                let isVoid = block.header.kind != .records
                let sequence = block.sequence(index)
                if !isVoid, sequence < from { continue }
                return JournalRecord(
                    sequence: sequence, lastSequence: isVoid ? block.header.lastSequence : sequence, isVoid: isVoid,
                    bytes: block.record(index))
            }
            guard let next = try nextBlock() else { return nil }
            block = next
            index = 0
        }
    }

    /// The next block that holds a number from the start on (it may begin with smaller ones); nil: there is none (yet).
    public mutating func nextBlock() throws(AuditError) -> JournalBlock? {
        do {
            return try advance()
        } catch {
            throw .system(error)
        }
    }

    /// File name of the segment being read and the offset of the next block in it: everything before has been delivered.
    public var position: (segment: String, offset: Int)? {
        guard let segment, let cursor else { return nil }
        return (JournalDirectory.segmentName(segment), cursor.offset)
    }

    private mutating func advance() throws(SystemError) -> JournalBlock? {
        if cursor == nil, try !openFirst() { return nil }
        while let cursor, let segment {
            // A block wholly below the start costs no more than its header.
            if let header = try cursor.header(), header.lastSequence < from {
                let end = cursor.offset + BlockHeader.byteCount + header.storedByteCount
                if try end <= cursor.file.byteCount() {
                    self.cursor?.offset = end
                    continue
                }
            }
            switch try cursor.read(checkingHash: false) {
            case .block(let stored):
                self.cursor?.offset = stored.endOffset
                guard let block = JournalBlock(stored, segment: JournalDirectory.segmentName(segment)) else {
                    damageCount += 1
                    continue
                }
                return block
            case .end, .incomplete, .damaged:
                if try !passOver() { return nil }
            }
        }
        return nil
    }

    /// At a place without a good block: goes on behind the damage or to the next segment; false: this is the journal's end for now.
    private mutating func passOver() throws(SystemError) -> Bool {
        guard var cursor, let segment else { return false }
        let next = try JournalDirectory.segments(storage).first { $0 > segment }
        // The segment may have grown before the next one was begun, so it is looked at again after that one was seen.
        switch try cursor.read(checkingHash: false) {
        case .block: return true
        case .end: break
        case .incomplete, .damaged:
            if let offset = try cursor.nextGoodOffset() {
                damageCount += 1
                cursor.offset = offset
                self.cursor = cursor
                return true
            }
            if next != nil { damageCount += 1 }
        }
        guard let next else { return false }
        try open(next)
        return true
    }

    /// Opens the segment that holds `from`; false: there is no segment yet.
    private mutating func openFirst() throws(SystemError) -> Bool {
        let segments = try JournalDirectory.segments(storage)
        guard let first = segments.first else { return false }
        try open(Self.last(segments, notAfter: from) ?? first)
        return true
    }

    private mutating func open(_ segment: UInt64) throws(SystemError) {
        cursor = SegmentCursor(try storage.openForReading(JournalDirectory.segmentName(segment)))
        self.segment = segment
    }

    /// The last segment that begins at `sequence` or before, by halving.
    private static func last(_ segments: [UInt64], notAfter sequence: UInt64) -> UInt64? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle] <= sequence { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? segments[low - 1] : nil
    }
}

extension JournalReader {
    /// The record with one number, or the void that covers it; nil: the journal doesn't have it.
    public static func record(_ sequence: UInt64, directory: String) throws(AuditError) -> JournalRecord? {
        try record(sequence, storage: DiskStorage(directory: directory), path: directory)
    }

    static func record(_ sequence: UInt64, storage: any JournalStorage, path: String) throws(AuditError) -> JournalRecord? {
        var reader = try JournalReader(storage: storage, path: path, from: sequence)
        guard let record = try reader.next(), record.sequence <= sequence, record.lastSequence >= sequence else {
            if reader.damageCount > 0 { throw .recordUnreadable(sequence: sequence) }
            return nil
        }
        return record
    }

    /// Bytes of the journal's files from the block that holds `sequence` on.
    static func byteCount(from sequence: UInt64, storage: any JournalStorage, path: String) throws(AuditError) -> Int {
        var reader = try JournalReader(storage: storage, path: path, from: sequence)
        guard let block = try reader.nextBlock() else { return 0 }
        do {
            let segments = try JournalDirectory.segments(storage).filter { JournalDirectory.segmentName($0) >= block.segment }
            let total = try segments.reduce(0) { sum, segment in
                try sum + storage.openForReading(JournalDirectory.segmentName(segment)).byteCount()
            }
            return total - block.offset
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            throw .noJournal(path: path)
        }
    }
}
