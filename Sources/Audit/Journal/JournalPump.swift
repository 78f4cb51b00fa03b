import Platform
import Synchronization

/// Takes records from the rings to the journal; runs on the journal thread.
///
/// Producers make no system calls, so nobody wakes this thread for a record: it looks. After a look it sleeps about as long as the workers
/// take to fill a block, at most `idleMilliseconds`; an idle server costs some 25 looks a second. Only a worker whose replies wait for the disk
/// wakes it: then all that the rings hold becomes one block, and one sync is asked for. While that runs, what comes waits for the next one.
final class JournalPump: @unchecked Sendable {
    /// Blocks that one look takes at most, so that syncing keeps its time under full load.
    private static let blocksAtOnce = 16
    /// With more than that share of a ring unread, this thread does not give way to others.
    private static let backlogShare = 32

    // The journal thread owns these.
    private let memory: RingMemory
    private let writer: JournalWriter
    private var merge: RingMerge
    private let blockByteCount: Int
    private let idleMilliseconds: Int
    private let syncSpacingNanoseconds: UInt64
    private var lastSync: UInt64 = 0
    private var lastLook: UInt64 = 0
    private var sleepMilliseconds = 1
    private(set) var endedCleanly = false

    // All threads use these.
    private let health: TrailHealth
    private let wake: EventSignal
    private let syncWake: EventSignal
    private let isStopping = Atomic<Bool>(false)
    private let isFlushWanted = Atomic<Bool>(false)
    /// The newest number that a reply waits for.
    private let wantedSequence = Atomic<UInt64>(0)
    /// A worker has said so since the last look that served it.
    private let isSyncWanted = Atomic<Bool>(false)
    /// The sync thread was signalled and has not said that it is done.
    private let isSyncing = Atomic<Bool>(false)

    init(
        memory: RingMemory, writer: JournalWriter, configuration: AuditConfiguration, health: TrailHealth, syncWake: EventSignal
    ) throws(SystemError) {
        self.memory = memory
        self.writer = writer
        self.health = health
        self.syncWake = syncWake
        merge = RingMerge(memory)
        blockByteCount = configuration.blockByteCount
        wake = try EventSignal()
        idleMilliseconds = Self.idleMilliseconds(
            ringByteCount: memory.ringByteCount, syncIntervalMilliseconds: configuration.syncIntervalMilliseconds)
        syncSpacingNanoseconds = UInt64(max(0, configuration.syncIntervalMilliseconds - idleMilliseconds)) * 1_000_000
    }

    /// The longest sleep: a worker at full speed fills half its ring meanwhile, and a record that comes right after a look is still on
    /// disk within the sync interval.
    static func idleMilliseconds(ringByteCount: Int, syncIntervalMilliseconds: Int) -> Int {
        let half = ringByteCount / 2 * 1000 / AuditLimits.ringFillBytesPerSecond
        return max(1, min(half, syncIntervalMilliseconds / 2))
    }

    /// The journal thread's life.
    func run() {
        while health.current == nil {
            let isLast = isStopping.load(ordering: .acquiring)
            do throws(PumpError) {
                let sleep = try look(now: Clock.monotonicNanoseconds())
                health.isDiskFull = false
                if isLast { return try finish() }
                if sleep > 0 { wake.wait(milliseconds: Int32(sleep)) }
            } catch {
                if isLast, error.isDiskFull { return finishOnFullDisk() }
                guard error.isDiskFull else { return health.fail(error.failure) }
                health.isDiskFull = true
                wake.wait(milliseconds: AuditLimits.diskFullRetryMilliseconds)
            }
        }
    }

