import CLinux
import Platform

/// What happens on the connections.
extension LoadLoop {
    mutating func handle(_ event: (token: Int, isReadable: Bool, isWritable: Bool)) {
        let index = event.token
        switch unsafe connections[index].state {
        case .closed: return
        case .connecting: if event.isWritable { finishConnecting(index) }
        case .open:
            if event.isReadable {
                switch unsafe connections[index].receive(&buffer, &sink) {
                case .ok, .blocked: break
                case .ended: return lose(index)
                case .fault:
                    sink.tally.addError(ErrorCounts.badFrame)
                    return lose(index)
                }
            }
            refill(index)
            flush(index)
        }
    }

    /// The sockets that a run begins with are connected already.
    mutating func openFirst(_ index: Int) {
        watch(index, alsoWritable: false, isNew: true)
        open(index)
    }

    mutating func open(_ index: Int) {
        lastOpen = Clock.monotonicNanoseconds()
        unsafe connections[index].open(hello: plan.hello)
        refill(index)
        flush(index)
    }

    mutating func finishConnecting(_ index: Int) {
        guard unsafe ResolvedAddress.pendingError(connections[index].descriptor) == 0 else {
            let retry = Clock.monotonicNanoseconds() + LoadLimits.reconnectPauseNanoseconds
            _ = unsafe connections[index].close(retryNanoseconds: retry)
            return
        }
        sink.tally.addReconnect()
        watch(index, alsoWritable: false, isNew: false)
        open(index)
    }

    /// Ends a connection that broke, and counts what was in flight on it.
    mutating func lose(_ index: Int, overdue: Int = 0) {
        let retry = Clock.monotonicNanoseconds() + LoadLimits.reconnectPauseNanoseconds
        let count = unsafe connections[index].close(retryNanoseconds: retry)
        sink.tally.addDisconnect(
            inFlight: count, overdue: overdue, isTolerated: plan.configuration.toleratesDisconnect)
    }

    mutating func watch(_ index: Int, alsoWritable: Bool, isNew: Bool) {
        do throws(SystemError) {
            try unsafe events.watch(connections[index].descriptor, token: index, alsoWritable: alsoWritable, isNew: isNew)
        } catch {
            lose(index)
        }
    }
}
