import Platform

/// What time brings: waiting, timeouts, reconnects.
extension LoadLoop {
    func waitNanoseconds() -> UInt64 {
        guard isSending, let pacer else { return LoadLimits.tickNanoseconds }
        let now = Clock.monotonicNanoseconds()
        // With every connection full only a reply can help; with none full the next arrival is waited for.
        guard hasRoom else { return LoadLimits.tickNanoseconds }
        return min(pacer.wait(nowNanoseconds: now) ?? 0, LoadLimits.tickNanoseconds)
    }

    mutating func tick(_ now: UInt64) {
        nextTick = now + LoadLimits.tickNanoseconds
        sink.tally.nowNanoseconds = now
        sink.log?.flush()
        if !sink.tally.newVersions.isEmpty { board.post(versions: sink.tally.takeNewVersions()) }
        if plan.hasProgress, now >= nextReport {
            nextReport = now + 250_000_000
            board.post(sink.tally.takeInterval())
        }
        if isSending, plan.configuration.reconnects { reconnect(now) }
        if now >= nextTimeoutCheck { closeOverdue(now) }
    }

    mutating func reconnect(_ now: UInt64) {
        for index in 0..<connectionCount {
            guard case .closed(let retry) = unsafe connections[index].state, retry <= now else { continue }
            do throws(SystemError) {
                let socket = try plan.address.start()
                unsafe connections[index].attach(socket, state: .connecting)
                watch(index, alsoWritable: true, isNew: true)
            } catch {
                _ = unsafe connections[index].close(retryNanoseconds: now + LoadLimits.reconnectPauseNanoseconds)
            }
        }
    }

    /// Ends connections on which a request waits too long.
    mutating func closeOverdue(_ now: UInt64) {
        let timeout = nanoseconds(plan.configuration.timeoutSeconds)
        nextTimeoutCheck = now + max(LoadLimits.tickNanoseconds, timeout / 10)
        guard now > timeout else { return }
        for index in 0..<connectionCount {
            let overdue = unsafe connections[index].inFlight.count(sentBefore: now - timeout)
            if overdue > 0 { lose(index, overdue: overdue) }
        }
    }

    var isWaiting: Bool {
        for index in 0..<connectionCount where unsafe !connections[index].inFlight.isEmpty { return true }
        return false
    }

    /// At the very end nothing waits any more, or it waits in vain.
    mutating func abandonLate(_ index: Int) {
        let count = unsafe connections[index].inFlight.count
        if count > 0 { lose(index, overdue: count) }
    }
}
