import Synchronization

/// Ends a run early, with a summary of what was done.
final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    // Relaxed: a loop sees it at its next turn, no data goes with it.
    func stop() { flag.store(true, ordering: .relaxed) }
    var isStopped: Bool { flag.load(ordering: .relaxed) }
}
