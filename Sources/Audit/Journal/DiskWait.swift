import Synchronization

/// One worker's wait for the disk: it holds replies back until their records are durable, and is told when they are.
///
/// A worker stores the lowest number that it waits for, then reads how far the journal is durable; the sync thread stores how far it is, then
/// reads what is waited for. All of that is sequentially consistent, so one of the two always sees the other: nobody waits for a sync that is over.
public final class DiskWait: Sendable {
    private let lowest = Atomic<UInt64>(.max)
    private let pump: JournalPump
    private let tail: JournalTail
    private let health: TrailHealth

    init(pump: JournalPump, tail: JournalTail, health: TrailHealth) {
        self.pump = pump
        self.tail = tail
        self.health = health
    }

    /// The last number whose record is on disk.
    public var durableSequence: UInt64 { tail.durableSequence }

    /// The disk has no room: a wait that began now would end nobody knows when.
    public var isDiskFull: Bool { health.isDiskFull }

    /// Nothing becomes durable any more.
    public var hasFailed: Bool { health.current != nil }

    /// Replies wait for `lowest` … `highest`, both committed: has these written and synced at once. One system call at most. The worker must look at
    /// `durableSequence` and `hasFailed` afterwards: what has come true before is not told.
    public func wait(lowest: UInt64, highest: UInt64) {
        self.lowest.store(lowest, ordering: .sequentiallyConsistent)
        pump.requestSync(through: highest)
    }

    /// What is still waited for after replies have left; nil: nothing. `durableSequence` must be looked at afterwards, as after `wait`.
    public func remain(lowest: UInt64?) {
        self.lowest.store(lowest ?? .max, ordering: .sequentiallyConsistent)
    }

    /// A worker waits for `sequence` or one before it. Partner: the stores above.
    func waits(through sequence: UInt64) -> Bool { lowest.load(ordering: .sequentiallyConsistent) <= sequence }
}

/// All workers' waits, and how a worker is woken.
final class DiskWaits: Sendable {
    let workers: [DiskWait]
    private let wake = Mutex<(@Sendable (Int) -> Void)?>(nil)

    init(workerCount: Int, pump: JournalPump, tail: JournalTail, health: TrailHealth) {
        workers = (0..<workerCount).map { _ in DiskWait(pump: pump, tail: tail, health: health) }
    }

    func onWake(_ action: @escaping @Sendable (Int) -> Void) { wake.withLock { $0 = action } }

    /// Wakes every worker that waits for `sequence` or one before it, once.
    func tell(through sequence: UInt64) {
        guard let wake = wake.withLock({ $0 }) else { return }
        for (index, worker) in workers.enumerated() where worker.waits(through: sequence) { wake(index) }
    }
}
