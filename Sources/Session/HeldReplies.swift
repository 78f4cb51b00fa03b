import Platform
import Wire

/// Replies of one connection that must not leave before their records are on disk, in the order of their numbers.
final class HeldReplies {
    private struct Entry {
        /// Number of the reply's last record.
        let sequence: UInt64
        let id: UInt64
        let method: Method
        let byteCount: Int
    }

    /// Memory of a connection that has waited once; more is given back when nothing waits.
    private static let keptByteCount = 4 << 10
    private static let keptByteCountMax = 64 << 10

    private var entries: [Entry] = []
    /// The entries' frames, one behind the other.
    private var frames = SendBuffer(flushByteCount: keptByteCount)
    private var peakByteCount = 0

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var byteCount: Int { frames.pendingByteCount }

    /// Room for a frame of at most `byteCount` bytes, to be kept by `hold`.
    func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer { unsafe frames.reserve(byteCount) }

    /// Keeps the frame that was written to the reserved room.
    func hold(byteCount: Int, sequence: UInt64, id: UInt64, method: Method) {
        frames.commit(byteCount)
        entries.append(Entry(sequence: sequence, id: id, method: method, byteCount: byteCount))
        peakByteCount = max(peakByteCount, frames.pendingByteCount)
    }

    /// The lowest number that waits and is above `durable`.
    func lowest(above durable: UInt64) -> UInt64? { entries.first { $0.sequence > durable }?.sequence }

    /// Moves the replies whose records are durable through `sequence` to `output`; returns how many bytes they are.
    func release(through sequence: UInt64, into output: inout SendBuffer, _ counters: WorkerCounters) -> Int {
        var (byteCount, released) = (0, 0)
        while released < entries.count, entries[released].sequence <= sequence {
            byteCount += entries[released].byteCount
            counters.countRequest(entries[released].method, .ok)
            released += 1
        }
        if released == 0 { return 0 }
        counters.countHeld(-released)
        // Safety: the first entries' frames lie at the front of the buffer, byteCount bytes in all.
        unsafe output.append(UnsafeRawBufferPointer(rebasing: frames.bytes[..<byteCount]))
        frames.removeFirst(byteCount)
        entries.removeFirst(released)
        shrink()
        return byteCount
    }

    /// Writes refusals to `output` in place of all replies, whose records will not become durable; returns how many bytes were held.
    func fail(into output: inout SendBuffer, _ counters: WorkerCounters) -> Int {
        for entry in entries {
            let refusal = Refusal.auditFailed
            counters.countRequest(entry.method, refusal.status)
            refusal.error.writeFrame(id: entry.id, status: refusal.status, to: &output)
        }
        return clear(counters)
    }

    /// Forgets all replies; returns how many bytes they were.
    func clear(_ counters: WorkerCounters) -> Int {
        counters.countHeld(-entries.count)
        let byteCount = frames.pendingByteCount
        entries.removeAll(keepingCapacity: true)
        frames.clear()
        shrink()
        return byteCount
    }

    private func shrink() {
        guard entries.isEmpty, peakByteCount > Self.keptByteCountMax else { return }
        frames = SendBuffer(flushByteCount: Self.keptByteCount)
        entries = []
        peakByteCount = 0
    }
}
