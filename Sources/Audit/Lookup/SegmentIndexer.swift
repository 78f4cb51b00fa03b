import Logging
import Platform
import Synchronization

/// Keeps every closed segment indexed; runs on a thread of its own, which gets little of a busy processor. First come segments that were
/// closed just now (their hashes are in memory), then what a restart has left: the rest of the segment being written, and old segments whose
/// index is missing, damaged or not theirs, the newest first.
final class SegmentIndexer: Sendable {
    /// Below the loops and the journal, above batch jobs.
    static let niceness: Int32 = 10

    private let storage: any JournalStorage
    private let identity: JournalIdentity
    private let live: LiveIndex
    private let catalogue: SegmentCatalogue
    private let logger: Logger
    private let wake: EventSignal
    private let isStopping = Atomic<Bool>(false)
    private let indexes = Atomic<UInt64>(0)
    /// Segments in which nothing can be read, so that they are not read again and again.
    private let unreadable = Mutex<Set<UInt64>>([])

    init(
        storage: any JournalStorage, identity: JournalIdentity, live: LiveIndex, catalogue: SegmentCatalogue, logger: Logger
    ) throws(SystemError) {
        self.storage = storage
        self.identity = identity
        self.live = live
        self.catalogue = catalogue
        self.logger = logger
        wake = try EventSignal()
        live.whenClosed(signal: wake)
    }

    /// Index files written since the start.
    var writtenCount: UInt64 { indexes.load(ordering: .relaxed) }

    /// The thread's life.
    func run() {
        while !isStopping.load(ordering: .acquiring) {
            work()
            wake.wait(milliseconds: -1)
        }
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake.signal()
    }

    /// Does everything that there is to do now.
    func work() {
        do throws(SystemError) {
            try indexClosed()
            try completeCurrent()
            try removeOrphans()
            let unreadable = self.unreadable.withLock { $0 }
            for segment in catalogue.segments.reversed()
            where !isStopped && !unreadable.contains(segment) && catalogue.index(of: segment) == nil {
                try rebuild(segment)
                try indexClosed()
            }
        } catch {
            // A full disk, most likely; the journal has its own word on that. The next closed segment brings the next try.
            logger.warning("audit: look-up indexes are behind: \(error)")
        }
    }

    private var isStopped: Bool { isStopping.load(ordering: .acquiring) }

    private func indexClosed() throws(SystemError) {
        while !isStopped, let segment = live.firstClosed {
            // Whatever becomes of its index, from now on the segment is known as a closed one.
            defer {
                catalogue.examineAgain(segment.firstSequence)
                _ = catalogue.index(of: segment.firstSequence)
                live.removeClosed(segment.firstSequence)
            }
            if segment.isComplete { try ifThere(segment.firstSequence) { () throws(SystemError) in try write(segment) } }
        }
    }

    /// The blocks that the segment being written had before this process went on with it.
    private func completeCurrent() throws(SystemError) {
        guard let current = live.current, current.startOffset > SegmentHeader.byteCount else { return }
        try ifThere(current.firstSequence) { () throws(SystemError) in
            let earlier = try SegmentContents.scan(
                current.firstSequence, storage, hash: current.hash, to: current.startOffset, isStopped: { isStopped })
            guard var earlier else { return }
            earlier.startOffset = SegmentHeader.byteCount
            // Damage at the end of what was there before: the blocks are known, and the gap holds nothing.
            earlier.endOffset = current.startOffset
            live.prepend(earlier)
        }
    }

    private func rebuild(_ segment: UInt64) throws(SystemError) {
        try ifThere(segment) { () throws(SystemError) in
            let contents = try SegmentContents.scan(segment, storage, hash: storage.newHash(), isStopped: { isStopped })
            guard let contents else { return }
            guard !contents.blocks.isEmpty else {
                unreadable.withLock { _ = $0.insert(segment) }
                return
            }
            try write(contents)
            catalogue.examineAgain(segment)
            _ = catalogue.index(of: segment)
        }
    }

    private func write(_ contents: SegmentContents) throws(SystemError) {
        let file = try storage.openForReading(JournalDirectory.segmentName(contents.firstSequence))
        guard let bytes = IndexWriter.encode(contents, identity: identity, segmentByteCount: try file.byteCount()) else { return }
        try storage.replace(IndexFormat.name(contents.firstSequence), bytes)
        indexes.wrappingAdd(1, ordering: .relaxed)
    }

    /// Retention may remove a segment at any moment.
    private func ifThere(_ segment: UInt64, _ body: () throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) { try body() } catch {
            guard error.isMissingFile else { throw error }
            catalogue.forget(segment)
        }
    }

    /// Indexes whose segment is gone, and what a killed process left half-written.
    private func removeOrphans() throws(SystemError) {
        let names = try storage.list("")
        let segments = Set(names.filter { $0.hasSuffix(JournalDirectory.segmentSuffix) }.map { $0.dropLast(8) })
        for name in names {
            let isIndex = name.hasSuffix(IndexFormat.suffix) && !segments.contains(name.dropLast(IndexFormat.suffix.count))
            let isHalf = name.contains("\(IndexFormat.suffix).") && name.hasSuffix(".tmp")
            if isIndex || isHalf { try storage.remove(name) }
        }
        for segment in catalogue.segments where !segments.contains(JournalDirectory.segmentName(segment).dropLast(8)) {
            catalogue.forget(segment)
        }
    }
}
