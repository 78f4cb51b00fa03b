import Platform
import Synchronization

/// What the loops of a run tell the thread that watches them. Cold: written a few times a second at most.
final class RunBoard: Sendable {
    private struct State {
        var latency: LatencyHistogram?
        var decisions: UInt64 = 0
        var errors: UInt64 = 0
        var versions: [Tally.SeenVersion] = []
    }

    private let state = Mutex(State())
    private let stopFlag: StopFlag

    init(_ stopFlag: StopFlag = StopFlag()) {
        self.stopFlag = stopFlag
    }

    func stop() { stopFlag.stop() }
    var isStopped: Bool { stopFlag.isStopped }

    func post(_ interval: Tally.Interval) {
        state.withLock { state in
            if state.latency == nil { state.latency = interval.latency } else { state.latency?.add(interval.latency) }
            state.decisions += interval.decisions
            state.errors += interval.errors
        }
    }

    func post(versions: [Tally.SeenVersion]) {
        state.withLock { state in
            for version in versions where !state.versions.contains(version) { state.versions.append(version) }
        }
    }

    /// Versions seen so far, in the order of their first reply.
    var versions: [Tally.SeenVersion] { state.withLock { $0.versions } }

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
