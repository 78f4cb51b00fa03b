import Platform
import Synchronization

/// What look-ups know of the segment being written and of those that were closed a moment ago: filled by the journal thread once a block,
/// read by the look-up thread, emptied by the index thread. Bounded: beyond `AuditLimits.liveHashCountMax` hashes, blocks are noted without.
final class LiveIndex: Sendable {
    private struct State {
        /// Ascending; the last one is being written.
        var segments: [SegmentContents] = []
        var hashCount = 0
    }

    private let state = Mutex(State())
    /// Signalled when a segment was closed; set by the trail before the journal thread runs.
    private let wake = Mutex<EventSignal?>(nil)

    func whenClosed(signal: EventSignal) { wake.withLock { $0 = signal } }

    /// The writer begins a segment: the ones before it are closed. `offset`: where its next block goes (a resumed segment has blocks before it).
    func begin(_ firstSequence: UInt64, hash: TransactionHash, at offset: Int = SegmentHeader.byteCount) {
        state.withLock {
            $0.segments.append(
                SegmentContents(firstSequence: firstSequence, hash: hash, startOffset: offset, endOffset: offset))
        }
        wake.withLock { $0?.signal() }
    }

    /// A block was written at `offset` of the segment begun last.
    func append(_ header: BlockHeader, offset: Int, hashes: [UInt64]) {
        state.withLock { state in
            guard !state.segments.isEmpty else { return }
            // A block that was taken over whole comes without hashes of its records.
            let isWhole = header.kind == .void || hashes.count == header.recordCount
            let isKept = isWhole && state.hashCount + hashes.count <= AuditLimits.liveHashCountMax
            if isKept { state.hashCount += hashes.count }
            state.segments[state.segments.count - 1].append(header, offset: offset, hashes: isKept ? hashes : nil)
        }
    }

    /// All of them as they are now, ascending.
    var segments: [SegmentContents] { state.withLock { $0.segments } }

    /// The oldest segment that is closed; nil: there is none.
    var firstClosed: SegmentContents? { state.withLock { $0.segments.count > 1 ? $0.segments[0] : nil } }

    /// The first number of the segment being written.
    var current: SegmentContents? { state.withLock { $0.segments.last } }

    /// The index thread has dealt with a closed segment.
    func removeClosed(_ firstSequence: UInt64) {
        state.withLock { state in
            guard state.segments.count > 1, state.segments[0].firstSequence == firstSequence else { return }
            state.hashCount -= state.segments.removeFirst().hashCount
        }
    }

    /// The index thread has read the blocks that a resumed segment had before this process.
    func prepend(_ earlier: SegmentContents) {
        state.withLock { state in
            guard let position = state.segments.firstIndex(where: { $0.firstSequence == earlier.firstSequence }),
                state.segments[position].startOffset == earlier.endOffset, state.segments[position].hash == earlier.hash,
                state.hashCount + earlier.hashCount <= AuditLimits.liveHashCountMax
            else { return }
            state.hashCount += earlier.hashCount
            if state.segments[position].blocks.isEmpty { state.segments[position].lastHash = earlier.lastHash }
            state.segments[position].blocks.insert(contentsOf: earlier.blocks, at: 0)
            state.segments[position].startOffset = earlier.startOffset
        }
    }
}
