import Platform
import Synchronization

/// The threads of a run.
final class LoadCrew: Sendable {
    private struct State {
        var threads: [WorkerThread] = []
        var results: [LoadLoop.Result] = []
    }

    private let count: Int
    private let state = Mutex(State())
    private let signal: EventSignal?

    init(count: Int) {
        self.count = count
        signal = try? EventSignal()
    }

    /// Runs a loop on a thread of its own.
    func start(_ loop: consuming LoadLoop) {
        // A thread's body can't own a non-copyable value: it is handed over through a box that is emptied once.
        let box = LoopBox(loop)
        let thread = WorkerThread(name: "assay-load") { [self] in
            guard let loop = box.take() else { return }
            let result = loop.run()
            state.withLock { $0.results.append(result) }
            signal?.signal()
        }
        state.withLock { $0.threads.append(thread) }
    }

    /// Waits for the loops, at most `milliseconds`; true when all have ended.
    func wait(milliseconds: Int32) -> Bool {
        if state.withLock({ $0.results.count == count }) { return true }
        signal?.wait(milliseconds: milliseconds)
        return state.withLock { $0.results.count == count }
    }

    /// Waits for the started loops' ends.
    func join() -> [LoadLoop.Result] {
        let threads = state.withLock { $0.threads }
        for thread in threads { thread.join() }
        return state.withLock { $0.results }
    }
}

/// Hands a loop to its thread.
private final class LoopBox: @unchecked Sendable {
    // Safety: written before the thread starts and taken by that thread alone.
    private var loop: LoadLoop?

    init(_ loop: consuming LoadLoop) {
        self.loop = consume loop
    }

    func take() -> LoadLoop? {
        var taken: LoadLoop?
        swap(&taken, &loop)
        return taken
    }
}
