import Logging
import Platform
import Synchronization

/// Signs checkpoints of what is durable and retires segments that are past the limits; runs on a thread of its own, so that neither
/// makes a decision or a group commit wait.
final class JournalKeeper: @unchecked Sendable {
    struct Configuration: Sendable {
        /// nil: no checkpoints.
        var key: Ed25519PrivateKey?
        var checkpointBlockCount = 1000
        var retention = RetentionLimits()
    }

    // The keeper's thread owns these.
    private let configuration: Configuration
    private let storage: any JournalStorage
    private let tail: JournalTail
    private let proof: ProofLog
    private let confirmed: @Sendable () -> UInt64?
    private let retired: @Sendable (UInt64) -> Void
    private let wallNanoseconds: @Sendable () -> Int64
    private let logger: Logger
    private var lastCheckpoint: ProofEntry?
    /// Blocks of the journal before those that `tail` counts.
    private var blockCountBefore: UInt64 = 0
    /// The last block that the journal had when it was opened; nil: it can't be read, or is a repair, which has its own entry in the proof.
    private var openingEnd: JournalTail.DurableEnd?
    private var lastRetirement: UInt64
    private var lastProblem: String?

    // All threads use these.
    private struct Shared {
        var retention = RetentionStatus()
        var checkpointSequence: UInt64?
        var checkpointCount: UInt64 = 0
        var isStopping = false
    }
    private let shared: Mutex<Shared>
    private let wake: EventSignal

    /// - Parameters:
    ///   - confirmed: the last number that every configured sink has; nil: not known, so that nothing is retired.
    ///   - retired: told the first number of each segment that is about to go.
    init(
        _ configuration: Configuration, storage: any JournalStorage, tail: JournalTail, proof: ProofLog, logger: Logger,
        confirmed: @escaping @Sendable () -> UInt64?, retired: @escaping @Sendable (UInt64) -> Void = { _ in },
        wallNanoseconds: @escaping @Sendable () -> Int64 = { Clock.wallNanoseconds() }
    ) throws(SystemError) {
        self.configuration = configuration
        self.storage = storage
        self.tail = tail
        self.proof = proof
        self.logger = logger
        self.confirmed = confirmed
        self.retired = retired
        self.wallNanoseconds = wallNanoseconds
        lastCheckpoint = proof.lastCheckpoint
        lastRetirement = proof.lastRetirement?.segment ?? 0
        shared = Mutex(Shared(checkpointSequence: proof.lastCheckpoint?.sequence))
        wake = try EventSignal()
        if configuration.key != nil { try countBlocks() }
    }

    /// Whether there is anything to do for it.
    static func isNeeded(_ configuration: Configuration) -> Bool { configuration.key != nil || !configuration.retention.isOff }

    var retention: RetentionStatus { shared.withLock { $0.retention } }
    /// The last number that a checkpoint covers, and how many were signed since the trail was opened.
    var checkpoints: (sequence: UInt64?, count: UInt64) { shared.withLock { ($0.checkpointSequence, $0.checkpointCount) } }

    /// Something has become durable.
    func wakeUp() { wake.signal() }

    /// The thread's life; it ends with the first failure of the disk, which it returns.
    func run() -> AuditFailure? {
        while true {
            do throws(JournalWriteError) { try step() } catch {
                if !error.isDiskFull { return error.failure }
                wake.wait(milliseconds: AuditLimits.diskFullRetryMilliseconds)
            }
            if shared.withLock({ $0.isStopping }) { return nil }
            // Segments grow old, and PostgreSQL confirms, without anything becoming durable.
            wake.wait(milliseconds: configuration.retention.isOff ? -1 : AuditLimits.retentionLookMilliseconds)
        }
    }

    func stop() {
        shared.withLock { $0.isStopping = true }
        wake.signal()
    }

    /// Does what is due.
    func step() throws(JournalWriteError) {
        if configuration.key != nil { try checkpoint(isLast: false) }
        if !configuration.retention.isOff { try retire() }
    }

    /// Signs the end of a journal that is being closed; `run` has ended.
    func finish() throws(JournalWriteError) {
        if configuration.key != nil { try checkpoint(isLast: true) }
    }

    // MARK: Checkpoints

    private func checkpoint(isLast: Bool) throws(JournalWriteError) {
        guard let end = tail.durableEnd ?? openingEnd, end.sequence > lastCheckpoint?.sequence ?? 0 else { return }
        let count = blockCountBefore + end.blockCount
        let isDue =
            isLast || count - min(count, lastCheckpoint?.count ?? 0) >= UInt64(configuration.checkpointBlockCount)
            || lastCheckpoint.map { $0.segment != end.segment } ?? true
        guard isDue else { return }
        lastCheckpoint = try proof.append(
            .checkpoint, segment: end.segment, sequence: end.sequence, count: count, hash: end.hash,
            timeNanoseconds: wallNanoseconds())
        shared.withLock { shared in
            shared.checkpointSequence = end.sequence
            shared.checkpointCount += 1
        }
    }

