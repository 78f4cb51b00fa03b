import CLinux
import Glibc

extension LoopState {
    /// Makes an accepted descriptor a connection, or closes it.
    mutating func adopt(_ descriptor: Int32, _ peer: PeerAddress, _ service: any ConnectionService) {
        guard phase == .running, let slot = table.takeSlot() else { return refuse(descriptor) }
        table[slot].descriptor = descriptor
        table[slot].activeNanoseconds = now
        table[slot].interest = Interest.steady
        openCount += 1
        counters.add(.connectionsOpen)
        guard service.accepted(id(slot), peer) else {
            counters.add(.connectionsRefused)
            return release(slot)
        }
        counters.add(.connectionsAccepted)
        guard poller.add(descriptor, Interest.steady, token: token(slot)) else { return close(slot, .reset, service) }
        lowerDeadline(slot, after: configuration.idleTimeoutNanoseconds)
    }

    mutating func refuse(_ descriptor: Int32) {
        _ = Glibc.close(descriptor)
        mailbox.connectionCount.subtract(1, ordering: .relaxed)
        counters.add(.connectionsRefused)
    }

    /// Nothing more is read or asked; the connection ends when its output is sent.
    mutating func beginClosing(_ slot: Int, _ cause: CloseCause) {
        guard !table[slot].flags.contains(.closing) else { return }
        table[slot].flags.insert(.closing)
        table[slot].cause = cause
    }

    /// After anything has happened to a connection: ends it if it is done, else tells epoll what it waits for.
    mutating func settle(_ slot: Int, _ service: any ConnectionService) {
        guard table[slot].isOpen else { return }
        let isSteady = table[slot].flags.isEmpty && table[slot].output.isEmpty && table[slot].interest == Interest.steady
        if isSteady, !isDraining { return }
        if table[slot].flags.contains(.lingering) { return }
        if table[slot].output.isEmpty, let cause = causeToEnd(slot, service) { return finish(slot, cause, service) }
        updatePause(slot)
        updateInterest(slot)
    }

    private func causeToEnd(_ slot: Int, _ service: any ConnectionService) -> CloseCause? {
        let flags = table[slot].flags
        if flags.contains(.closing) { return table[slot].cause }
        if flags.contains(.moreToRead) || table[slot].holdsWholeFrame { return nil }
        if flags.contains(.peerFinished) { return service.isIdle(id(slot)) ? .peerFinished : nil }
        guard isDraining, table[slot].input.isEmpty, service.isIdle(id(slot)) else { return nil }
        return .drained
    }

    /// Stops reading above the limit of pending output, and starts again below its half.
    private mutating func updatePause(_ slot: Int) {
        let pending = table[slot].output.count
        let isPaused = table[slot].flags.contains(.paused)
        let limit = isPaused ? configuration.pendingOutputByteCountMax / 2 : configuration.pendingOutputByteCountMax
        let mustPause = pending > limit || table[slot].holdsWholeFrame
        guard mustPause != isPaused else { return }
        if mustPause {
            table[slot].flags.insert(.paused)
            counters.add(.readPauses)
            return
        }
        table[slot].flags.remove(.paused)
        // Edges passed unseen meanwhile, and the peer could not have sent the rest of its frame.
        scheduleRead(slot)
        table[slot].backlog.restart(now)
        if table[slot].partialSinceNanoseconds != 0 {
            table[slot].partialSinceNanoseconds = now
            lowerDeadline(slot, after: configuration.partialFrameTimeoutNanoseconds)
        }
    }

    private mutating func updateInterest(_ slot: Int) {
        let reads = table[slot].flags.isDisjoint(with: [.paused, .closing, .peerFinished])
        var wanted = reads ? Interest.steady : Interest.edge
        if !table[slot].output.isEmpty { wanted |= Interest.write }
        guard wanted != table[slot].interest else { return }
        table[slot].interest = wanted
        poller.modify(table[slot].descriptor, wanted, token: token(slot))
    }

    /// Ends a connection whose output is sent. Unless the peer is done, too, the socket stays until it has read our end.
    private mutating func finish(_ slot: Int, _ cause: CloseCause, _ service: any ConnectionService) {
        let isBothWays = table[slot].flags.contains(.peerFinished) || assay_shutdown_send(table[slot].descriptor) != 0
        if isBothWays { return close(slot, cause, service) }
        report(slot, cause, service)
        table[slot].input.release(&pool)
        table[slot].flags = .lingering
        updateInterest(slot)
        table[deadlineOf: slot] = now + Limits.lingerNanoseconds
        scheduleRead(slot)
    }

    /// Ends a connection at once; bytes not sent are lost.
    mutating func close(_ slot: Int, _ cause: CloseCause, _ service: any ConnectionService) {
        if !table[slot].flags.contains(.lingering) { report(slot, cause, service) }
        release(slot)
    }

    private func report(_ slot: Int, _ cause: CloseCause, _ service: any ConnectionService) {
        counters.add(closed: cause)
        service.closed(id(slot), cause)
    }

    /// Gives everything back that the connection had.
    mutating func release(_ slot: Int) {
        // What the service wrote for it must not reach the next connection.
        output.clear()
        _ = Glibc.close(table[slot].descriptor)
        table[slot].input.release(&pool)
        table[slot].output.release(&pool)
        table.giveSlot(slot)
        openCount -= 1
        counters.add(.connectionsOpen, -1)
        mailbox.connectionCount.subtract(1, ordering: .relaxed)
    }
}
