import Platform
import Synchronization

/// Hands out a journal in runs of neighbouring blocks, to as many threads as like to read it; the runs are the same whatever the number
/// of threads. The journal may be written meanwhile: what was not complete when the reading came there is left out.
///
/// Reading may be limited to a part of time. Blocks say when they were written: nothing in them was decided later. Numbers are given in the
/// order of time, but for threads that were held up and clocks that were set; whoever asks leaves slack for that. So reading ends at a block
/// that was written, and begins with a decision made, at the end or later; of the rest only what was written earlier all the same is read
/// (a clock that was set back).
///
/// While handing out it checks that each block names the hash of the one before, and that numbers are dense. What a block's bytes are worth
/// is for the reader to check (`JournalBlockMemory`).
public final class JournalRuns: Sendable {
    private let storage: any JournalStorage
    private let state: Mutex<State>
    /// Bytes of the segments when the reading began.
    public let byteCount: Int

    /// From the first segment on, or only what was written at `writtenFrom` (Unix nanoseconds) or later, to the journal's end, or to where
    /// decisions were made at `decidedBefore` or later.
    public convenience init(
        directory: String, writtenFrom: Int64 = .min, decidedBefore: Int64 = .max
    ) throws(AuditError) {
        try self.init(
            storage: DiskStorage(directory: directory), path: directory, writtenFrom: writtenFrom, decidedBefore: decidedBefore)
    }

    init(storage: any JournalStorage, path: String, writtenFrom: Int64, decidedBefore: Int64) throws(AuditError) {
        self.storage = storage
        guard try JournalDirectory.identity(storage, path: path) != nil else { throw .noJournal(path: path) }
        do throws(SystemError) {
            var segments: [Segment] = []
            for first in try JournalDirectory.segments(storage) {
                let file = try storage.openForReading(JournalDirectory.segmentName(first))
                segments.append(Segment(firstSequence: first, byteCount: try file.byteCount()))
            }
            byteCount = segments.reduce(0) { $0 + $1.byteCount }
            state = Mutex(State(segments: segments[...], writtenFrom: writtenFrom, decidedBefore: decidedBefore))
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

    private struct Segment {
        let firstSequence: UInt64
        /// When the reading began.
        let byteCount: Int
    }

    private struct State {
        /// Those to come.
        var segments: ArraySlice<Segment>
        let writtenFrom: Int64
        let decidedBefore: Int64
        /// Decisions are later from here on.
        var isPastEnd = false
        var cursor: SegmentCursor?
        var runCount = 0
        var damageCount = 0
        var voidCount = 0
        var finishedByteCount = 0
        /// Segments are left out between those to come, so that links between segments can't be checked.
        private var hasGaps = false
        private var previousHash: SHA256Digest?
        private var nextSequence: UInt64?

        var passedByteCount: Int { finishedByteCount + (cursor?.offset ?? 0) }

        init(segments: ArraySlice<Segment>, writtenFrom: Int64, decidedBefore: Int64) {
            self.segments = segments
            self.writtenFrom = writtenFrom
            self.decidedBefore = decidedBefore
        }

        mutating func next(_ storage: any JournalStorage) throws(SystemError) -> JournalRun? {
            while true {
                if cursor == nil {
                    guard let segment = segments.popFirst() else { return nil }
                    cursor = SegmentCursor(try storage.openForReading(JournalDirectory.segmentName(segment.firstSequence)))
                }
                if let run = try gather(storage) { return run }
                finishedByteCount += cursor?.offset ?? 0
                cursor = nil
                if hasGaps { (previousHash, nextSequence) = (nil, nil) }
            }
        }

        /// The next blocks of the open segment; nil at its end.
        private mutating func gather(_ storage: any JournalStorage) throws(SystemError) -> JournalRun? {
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
                if header.kind == .records, header.timeNanoseconds >= writtenFrom, try !isLate(header, cursor, storage) {
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

        /// Whether the block at the cursor holds nothing that was decided before the end.
        private mutating func isLate(
            _ header: BlockHeader, _ cursor: SegmentCursor, _ storage: any JournalStorage
        ) throws(SystemError) -> Bool {
            guard header.timeNanoseconds >= decidedBefore else { return false }
            // Decisions may have waited long in the ring (a full disk, a server that was down), so the block's time alone doesn't tell.
            if !isPastEnd, let time = try cursor.firstTime(), time >= decidedBefore {
                isPastEnd = true
                try leaveLateSegments(storage)
            }
            return isPastEnd
        }

        /// Leaves out segments that were begun at the end or later, if the next one was begun later still: so the clock was not set back
        /// meanwhile to where it was before. (Back and forward again within one segment is what would go unseen.)
        private mutating func leaveLateSegments(_ storage: any JournalStorage) throws(SystemError) {
            var kept: [Segment] = []
            var nextTime: Int64?
            for segment in segments.reversed() {
                let file = try storage.openForReading(JournalDirectory.segmentName(segment.firstSequence))
                let header = SegmentHeader(try file.bytes(at: 0, count: SegmentHeader.byteCount))
                if let time = header?.timeNanoseconds, let nextTime, decidedBefore <= time, time <= nextTime {
                    finishedByteCount += segment.byteCount
                } else {
                    kept.append(segment)
                }
                nextTime = header?.timeNanoseconds
            }
            hasGaps = kept.count < segments.count
            segments = kept.reversed()[...]
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
