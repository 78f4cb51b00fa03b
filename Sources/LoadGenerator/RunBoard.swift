import Platform
import Synchronization

/// What the loops of a run tell the thread that watches them. Cold: written a few times a second at most.
final class RunBoard: Sendable {
    private struct State {
        var latency: LatencyHistogram?
        var decisions: UInt64 = 0
        var errors: UInt64 = 0
        var versions: [UInt32] = []
    }

    private let state = Mutex(State())
    private let stopFlag = Atomic<Bool>(false)

    /// Ends the run early, with a summary of what was done. Relaxed: a loop sees it at its next turn, no data goes with it.
    func stop() { stopFlag.store(true, ordering: .relaxed) }
    var isStopped: Bool { stopFlag.load(ordering: .relaxed) }

    func post(_ interval: Tally.Interval) {
        state.withLock { state in
            if state.latency == nil { state.latency = interval.latency } else { state.latency?.add(interval.latency) }
            state.decisions += interval.decisions
            state.errors += interval.errors
        }
    }

    func post(versions: [UInt32]) {
        state.withLock { state in
            for version in versions where !state.versions.contains(version) { state.versions.append(version) }
        }
    }

    /// Versions seen so far, in the order of their first reply.
    var versions: [UInt32] { state.withLock { $0.versions } }

    /// Everything posted since the last call.
    func take() -> (latency: LatencyHistogram?, decisions: UInt64, errors: UInt64) {
        state.withLock { state in
            defer {
                state.latency = nil
                state.decisions = 0
                state.errors = 0
            }
            return (state.latency, state.decisions, state.errors)
        }
    }
}
