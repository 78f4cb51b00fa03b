import Platform
import Synchronization

/// Hands out a journal in runs of neighbouring blocks, to as many threads as like to read it; the runs are the same whatever the number
/// of threads. The journal may be written meanwhile: what was not complete when the reading came there is left out.
///
/// While handing out it checks that each block names the hash of the one before, and that numbers are dense. What a block's bytes are worth
/// is for the reader to check (`JournalBlockMemory`).
public final class JournalRuns: Sendable {
    private let storage: any JournalStorage
    private let state: Mutex<State>
    /// Bytes of the segments when the reading began.
    public let byteCount: Int

    /// From the first segment on, or only what was written at `writtenFrom` (Unix nanoseconds) or later.
    public init(directory: String, writtenFrom: Int64 = .min) throws(AuditError) {
        storage = DiskStorage(directory: directory)
        guard try JournalDirectory.identity(storage, path: directory) != nil else { throw .noJournal(path: directory) }
        do {
            let segments = try JournalDirectory.segments(storage)
            var total = 0
            for segment in segments { total += try storage.openForReading(JournalDirectory.segmentName(segment)).byteCount() }
            byteCount = total
            state = Mutex(State(segments: segments[...], writtenFrom: writtenFrom))
        } catch {
            throw .system(error)
        }
    }

    /// The next run; nil: all were handed out.
    public func next() throws(AuditError) -> JournalRun? {
        let result: Result<JournalRun?, SystemError> = state.withLock { state in
            do throws(SystemError) { return .success(try state.next(storage)) } catch { return .failure(error) }
        }
        do { return try result.get() } catch { throw .system(error) }
    }

    /// Places at which the journal could not be read or a block does not follow the one before it, so far.
    public var damageCount: Int { state.withLock { $0.damageCount } }

    /// Blocks that void numbers, so far.
    public var voidCount: Int { state.withLock { $0.voidCount } }

    /// Bytes of the segments that were handed out or passed over so far.
    public var passedByteCount: Int { state.withLock { $0.passedByteCount } }

    private struct State {
        /// Those to come.
        var segments: ArraySlice<UInt64>
        let writtenFrom: Int64
        var cursor: SegmentCursor?
        var runCount = 0
        var damageCount = 0
        var voidCount = 0
        var finishedByteCount = 0
        private var previousHash: SHA256Digest?
        private var nextSequence: UInt64?

        var passedByteCount: Int { finishedByteCount + (cursor?.offset ?? 0) }

        init(segments: ArraySlice<UInt64>, writtenFrom: Int64) {
            self.segments = segments
            self.writtenFrom = writtenFrom
        }

        mutating func next(_ storage: any JournalStorage) throws(SystemError) -> JournalRun? {
            while true {
                if cursor == nil {
                    guard let segment = segments.popFirst() else { return nil }
                    cursor = SegmentCursor(try storage.openForReading(JournalDirectory.segmentName(segment)))
                }
                if let run = try gather() { return run }
                finishedByteCount += cursor?.offset ?? 0
                cursor = nil
            }
        }

        /// The next blocks of the open segment; nil at its end.
        private mutating func gather() throws(SystemError) -> JournalRun? {
            guard var cursor else { return nil }
            var places: [JournalRun.Place] = []
            var rawByteCount = 0
            let fileByteCount = try cursor.file.byteCount()
            while rawByteCount < AuditLimits.runRawByteCount, places.count < AuditLimits.runBlockCountMax {
                guard let header = try cursor.header() else {
                    guard cursor.offset < fileByteCount else { break }
                    // Behind damage the next good block is looked for.
                    guard let offset = try cursor.nextGoodOffset() else {
                        leaveRest(&cursor, fileByteCount)
                        break
                    }
                    damageCount += 1
                    cursor.offset = offset
                    continue
                }
                let end = cursor.offset + BlockHeader.byteCount + header.storedByteCount
                guard end <= fileByteCount else {
                    leaveRest(&cursor, fileByteCount)
                    break
                }
                checkPlace(of: header)
                if header.kind != .records { voidCount += 1 }
                if header.kind == .records, header.timeNanoseconds >= writtenFrom {
                    places.append(JournalRun.Place(header: header, offset: cursor.offset))
                    rawByteCount += header.rawByteCount
                }
                cursor.offset = end
            }
            self.cursor = cursor
            guard !places.isEmpty else { return nil }
            defer { runCount += 1 }
            return JournalRun(index: runCount, file: cursor.file, places: places)
        }

        /// The file's end holds no good block; in the last segment it is unfinished or being written.
        private mutating func leaveRest(_ cursor: inout SegmentCursor, _ fileByteCount: Int) {
            if !segments.isEmpty { damageCount += 1 }
            cursor.offset = fileByteCount
        }

        private mutating func checkPlace(of header: BlockHeader) {
            if let previousHash, header.previousHash != previousHash { damageCount += 1 }
            if let nextSequence, header.firstSequence != nextSequence { damageCount += 1 }
            // What follows a repair names the block that is missing; `assay journal verify` checks it.
            previousHash = header.kind == .repair ? nil : header.hash
            nextSequence = header.lastSequence + 1
        }
    }
}

/// Neighbouring blocks of records.
public struct JournalRun: Sendable {
    struct Place: Sendable {
        let header: BlockHeader
        let offset: Int
    }

    /// 0, 1, 2 … in the order of the journal.
    public let index: Int
    let file: any JournalFile
    let places: [Place]
}
