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
    /// The end of each stage; a closed loop is one stage.
    let stageEnds: [UInt64]

    init(startNanoseconds: UInt64, configuration: LoadConfiguration) {
        start = startNanoseconds
        measureFrom = start + nanoseconds(configuration.warmupSeconds)
        sendUntil = measureFrom + nanoseconds(configuration.plannedSeconds)
        end = sendUntil + nanoseconds(configuration.timeoutSeconds) + 1_000_000_000
        var ends: [UInt64] = []
        var seconds = 0.0
        for stage in configuration.profile?.stages ?? [] {
            seconds += stage.seconds
            ends.append(measureFrom + nanoseconds(seconds))
        }
        stageEnds = ends.isEmpty ? [sendUntil] : ends
    }
}

func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(seconds * 1e9) }