    /// Blocks up to the end that the journal had when the trail was opened: those that the last checkpoint counted and those after it.
    private func countBlocks() throws(SystemError) {
        blockCountBefore = lastCheckpoint?.count ?? 0
        let from = lastCheckpoint?.sequence ?? 0
        // By number: recovery may have moved the segment that the checkpoint names aside, and its blocks into the one before.
        let segments = try JournalDirectory.segments(storage)
        let start = segments.last { $0 <= from } ?? 0
        for segment in segments where segment >= start {
            var cursor = SegmentCursor(try storage.openForReading(JournalDirectory.segmentName(segment)))
            let byteCount = try cursor.file.byteCount()
            while cursor.offset < byteCount {
                if let header = try cursor.header() {
                    if header.firstSequence > from, header.lastSequence <= tail.openingSequence { blockCountBefore += 1 }
                    if header.lastSequence == tail.openingSequence, header.hash == tail.openingHash {
                        openingEnd = JournalTail.DurableEnd(
                            sequence: header.lastSequence, hash: header.hash, segment: segment, blockCount: 0)
                    }
                    cursor.offset += BlockHeader.byteCount + header.storedByteCount
                } else if let next = try cursor.nextGoodOffset() {
                    cursor.offset = next
                } else {
                    break
                }
            }
        }
    }

    // MARK: Retention

    private func retire() throws(JournalWriteError) {
        do throws(SystemError) {
            let segments = try SegmentFacts.all(storage)
            let plan = RetentionPlan(
                segments, limits: configuration.retention, now: wallNanoseconds(), confirmed: confirmed())
            // What an earlier process had written down as retired and didn't come to remove. All of the segment must have been meant: it
            // is longer now where a power cut took the segments after it and recovery brought their records home.
            let before = segments.prefix { $0.ends(before: lastRetirement) }.count
            if plan.count > before, let end = segments[plan.count - 1].end {
                do throws(JournalWriteError) {
                    // Said first, done second: whatever a crash leaves, the beginning that is found is one that was announced.
                    try proof.append(
                        .retirement, segment: end.nextSequence, sequence: end.nextSequence - 1,
                        count: UInt64(plan.count - before),
                        hash: end.hash, timeNanoseconds: wallNanoseconds())
                } catch {
                    throw error.systemError
                }
                lastRetirement = end.nextSequence
            }
            let gone = segments.prefix { $0.ends(before: lastRetirement) }
            try remove(gone)
            note(segments.dropFirst(gone.count), plan)
            lastProblem = nil
        } catch {
            // The journal itself works: retention is tried again with the next look.
            if lastProblem != "\(error)" { logger.warning("audit: retention failed and will be tried again: \(error)") }
            lastProblem = "\(error)"
        }
    }

    private func remove(_ segments: ArraySlice<SegmentFacts>) throws(SystemError) {
        for segment in segments {
            retired(segment.firstSequence)
            // The segment's other files (its index) go first, so that none is ever without its segment.
            let name = JournalDirectory.segmentName(segment.firstSequence)
            let prefix = name.dropLast(JournalDirectory.segmentSuffix.count) + "."
            for other in try storage.list("") where other.hasPrefix(prefix) && other != name { try storage.remove(other) }
            try storage.remove(name)
            // One by one: a crash leaves the newest of them, without holes.
            try storage.synchronizeDirectory()
            logger.notice("audit: \(name) is retired", metadata: ["bytes": "\(segment.byteCount)"])
            shared.withLock { shared in
                shared.retention.retiredSegmentCount += 1
                shared.retention.retiredByteCount += segment.byteCount
            }
        }
    }

    private func note(_ segments: ArraySlice<SegmentFacts>, _ plan: RetentionPlan) {
        shared.withLock { shared in
            shared.retention.firstSequence = segments.first?.firstSequence ?? tail.openingSequence + 1
            shared.retention.segmentCount = segments.count
            shared.retention.byteCount = segments.reduce(0) { $0 + $1.byteCount }
            shared.retention.isBlocked = plan.isBlocked
        }
    }
}

extension JournalWriteError {
    /// What it means for the trail.
    var failure: AuditFailure {
        switch self {
        case .write(let error): .writeFailed(error)
        case .synchronize(let error): .synchronizeFailed(error)
        }
    }
}
