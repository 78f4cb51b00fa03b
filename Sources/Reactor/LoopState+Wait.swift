import Platform

extension LoopState {
    /// Until the next tick, rounded up; nothing while there is something to read.
    var waitMilliseconds: Int32 {
        if !readAgain.isEmpty { return 0 }
        guard nextTickNanoseconds > now else { return 0 }
        return Int32(truncatingIfNeeded: (nextTickNanoseconds - now + 999_999) / 1_000_000)
    }

    /// Waits for events, `millisecondsMax` at most, polling first while that pays; returns how many there are.
    mutating func waitForEvents(millisecondsMax: Int32) -> Int {
        let milliseconds = min(waitMilliseconds, millisecondsMax)
        guard milliseconds > 0, busyPoll.begins(followsEvents: followsEvents) else {
            return poller.wait(milliseconds: milliseconds)
        }
        let count = poller.wait(milliseconds: 0)
        // What waited already tells nothing about spinning: a loop that sleeps would have found it, too.
        if count > 0 { return count }
        let found = spin()
        return found > 0 ? found : poller.wait(milliseconds: min(waitMilliseconds, millisecondsMax))
    }

    /// Polls until an event comes or the time is over, at the latest until the next tick. Between two polls whoever shares the
    /// processor, the journal's thread for one, comes first.
    private mutating func spin() -> Int {
        counters.add(.spins)
        now = clock()
        let end = min(now &+ busyPoll.spinNanoseconds, nextTickNanoseconds)
        while now < end {
            WorkerThread.giveWay()
            let count = poller.wait(milliseconds: 0)
            if count > 0 {
                counters.add(.spinsPaid)
                busyPoll.ended(hasPaid: true)
                return count
            }
            now = clock()
        }
        busyPoll.ended(hasPaid: false)
        return 0
    }
}
