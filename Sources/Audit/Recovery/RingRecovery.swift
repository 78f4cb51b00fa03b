import Platform
import Wire

/// Takes what a dead process left in its rings into the journal, each record once, and says which numbers belong to no decision.
struct RingRecovery {
    private let memory: RingMemory
    private let writer: JournalWriter
    private var merge: RingMerge
    /// What the journal had already taken: numbers below that recovery doesn't find were lost by the disk.
    private let watermark: UInt64
    private(set) var drainedCount = 0
    private(set) var voids: [VoidRange] = []
    /// Rings with bytes that no producer wrote, and those bytes.
    private(set) var damaged: [(worker: Int, bytes: [UInt8])] = []

    init(_ memory: RingMemory, into writer: JournalWriter) {
        self.memory = memory
        self.writer = writer
        merge = RingMerge(memory)
        watermark = memory.writtenSequence.loadAcquiring()
    }

    /// Needs that no producer runs. On an error nothing is lost: the rings are as they were, and the same may be done again.
    mutating func drain() throws(JournalWriteError) {
        while true {
            _ = merge.skip(below: writer.nextSequence)
            if let index = merge.ring(with: writer.nextSequence) {
                try take(index)
            } else if let lowest = merge.lowest(), lowest > writer.nextSequence {
                try void(through: lowest - 1)
            } else if merge.lowest() != nil {
                // A void that the journal has in part; the rest of it follows from the next number at hand.
                merge.consumeLowest()
            } else {
                break
            }
        }
        damaged = merge.damagedWorkers.map { ($0, merge.remainder(of: $0)) }
        let next = memory.nextSequence.loadAcquiring()
        if next > writer.nextSequence, next <= AuditLimits.sequenceMax { try void(through: next - 1) }
        try writer.flush()
        merge.free()
    }

    private mutating func take(_ index: Int) throws(JournalWriteError) {
        let entry = merge.entry(index)
        if entry.isVoid {
            try void(through: entry.last, cause: .processDied)
        } else {
            if writer.isFull { try writer.flush() }
            unsafe writer.append(entry.payload)
            drainedCount += 1
        }
        merge.consume(index)
    }

    /// Numbers that no ring has: lost where the journal (or a damaged ring) once had them, never completed otherwise.
    private mutating func void(through last: UInt64) throws(JournalWriteError) {
        if !merge.damagedWorkers.isEmpty { return try void(through: last, cause: .memoryLost) }
        if writer.nextSequence < watermark { try void(through: min(last, watermark - 1), cause: .memoryLost) }
        if writer.nextSequence <= last { try void(through: last, cause: .processDied) }
    }

    private mutating func void(through last: UInt64, cause: VoidRange.Cause) throws(JournalWriteError) {
        try writer.flush()
        voids.append(VoidRange(first: writer.nextSequence, last: last, cause: cause))
        writer.appendVoid(through: last, cause: cause)
        try writer.flush()
    }
}
