import Glibc

extension LoopState {
    /// Does what other threads have asked for.
    mutating func readLetters(_ service: any ConnectionService) {
        mailbox.take(&letters)
        counters.add(.lettersReceived, letters.count)
        var index = 0
        while index < letters.count {
            switch letters[index] {
            case .bytes(let id, let bytes): send(bytes, to: id, isLast: !isForSame(id, index + 1), service)
            case .close(let id): requestClose(id, service)
            case .adopt(let descriptor, let peer): adopt(descriptor, peer, service)
            case .listen(let listener): watch(listener)
            case .resume: resume(service)
            case .drain(let deadline): beginDrain(deadlineNanoseconds: deadline)
            case .stop: phase = .ended(.stopped)
            }
            index += 1
        }
        letters.removeAll(keepingCapacity: true)
    }

    private func isForSame(_ id: ConnectionID, _ index: Int) -> Bool {
        guard index < letters.count, case .bytes(let next, _) = letters[index] else { return false }
        return next == id
    }

    /// Posts that follow each other to one connection leave together.
    private mutating func send(_ bytes: [UInt8], to id: ConnectionID, isLast: Bool, _ service: any ConnectionService) {
        guard let slot = liveSlot(id), !table[slot].flags.contains(.closing) else { return counters.add(.lettersStale) }
        unsafe bytes.withUnsafeBytes { unsafe service.posted(id, $0, &output) }
        guard isLast || output.wantsFlush else { return }
        flush(slot, service)
        settle(slot, service)
    }

    /// Each connection that has something to say gets one write.
    private mutating func resume(_ service: any ConnectionService) {
        mailbox.takeResume()
        for id in service.connectionsToResume() {
            guard let slot = liveSlot(id), !table[slot].flags.contains(.closing) else { continue }
            service.resumed(id, &output)
            flush(slot, service)
            settle(slot, service)
        }
    }

    private mutating func requestClose(_ id: ConnectionID, _ service: any ConnectionService) {
        guard let slot = liveSlot(id) else { return counters.add(.lettersStale) }
        beginClosing(slot, .requested)
        settle(slot, service)
    }

    /// The slot of a connection that its service still knows.
    private func liveSlot(_ id: ConnectionID) -> Int? {
        guard id.loop == index, let slot = table.slot(id.slot, id.generation) else { return nil }
        return table[slot].flags.contains(.lingering) ? nil : slot
    }
}