    /// Any thread: end after taking what is there. No producer may run any more.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake.signal()
    }

    /// Any thread: write what is there now, without waiting for the interval.
    func requestFlush() {
        isFlushWanted.store(true, ordering: .releasing)
        wake.signal()
    }

    /// Any thread: what is committed up to `sequence` is to be durable as soon as can be. Costs a system call only where nobody asked before.
    func requestSync(through sequence: UInt64) {
        wantedSequence.max(sequence, ordering: .sequentiallyConsistent)
        // Partner: the exchange in `look`, which then sees the ring and the number; and the load in `syncEnded`.
        if !isSyncWanted.exchange(true, ordering: .sequentiallyConsistent) { wake.signal() }
    }

    /// The sync thread: a sync is over, so what came meanwhile may have the next one.
    func syncEnded() {
        isSyncing.store(false, ordering: .sequentiallyConsistent)
        if isSyncWanted.load(ordering: .sequentiallyConsistent) { wake.signal() }
    }

    /// Drains the rings once; returns how long to sleep, in milliseconds.
    func look(now: UInt64) throws(PumpError) -> Int {
        let isFlushWanted = isFlushWanted.exchange(false, ordering: .acquiring)
        let wanted = takeWantedSequence()
        let (byteCount, isMore) = try drain(now: now)
        if isFlushWanted || isSyncDue(now) || wanted > writer.tail.writtenSequence { try flush() }
        if isSyncDue(now) || wanted > writer.tail.durableSequence { requestSync(now) }
        defer { lastLook = now }
        if isMore { return 0 }
        // Its number comes behind one that another worker has taken and is about to commit.
        if wanted > writer.tail.writtenSequence { return 1 }
        sleepMilliseconds = nextSleep(byteCount: byteCount, elapsed: now - lastLook)
        return sleepMilliseconds
    }

    private func drain(now: UInt64) throws(PumpError) -> (byteCount: Int, isMore: Bool) {
        // A worker on this thread's processor answers sooner; but who gives way gets the processor back late, and must not fall behind.
        writer.givesWay = merge.unreadByteCount < memory.ringByteCount / Self.backlogShare
        var byteCount = 0
        var blockCount = 0
        while true {
            if writer.isFull {
                try flush()
                blockCount += 1
                if blockCount == Self.blocksAtOnce { return (byteCount, true) }
            }
            byteCount += merge.gather(into: writer)
            if writer.isFull { continue }
            guard let index = merge.ring(with: writer.nextSequence) else { break }
            let entry = merge.entry(index)
            // Gathering stopped before a void, which has a block of its own; or where nothing was then, and now there is a record.
            guard entry.isVoid else { continue }
            try flush()
            writer.appendVoid(through: entry.last, cause: .processDied)
            merge.consume(index)
        }
        if let worker = merge.damagedWorkers.first { throw .ringDamaged(worker: worker, sequence: writer.nextSequence) }
        return (byteCount, false)
    }

    /// Writes the gathered block, then gives its room in the rings back: never the other way round.
    private func flush() throws(PumpError) {
        do throws(JournalWriteError) { try writer.flush() } catch { throw .journal(error) }
        memory.writtenSequence.storeReleasing(writer.nextSequence)
        merge.free()
    }

    private func isSyncDue(_ now: UInt64) -> Bool { now - lastSync >= syncSpacingNanoseconds }

    /// The newest number that waits for a sync; 0 while one runs, which will wake this thread for the next when it ends.
    private func takeWantedSequence() -> UInt64 {
        guard !isSyncing.load(ordering: .sequentiallyConsistent) else { return 0 }
        _ = isSyncWanted.exchange(false, ordering: .sequentiallyConsistent)
        return wantedSequence.load(ordering: .sequentiallyConsistent)
    }

    private func requestSync(_ now: UInt64) {
        guard writer.tail.writtenSequence > writer.tail.durableSequence else { return }
        lastSync = now
        isSyncing.store(true, ordering: .sequentiallyConsistent)
        syncWake.signal()
    }

    /// Twice as long as before when nothing came; otherwise the time in which a block comes together at the present rate.
    private func nextSleep(byteCount: Int, elapsed: UInt64) -> Int {
        guard byteCount > 0 else { return min(sleepMilliseconds * 2, idleMilliseconds) }
        let milliseconds = Double(elapsed) / 1e6 * Double(blockByteCount) / Double(byteCount)
        return Int(max(1, min(milliseconds, Double(idleMilliseconds))))
    }

    /// The last look was taken: numbers without a record are declared void, and everything is made durable.
    func finish() throws(PumpError) {
        try flush()
        var rest = RingRecovery(memory, into: writer)
        do throws(JournalWriteError) { try rest.drain() } catch { throw .journal(error) }
        memory.writtenSequence.storeReleasing(writer.nextSequence)
        do throws(SystemError) { try writer.tail.synchronize() } catch { throw .journal(.synchronize(error)) }
        endedCleanly = rest.damaged.isEmpty
    }

    /// Tries for a while; what doesn't fit then stays in the ring for the next start.
    private func finishOnFullDisk() {
        let pause = Int(AuditLimits.diskFullRetryMilliseconds)
        for _ in 0..<AuditLimits.diskFullCloseMilliseconds / pause {
            wake.clear()
            wake.wait(milliseconds: AuditLimits.diskFullRetryMilliseconds)
            do throws(PumpError) { return try finish() } catch {
                guard error.isDiskFull else { return health.fail(error.failure) }
            }
        }
    }

    /// Hash and next number for the marker of a clean close; for use after `run` has returned.
    var end: CleanMarker { CleanMarker(nextSequence: writer.nextSequence, hash: writer.hash) }
}

/// What ends or delays the journal thread's work.
enum PumpError: Error {
    case journal(JournalWriteError)
    case ringDamaged(worker: Int, sequence: UInt64)

    var isDiskFull: Bool { if case .journal(let error) = self { error.isDiskFull } else { false } }

    var failure: AuditFailure {
        switch self {
        case .journal(.write(let error)): .writeFailed(error)
        case .journal(.synchronize(let error)): .synchronizeFailed(error)
        case .ringDamaged(let worker, let sequence): .ringDamaged(worker: worker, sequence: sequence)
        }
    }
}
