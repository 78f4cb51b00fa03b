/// When the requests of an open loop are meant to be sent: at a constant rate from a start, whatever the server does.
///
/// A pure value: time comes in as an argument. Latency is counted from `intendedNanoseconds`, so that a server that stalls is
/// charged for every request that should have been sent meanwhile (no coordinated omission).
struct Pacer: Equatable {
    let startNanoseconds: UInt64
    /// Arrivals that are meant for this moment or later are not sent.
    let endNanoseconds: UInt64
    /// Nanoseconds between two arrivals of the whole process.
    let intervalNanoseconds: Double
    /// This thread takes arrivals `share`, `share + shareCount`, … of the process.
    let share: Int
    let shareCount: Int

    /// Number of the next arrival, within this share.
    private(set) var next: UInt64 = 0
    /// Arrivals given up because the backlog was full.
    private(set) var skipped: UInt64 = 0

    init(startNanoseconds: UInt64, endNanoseconds: UInt64, ratePerSecond: Double, share: Int = 0, shareCount: Int = 1) {
        self.startNanoseconds = startNanoseconds
        self.endNanoseconds = endNanoseconds
        intervalNanoseconds = 1e9 / ratePerSecond
        self.share = share
        self.shareCount = shareCount
    }

    /// When arrival `index` of this share is meant to be sent. Computed from the start, so that rounding does not add up.
    func intendedNanoseconds(_ index: UInt64) -> UInt64 {
        startNanoseconds &+ UInt64(Double(index &* UInt64(shareCount) &+ UInt64(share)) * intervalNanoseconds)
    }

    /// How many arrivals are meant for `nowNanoseconds` or before (and before the end).
    func dueCount(nowNanoseconds: UInt64) -> UInt64 {
        let until = min(nowNanoseconds, endNanoseconds &- 1)
        guard until >= startNanoseconds else { return 0 }
        let own = Double(until - startNanoseconds) / intervalNanoseconds - Double(share)
        guard own >= 0 else { return intendedNanoseconds(0) <= until ? 1 : 0 }
        // The quotient may be off by one at the edges; the times themselves decide.
        var count = UInt64(own / Double(shareCount))
        while intendedNanoseconds(count) <= until { count += 1 }
        while count > 0, intendedNanoseconds(count - 1) > until { count -= 1 }
        return count
    }

    /// The intended time of the next arrival, when it is due; it counts as sent from here on.
    mutating func take(nowNanoseconds: UInt64) -> UInt64? {
        let intended = intendedNanoseconds(next)
        guard intended <= nowNanoseconds, intended < endNanoseconds else { return nil }
        next += 1
        return intended
    }

    /// Arrivals that are due and not yet sent.
    func backlog(nowNanoseconds: UInt64) -> UInt64 {
        let due = dueCount(nowNanoseconds: nowNanoseconds)
        return due > next ? due - next : 0
    }

    /// Gives up the oldest arrivals of a backlog longer than `limit`, and counts them.
    mutating func trim(nowNanoseconds: UInt64, backlogLimit limit: UInt64) {
        let waiting = backlog(nowNanoseconds: nowNanoseconds)
        guard waiting > limit else { return }
        next += waiting - limit
        skipped += waiting - limit
    }

    /// Whether every arrival before the end was sent or given up.
    var isFinished: Bool { intendedNanoseconds(next) >= endNanoseconds }

    /// Nanoseconds until the next arrival is due; nil when there is none.
    func wait(nowNanoseconds: UInt64) -> UInt64? {
        let intended = intendedNanoseconds(next)
        guard intended < endNanoseconds else { return nil }
        return intended > nowNanoseconds ? intended - nowNanoseconds : 0
    }
}
