import Glibc

extension LoopState {
    /// Accepts nothing more, answers what has arrived, and closes each connection as soon as it has nothing under way.
    mutating func beginDrain(deadlineNanoseconds: UInt64) {
        guard end == nil else { return }
        stopAccepting()
        phase = .draining(deadlineNanoseconds: deadlineNanoseconds)
        // A last read each: what lies in the sockets was sent before the drain was known.
        for slot in 0..<table.usedCount where table[slot].isOpen && !table[slot].flags.contains(.lingering) {
            scheduleRead(slot)
        }
    }

    mutating func endDrainIfDone(_ service: any ConnectionService) {
        guard case .draining(let deadline) = phase else { return }
        if openCount == 0 {
            phase = .ended(.drained)
        } else if now >= deadline {
            phase = .ended(.drainDeadline(connectionCount: openCount))
            closeAll(.drainDeadline, service)
        }
    }

    private mutating func closeAll(_ cause: CloseCause, _ service: any ConnectionService) {
        for slot in 0..<table.usedCount where table[slot].isOpen { close(slot, cause, service) }
    }

    /// Gives everything back after the last turn, with the letters that nobody will read.
    mutating func shutDown(_ service: any ConnectionService) {
        stopAccepting()
        closeAll(.stopped, service)
        for letter in mailbox.close() {
            if case .adopt(let descriptor, _) = letter { refuse(descriptor) }
        }
    }
}
