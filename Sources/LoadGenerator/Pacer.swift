/// When the requests of an open loop are meant to be sent, whatever the server does.
///
/// A pure value: time comes in as an argument. Latency is counted from the intended time, so that a server that stalls is charged
/// for every request that should have been sent meanwhile (no coordinated omission).
struct Pacer {
    private var stream: ArrivalStream
    /// When the next arrival is meant; nil when there is none.
    private(set) var nextNanoseconds: UInt64?
    /// Arrivals that are late by more than this are given up.
    private let lateNanosecondsMax: UInt64

    /// Arrivals handed out.
    private(set) var taken: UInt64 = 0
    /// Arrivals given up because they were too late.
    private(set) var skipped: UInt64 = 0

    init(_ stream: ArrivalStream, lateNanosecondsMax: UInt64) {
        self.stream = stream
        self.lateNanosecondsMax = lateNanosecondsMax
        nextNanoseconds = self.stream.next()
    }

    /// The intended time of the next arrival, when it is due; it counts as sent from here on.
    mutating func take(nowNanoseconds: UInt64) -> UInt64? {
        guard let next = nextNanoseconds, next <= nowNanoseconds else { return nil }
        nextNanoseconds = stream.next()
        taken += 1
        return next
    }

    /// Gives up what is too late, and counts it.
    mutating func trim(nowNanoseconds: UInt64) {
        guard nowNanoseconds > lateNanosecondsMax else { return }
        skip(before: nowNanoseconds - lateNanosecondsMax)
    }

    /// Gives up what was meant for an earlier moment than `nanoseconds`.
    mutating func skip(before nanoseconds: UInt64) {
        while let next = nextNanoseconds, next < nanoseconds {
            nextNanoseconds = stream.next()
            skipped += 1
        }
    }

    /// Whether every arrival was handed out or given up.
    var isFinished: Bool { nextNanoseconds == nil }

    /// Nanoseconds until the next arrival is due; nil when there is none.
    func wait(nowNanoseconds: UInt64) -> UInt64? {
        nextNanoseconds.map { $0 > nowNanoseconds ? $0 - nowNanoseconds : 0 }
    }
}
