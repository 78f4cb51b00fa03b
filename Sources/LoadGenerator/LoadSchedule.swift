/// When a run does what, in monotonic nanoseconds.
struct LoadSchedule: Equatable, Sendable {
    /// The first request is meant for this moment.
    let start: UInt64
    /// Requests meant for an earlier moment are warm-up.
    let measureFrom: UInt64
    /// Nothing is sent from here on.
    let sendUntil: UInt64
    /// The loops end, whatever is still in flight.
    let end: UInt64

    init(startNanoseconds: UInt64, configuration: LoadConfiguration) {
        start = startNanoseconds
        measureFrom = start + nanoseconds(configuration.warmupSeconds)
        // Without a duration the count of requests ends the run, or a day.
        sendUntil = measureFrom + nanoseconds(configuration.durationSeconds ?? LoadLimits.durationSecondsMax)
        end = sendUntil + nanoseconds(configuration.timeoutSeconds) + 1_000_000_000
    }
}

func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(seconds * 1e9) }
