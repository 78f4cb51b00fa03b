import CLinux
import Glibc

extension LoopState {
    /// One read, and everything that follows from it. `event` is nil when the loop reads again by itself: then only an empty
    /// socket tells that nothing is left.
    mutating func receive(_ slot: Int, _ event: ReadyEvent?, _ service: any ConnectionService) {
        let flags = table[slot].flags
        if flags.contains(.lingering) { return discard(slot) }
        if !flags.isDisjoint(with: [.paused, .closing, .peerFinished]) {
            table[slot].flags.remove(.moreToRead)
            // Nothing is read now, but a dead connection need not be kept.
            if let event, event.isBroken { close(slot, .reset, service) }
            return
        }
        let capacity = readByteCount(slot)
        let count = unsafe assay_receive(table[slot].descriptor, receiveBuffer.base, capacity)
        guard count > 0 else { return receivedNothing(slot, code: -count, service) }
        counters.add(.reads)
        counters.add(.bytesReceived, count)
        table[slot].activeNanoseconds = now
        table[slot].backlog.begin(readableSince)
        let waitingSince = table[slot].backlog.since
        // A short read emptied the socket; what comes later makes a new event.
        let isDry = event != nil && count < capacity
        if isDry {
            table[slot].backlog.end()
        } else {
            let descriptor = table[slot].descriptor
            table[slot].backlog.read(count, at: now) { Int(assay_unread_count(descriptor)) }
            scheduleRead(slot)
        }
        if let event, isDry, event.isPeerFinished { table[slot].flags.insert(.peerFinished) }
        deliver(slot, byteCount: count, waitingSince: waitingSince, service)
        settle(slot, service)
    }

    /// The share of a connection in a turn, so that one that sends without end does not keep the others waiting; more for a frame that is longer.
    private func readByteCount(_ slot: Int) -> Int {
        min(receiveBuffer.byteCount, max(Limits.readByteCount, table[slot].needed - table[slot].input.count))
    }

    private mutating func receivedNothing(_ slot: Int, code: Int, _ service: any ConnectionService) {
        table[slot].backlog.end()
        switch Int32(code) {
        case EAGAIN: table[slot].flags.remove(.moreToRead)
        case 0:
            table[slot].flags.remove(.moreToRead)
            table[slot].flags.insert(.peerFinished)
        default: return close(slot, .reset, service)
        }
        settle(slot, service)
    }

    /// Reads from the connection in the next turn, whether an event comes or not.
    mutating func scheduleRead(_ slot: Int) {
        table[slot].flags.insert(.moreToRead)
        readAgain.append(token(slot))
    }

    /// Presents what the connection holds and then the first `byteCount` bytes of the receive buffer, and keeps what is left.
    mutating func deliver(_ slot: Int, byteCount: Int, waitingSince: UInt64, _ service: any ConnectionService) {
        var offset = 0
        var consumed = 0
        while table[slot].output.isEmpty, !table[slot].flags.contains(.closing) {
            var stoppedEarly = false
            if table[slot].input.isEmpty {
                guard offset < byteCount else { break }
                let taken = unsafe present(slot, receiveBuffer.bytes(offset..<byteCount), waitingSince, service)
                (offset, consumed) = (offset + taken, consumed + taken)
                guard byteCount - offset >= table[slot].needed else { break }
                stoppedEarly = offset < byteCount
            } else {
                unsafe offset += complete(slot, receiveBuffer.bytes(offset..<byteCount))
                guard table[slot].holdsWholeFrame else { break }
                let taken = unsafe present(slot, table[slot].input.bytes, waitingSince, service)
                table[slot].input.drop(taken, &pool)
                consumed += taken
                stoppedEarly = table[slot].holdsWholeFrame
            }
            if stoppedEarly || output.wantsFlush { flush(slot, service) }
            guard table[slot].isOpen else { return }
        }
        unsafe keep(slot, receiveBuffer.bytes(offset..<byteCount), consumed: consumed)
        flush(slot, service)
    }

    /// Calls the service; returns how many bytes it took.
    private mutating func present(
        _ slot: Int, _ bytes: UnsafeRawBufferPointer, _ waitingSince: UInt64, _ service: any ConnectionService
    ) -> Int {
        let result = unsafe service.received(id(slot), bytes, waitingSince: waitingSince, &output)
        precondition(
            result.consumed >= 0 && result.consumed <= bytes.count,
            "the service consumed \(result.consumed) of \(bytes.count) bytes")
        // A service that did nothing and could do more would be called for ever.
        let isStuck = result.consumed == 0 && output.pendingByteCount == 0
        let needed = isStuck ? max(result.needed, bytes.count + 1) : result.needed
        table[slot].needed = needed
        if result.close {
            beginClosing(slot, .service)
        } else if needed > configuration.inputByteCountMax {
            beginClosing(slot, .inputOverflow)
        }
        return result.consumed
    }

    /// Moves bytes to the connection's own until the frame that it waits for is whole; returns how many.
    private mutating func complete(_ slot: Int, _ arrived: UnsafeRawBufferPointer) -> Int {
        let missing = min(max(table[slot].needed - table[slot].input.count, 0), arrived.count)
        unsafe table[slot].input.append(UnsafeRawBufferPointer(rebasing: arrived[..<missing]), &pool)
        return missing
    }

    /// Keeps the bytes that were not consumed, and starts the clock for the rest of an incomplete frame.
    private mutating func keep(_ slot: Int, _ rest: UnsafeRawBufferPointer, consumed: Int) {
        if table[slot].flags.contains(.closing) { return table[slot].input.release(&pool) }
        unsafe table[slot].input.append(rest, &pool)
        if table[slot].input.isEmpty || table[slot].holdsWholeFrame {
            table[slot].partialSinceNanoseconds = 0
        } else if table[slot].partialSinceNanoseconds == 0 || consumed > 0 {
            table[slot].partialSinceNanoseconds = now
            lowerDeadline(slot, after: configuration.partialFrameTimeoutNanoseconds)
        }
    }

    /// Reads and forgets, so that the peer gets our last bytes before it learns that we are gone.
    private mutating func discard(_ slot: Int) {
        let count = unsafe assay_receive(table[slot].descriptor, receiveBuffer.base, receiveBuffer.byteCount)
        guard count != -Int(EAGAIN) else { return }
        guard count > 0 else { return release(slot) }
        counters.add(.reads)
        counters.add(.bytesReceived, count)
        table[slot].discardedByteCount += count
        if table[slot].discardedByteCount > Limits.lingerByteCountMax { return release(slot) }
        scheduleRead(slot)
    }
}
