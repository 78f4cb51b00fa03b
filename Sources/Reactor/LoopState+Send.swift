import CLinux
import Glibc

extension LoopState {
    /// Sends what the service has put into the shared buffer; the connection keeps what the socket does not take.
    mutating func flush(_ slot: Int, _ service: any ConnectionService) {
        guard output.pendingByteCount > 0 else { return }
        var sent = 0
        if table[slot].output.isEmpty {
            let bytes = unsafe output.bytes
            sent = unsafe assay_send(table[slot].descriptor, bytes.baseAddress, bytes.count)
            guard let taken = checkSent(slot, sent, service) else { return }
            if taken == bytes.count { return output.clear() }
            sent = taken
            counters.add(.writesPartial)
            table[slot].stalledSinceNanoseconds = now
            lowerDeadline(slot, after: configuration.writeStallTimeoutNanoseconds)
        }
        unsafe table[slot].output.append(UnsafeRawBufferPointer(rebasing: output.bytes[sent...]), &pool)
        output.clear()
        if table[slot].output.count > configuration.outputByteCountMax { close(slot, .outputOverflow, service) }
    }

    /// The socket takes bytes again: sends the connection's rest, and goes on with input that waited for it.
    mutating func sendRest(_ slot: Int, _ service: any ConnectionService) {
        guard !table[slot].output.isEmpty else { return }
        let bytes = unsafe table[slot].output.bytes
        let sent = unsafe assay_send(table[slot].descriptor, bytes.baseAddress, bytes.count)
        guard let taken = checkSent(slot, sent, service) else { return }
        if taken > 0 { table[slot].stalledSinceNanoseconds = now }
        table[slot].output.drop(taken, &pool)
        if table[slot].output.isEmpty, table[slot].holdsWholeFrame {
            // It waited because the peer took no answers.
            deliver(slot, byteCount: 0, waitingSince: now, service)
        }
        settle(slot, service)
    }

    /// Counts a send; nil when it failed for good and the connection is closed.
    private mutating func checkSent(_ slot: Int, _ sent: Int, _ service: any ConnectionService) -> Int? {
        if sent == -Int(EAGAIN) { return 0 }
        guard sent >= 0 else {
            close(slot, .reset, service)
            return nil
        }
        counters.add(.writes)
        counters.add(.bytesSent, sent)
        table[slot].activeNanoseconds = now
        return sent
    }
}
