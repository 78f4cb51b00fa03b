import CLinux
import Glibc
import Platform

/// A listener and whether the loop waits for it now.
struct ListenerWatch {
    let listener: Listener
    /// When to go on after a shortage; nil: the loop waits for it, or never again.
    var resumeNanoseconds: UInt64?
}

extension LoopState {
    static func openReserve() -> FileDescriptor? {
        let descriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        return descriptor >= 0 ? FileDescriptor(owning: descriptor) : nil
    }

    mutating func watch(_ listener: Listener) {
        guard phase == .running else { return }
        listener.join(mailbox)
        listeners.append(ListenerWatch(listener: listener, resumeNanoseconds: now))
        resumeAccepting()
    }

    /// Waits again for the listeners whose rest is over.
    mutating func resumeAccepting() {
        for index in listeners.indices {
            guard let resume = listeners[index].resumeNanoseconds, resume <= now else { continue }
            let token = Token.firstListener + UInt64(index)
            let isWatched = poller.add(listeners[index].listener.descriptor, Interest.accept, token: token)
            listeners[index].resumeNanoseconds = isWatched ? nil : now + Limits.acceptPauseNanoseconds
        }
    }

    /// Accepts what waits at a listener, as much as a turn may.
    mutating func accept(watch index: Int, _ service: any ConnectionService) {
        guard listeners.indices.contains(index), listeners[index].resumeNanoseconds == nil else { return }
        for _ in 0..<Limits.acceptCountPerTurnMax {
            var place: Int32 = 0
            let descriptor = unsafe assay_accept(listeners[index].listener.descriptor, &place)
            guard descriptor < 0 else {
                assign(descriptor, peer(place), listeners[index].listener, service)
                continue
            }
            guard goOnAccepting(index, after: -descriptor) else { return }
        }
    }

    private func peer(_ place: Int32) -> PeerAddress {
        switch UInt32(place) {
        case ASSAY_PEER_UNIX.rawValue: .unix
        case ASSAY_PEER_LOOPBACK.rawValue: .loopback
        default: .network
        }
    }

    /// Gives the connection to the loop that has the fewest.
    private mutating func assign(_ descriptor: Int32, _ peer: PeerAddress, _ listener: Listener, _ service: any ConnectionService)
    {
        guard let chosen = listener.leastLoaded(preferring: mailbox) else {
            _ = Glibc.close(descriptor)
            return counters.add(.connectionsRefused)
        }
        // Counted at once, so that the next of a burst goes elsewhere.
        chosen.connectionCount.add(1, ordering: .relaxed)
        if chosen !== mailbox {
            if chosen.put(.adopt(descriptor: descriptor, peer)) { return counters.add(.connectionsHandedOver) }
            chosen.connectionCount.subtract(1, ordering: .relaxed)
            mailbox.connectionCount.add(1, ordering: .relaxed)
        }
        adopt(descriptor, peer, service)
    }

    /// What a failed accept means; false ends this turn's accepting.
    private mutating func goOnAccepting(_ index: Int, after code: Int32) -> Bool {
        switch code {
        case EAGAIN: return false
        case EMFILE:
            counters.add(.acceptsWithoutDescriptor)
            if refuseWithReserve(listeners[index].listener) { return true }
            pauseAccepting(index, untilNanoseconds: now + Limits.acceptPauseNanoseconds)
            return false
        case ENFILE, ENOBUFS, ENOMEM:
            counters.add(code == ENFILE ? .acceptsWithoutDescriptor : .acceptsFailed)
            pauseAccepting(index, untilNanoseconds: now + Limits.acceptPauseNanoseconds)
            return false
        case EINVAL, EBADF, ENOTSOCK:
            // `stopListening` was called.
            pauseAccepting(index, untilNanoseconds: .max)
            return false
        default:
            // The connection died in the backlog; the next one is another matter.
            counters.add(.acceptsFailed)
            return true
        }
    }

    private mutating func pauseAccepting(_ index: Int, untilNanoseconds: UInt64) {
        poller.remove(listeners[index].listener.descriptor)
        listeners[index].resumeNanoseconds = untilNanoseconds
    }

    /// Accepts one connection with the reserved descriptor and closes it: its client learns of the shortage at once instead
    /// of waiting in the backlog.
    private mutating func refuseWithReserve(_ listener: Listener) -> Bool {
        guard reserve != nil else { return false }
        reserve = nil
        var place: Int32 = 0
        let descriptor = unsafe assay_accept(listener.descriptor, &place)
        if descriptor >= 0 {
            _ = Glibc.close(descriptor)
            counters.add(.connectionsRefused)
        }
        reserve = Self.openReserve()
        return descriptor >= 0 && reserve != nil
    }

    /// Accepts nothing any more, on any listener.
    mutating func stopAccepting() {
        for watch in listeners {
            watch.listener.leave(mailbox)
            poller.remove(watch.listener.descriptor)
        }
        listeners = []
    }
}
