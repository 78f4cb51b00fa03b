extension LoopState {
    /// Makes sure that the connection is looked at when `nanoseconds` have passed; 0: the timeout is off.
    mutating func lowerDeadline(_ slot: Int, after nanoseconds: UInt64) {
        guard nanoseconds > 0 else { return }
        table[deadlineOf: slot] = min(table[deadlineOf: slot], now &+ nanoseconds)
    }

    mutating func tick(_ service: any ConnectionService) {
        nextTickNanoseconds = now + Limits.tickNanoseconds
        if reserve == nil { reserve = Self.openReserve() }
        resumeAccepting()
        var start = 0
        while let slot = table.nextExpired(from: start, nowNanoseconds: now) {
            expire(slot, service)
            start = slot + 1
        }
        service.tick(nowNanoseconds: now)
    }

    /// A deadline has come: closes the connection if it is the true one, else sets the next.
    private mutating func expire(_ slot: Int, _ service: any ConnectionService) {
        if table[slot].flags.contains(.lingering) { return release(slot) }
        table[deadlineOf: slot] = .max
        if !table[slot].output.isEmpty {
            let timeout = configuration.writeStallTimeoutNanoseconds
            if hasPassed(timeout, since: table[slot].stalledSinceNanoseconds) { return close(slot, .writeStallTimeout, service) }
            prolong(slot, timeout, since: table[slot].stalledSinceNanoseconds)
        }
        if table[slot].partialSinceNanoseconds != 0, !table[slot].flags.contains(.paused) {
            let timeout = configuration.partialFrameTimeoutNanoseconds
            if hasPassed(timeout, since: table[slot].partialSinceNanoseconds) {
                return close(slot, .partialFrameTimeout, service)
            }
            prolong(slot, timeout, since: table[slot].partialSinceNanoseconds)
        }
        let timeout = configuration.idleTimeoutNanoseconds
        if hasPassed(timeout, since: table[slot].activeNanoseconds) {
            if service.isIdle(id(slot)) { return close(slot, .idleTimeout, service) }
            table[slot].activeNanoseconds = now
        }
        prolong(slot, timeout, since: table[slot].activeNanoseconds)
    }

    private func hasPassed(_ timeout: UInt64, since start: UInt64) -> Bool { timeout > 0 && now &- start >= timeout }

    private mutating func prolong(_ slot: Int, _ timeout: UInt64, since start: UInt64) {
        guard timeout > 0 else { return }
        table[deadlineOf: slot] = min(table[deadlineOf: slot], start &+ timeout)
    }
}
