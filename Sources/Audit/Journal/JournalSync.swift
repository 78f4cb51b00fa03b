import Platform
import Synchronization

/// Makes durable what the journal thread has written; runs on the sync thread, so that a slow disk doesn't keep the rings from being drained.
final class JournalSync: Sendable {
    private let tail: JournalTail
    private let health: TrailHealth
    private let isStopping = Atomic<Bool>(false)
    /// Signalled by the journal thread when a sync is due.
    let wake: EventSignal
    /// After each sync, on the sync thread.
    private let onDurable: @Sendable () -> Void

    init(tail: JournalTail, health: TrailHealth, wake: EventSignal, onDurable: @escaping @Sendable () -> Void) {
        self.tail = tail
        self.health = health
        self.wake = wake
        self.onDurable = onDurable
    }

    /// The sync thread's life. It ends at the first failure: a second fdatasync would say "done" about bytes that are gone.
    func run() {
        while !isStopping.load(ordering: .acquiring) {
            wake.wait(milliseconds: -1)
            do throws(SystemError) { try tail.synchronize() } catch { return health.fail(.synchronizeFailed(error)) }
            onDurable()
        }
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake.signal()
    }
}
