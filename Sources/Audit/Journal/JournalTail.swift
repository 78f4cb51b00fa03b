import Platform
import Synchronization

/// How far the journal is written and how far it is durable: written by the journal thread, synced by the sync thread, read by all.
final class JournalTail: Sendable {
    private struct Written {
        var file: (any JournalFile)?
        var end: DurableEnd
    }

    /// The last block, as a checkpoint names it.
    struct DurableEnd: Equatable, Sendable {
        var sequence: UInt64
        var hash: SHA256Digest
        /// First number of the segment that the block is in; 0: not written since the journal was opened.
        var segment: UInt64
        /// Blocks written since the journal was opened.
        var blockCount: UInt64
    }

    private let written: Mutex<Written>
    /// Held while syncing: the kernel tells an error to one caller only, so there is never a second one at the same time. Holds the error
    /// once there was one; after that nothing becomes durable any more.
    private let synchronizing = Mutex<SystemError?>(nil)
    /// What must be durable before the records that need it.
    private let prelude = Mutex<(@Sendable () throws(SystemError) -> Void)?>(nil)
    private let durable: Atomic<UInt64>
    private let synchronized = Mutex<DurableEnd?>(nil)
    /// The last number that was in the journal when it was opened, and what the next block named as its predecessor then.
    let openingSequence: UInt64
    let openingHash: SHA256Digest
    private let recordsWritten = Atomic<UInt64>(0)
    private let bytesWritten = Atomic<Int>(0)
    private let syncs = Atomic<UInt64>(0)
    private let syncTime = Atomic<UInt64>(0)

    /// `sequence`: the last number that is durable.
    init(sequence: UInt64, hash: SHA256Digest) {
        written = Mutex(Written(file: nil, end: DurableEnd(sequence: sequence, hash: hash, segment: 0, blockCount: 0)))
        openingSequence = sequence
        openingHash = hash
        durable = Atomic(sequence)
    }

    /// The last number that a write has brought into the journal.
    var writtenSequence: UInt64 { written.withLock { $0.end.sequence } }
    /// The last number that fdatasync has confirmed. Sequentially consistent for the sake of ``DiskWait``.
    var durableSequence: UInt64 { durable.load(ordering: .sequentiallyConsistent) }
    /// Calls of fdatasync that succeeded since the journal was opened, and the time that they took.
    var syncCount: UInt64 { syncs.load(ordering: .relaxed) }
    var syncNanoseconds: UInt64 { syncTime.load(ordering: .relaxed) }
    /// Records written since the journal was opened.
    var recordCount: UInt64 { recordsWritten.load(ordering: .relaxed) }

    /// Bytes of blocks written since the journal was opened.
    var byteCount: Int { bytesWritten.load(ordering: .relaxed) }

    /// `prelude` is called before each sync; its failure is a failure of the sync.
    func precede(with prelude: @escaping @Sendable () throws(SystemError) -> Void) { self.prelude.withLock { $0 = prelude } }

    /// The last block that fdatasync has confirmed; nil: none since the journal was opened.
    var durableEnd: DurableEnd? { synchronized.withLock { $0 } }

    /// - Parameter segment: the first number of the segment.
    func publish(_ header: BlockHeader, in file: any JournalFile, segment: UInt64) {
        written.withLock { written in
            written.file = file
            written.end = DurableEnd(
                sequence: header.lastSequence, hash: header.hash, segment: segment, blockCount: written.end.blockCount + 1)
        }
        bytesWritten.wrappingAdd(BlockHeader.byteCount + header.storedByteCount, ordering: .relaxed)
        if header.kind == .records { recordsWritten.wrappingAdd(UInt64(header.recordCount), ordering: .relaxed) }
    }

    /// Makes durable what is written now. After a failure every call fails with that failure and syncs nothing.
    func synchronize() throws(SystemError) {
        try synchronizing.withLock { failure throws(SystemError) in
            if let failure { throw failure }
            let (file, end) = written.withLock { ($0.file, $0.end) }
            guard let file, end.sequence > durable.load(ordering: .relaxed) else { return }
            let start = Clock.monotonicNanoseconds()
            do throws(SystemError) {
                try prelude.withLock { $0 }?()
                try file.synchronize()
            } catch {
                failure = error
                throw error
            }
            syncs.wrappingAdd(1, ordering: .relaxed)
            syncTime.wrappingAdd(Clock.monotonicNanoseconds() - start, ordering: .relaxed)
            synchronized.withLock { $0 = end }
            durable.store(end.sequence, ordering: .sequentiallyConsistent)
        }
    }
}
