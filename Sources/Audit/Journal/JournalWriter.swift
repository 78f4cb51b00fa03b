import Glibc
import Platform
import Wire

/// Why the journal could not take a block.
enum JournalWriteError: Error, Equatable {
    /// Writing failed; the same call may be made again.
    case write(SystemError)
    /// Syncing failed; nothing may be tried again.
    case synchronize(SystemError)

    /// The disk has no room now, or there is no descriptor left to open a segment with: waiting helps.
    var isDiskFull: Bool {
        if case .write(let error) = self { [ENOSPC, EDQUOT, EMFILE, ENFILE].contains(error.code) } else { false }
    }

    var systemError: SystemError {
        switch self {
        case .write(let error), .synchronize(let error): error
        }
    }
}

/// Appends blocks to segment files. Owned by one thread.
final class JournalWriter {
    /// The segment being written.
    struct Segment {
        let firstSequence: UInt64
        let file: any JournalFile
        var byteCount: Int
    }

    private let storage: any JournalStorage
    private let identity: JournalIdentity
    private let segmentByteCount: Int
    let tail: JournalTail
    /// What look-ups know of the segment being written.
    let live = LiveIndex()
    private let transactionHash: TransactionHash
    private var segment: Segment?
    /// What the records gathered so far became. One value, because each record costs an access to it.
    private var gathered: Gathering
    /// Other threads get the processor between the steps of sealing a block, which together take as long as dozens of decisions.
    var givesWay = false
    /// A sealed block not yet written, and its bytes.
    private var sealed: BlockHeader?
    private var sealedBytes: [UInt8] = []
    /// What follows the sealed block names as its predecessor; nil: the block's own hash.
    private var sealedSuccessorHash: SHA256Digest?
    private var lastHash: SHA256Digest
    /// The number that the next record must have.
    var nextSequence: UInt64 { gathered.nextSequence }

    init(storage: any JournalStorage, identity: JournalIdentity, end: JournalEnd, segmentByteCount: Int, blockByteCount: Int) {
        self.storage = storage
        self.identity = identity
        self.segmentByteCount = segmentByteCount
        transactionHash = storage.newHash()
        segment = end.segment
        lastHash = end.hash
        gathered = Gathering(nextSequence: end.nextSequence, byteCountMax: blockByteCount)
        tail = JournalTail(sequence: end.nextSequence - 1, hash: end.hash)
        if let segment { live.begin(segment.firstSequence, hash: transactionHash, at: segment.byteCount) }
    }

    /// Whether something waits for `flush`.
    var isEmpty: Bool { sealed == nil && gathered.block.isEmpty }

    /// Whether `flush` must come before the next append.
    var isFull: Bool { gathered.isFull }

    /// Hash of the last block written.
    var hash: SHA256Digest { lastHash }

    /// Adds a record to the block being gathered; its number is `nextSequence`.
    func append(_ record: UnsafeRawBufferPointer) {
        unsafe gathered.append(record, hash: transactionHash.ofRecord(record))
    }

    /// Says that `nextSequence` … `last` belong to no decision. Needs `isEmpty`; makes the block full.
    func appendVoid(through last: UInt64, cause: VoidRange.Cause) {
        precondition(isEmpty && last >= nextSequence, "void \(nextSequence)...\(last)")
        var record = AuditRecord()
        record.sequence = nextSequence
        record.timeNanoseconds = storage.wallNanoseconds()
        record.voidRange = VoidRange(first: nextSequence, last: last, cause: cause)
        gathered.block.append(void: record.encoded(), first: nextSequence, last: last)
        gathered.nextSequence = last + 1
        seal()
    }

    /// Takes a block that another segment has as it is. It must follow the last one, and needs `isEmpty`; `flush` writes it.
    func append(_ block: StoredBlock) {
        precondition(
            isEmpty && follows(block.header), "block \(block.header.firstSequence)...\(block.header.lastSequence)")
        sealed = block.header
        gathered.isSealed = true
        sealedSuccessorHash = block.successorHash
        sealedBytes = block.header.encoded + block.payload
        gathered.nextSequence = block.header.lastSequence + 1
    }

    /// Whether a block with this header is the next one of the chain.
    func follows(_ header: BlockHeader) -> Bool {
        header.firstSequence == nextSequence && header.previousHash == lastHash
    }

    /// Writes what was gathered. After a `write` error nothing is lost or doubled: the same call writes the same block to the same place.
    func flush() throws(JournalWriteError) {
        if sealed == nil {
            if gathered.block.isEmpty { return }
            seal()
        }
        guard let header = sealed else { return }
        if try needsRotation(sealedBytes.count) { try rotate(header.firstSequence) }
        guard var segment else { return }
        do throws(SystemError) {
            try segment.file.write(at: segment.byteCount, sealedBytes)
        } catch {
            try? segment.file.truncate(to: segment.byteCount)
            throw .write(error)
        }
        // A new array each time: the old one now belongs to the look-ups, and copying it would cost more.
        live.append(header, offset: segment.byteCount, hashes: gathered.hashes)
        gathered.hashes = []
        gathered.hashes.reserveCapacity(header.recordCount)
        segment.byteCount += sealedBytes.count
        self.segment = segment
        lastHash = sealedSuccessorHash ?? header.hash
        sealedSuccessorHash = nil
        sealed = nil
        gathered.isSealed = false
        tail.publish(header, in: segment.file, segment: segment.firstSequence)
    }

    private func seal() {
        if givesWay { WorkerThread.giveWay() }
        sealed = gathered.block.seal(
            previousHash: lastHash, timeNanoseconds: storage.wallNanoseconds(), givesWay: givesWay, into: &sealedBytes)
        gathered.isSealed = true
        if givesWay { WorkerThread.giveWay() }
    }

    private func needsRotation(_ byteCount: Int) throws(JournalWriteError) -> Bool {
        guard let segment else { return true }
        return segment.byteCount > SegmentHeader.byteCount && segment.byteCount + byteCount > segmentByteCount
    }

    /// Begins a new segment when the last one is named after a number of an earlier span than the next record's. Needs `isEmpty`.
    ///
    /// Names are what is left to go by when the bytes of segments can't be read: whoever finds only a name must know that the numbers in
    /// such a segment, and those that were given and never came to it, were less than a span away (`JournalRecovery.sequenceAfterLoss`).
    /// A void can cover many spans, so what follows it gets a segment with a name of its own before a number of that span is given.
    func beginSpan() throws(JournalWriteError) {
        precondition(isEmpty, "a span begun with records waiting")
        let span = AuditLimits.memoryLostSpan
        let last: UInt64
        do throws(SystemError) { last = try JournalDirectory.segments(storage).last ?? 0 } catch { throw .write(error) }
        if last / span < nextSequence / span { try rotate(nextSequence) }
    }

    /// Begins a new segment. The old one is durable before the new one exists, so that only the last segment can have a torn tail.
    private func rotate(_ first: UInt64) throws(JournalWriteError) {
        do throws(SystemError) { try tail.synchronize() } catch { throw .synchronize(error) }
        let header = SegmentHeader(
            identity: identity, firstSequence: first, previousHash: lastHash,
            timeNanoseconds: storage.wallNanoseconds())
        let file: any JournalFile
        do throws(SystemError) {
            file = try storage.open(JournalDirectory.segmentName(first), create: true)
            try file.write(at: 0, header.encoded)
        } catch { throw .write(error) }
        do throws(SystemError) {
            try file.synchronize()
            try storage.synchronizeDirectory()
        } catch { throw .synchronize(error) }
        segment = Segment(firstSequence: first, file: file, byteCount: SegmentHeader.byteCount)
        live.begin(first, hash: transactionHash)
    }
}

/// The block that records are added to.
private struct Gathering {
    var block = BlockBuilder()
    /// Hash of the transaction id of each record.
    var hashes: [UInt64] = []
    /// The number that the next record must have.
    var nextSequence: UInt64
    /// A sealed block is to be written first.
    var isSealed = false
    private let byteCountMax: Int

    init(nextSequence: UInt64, byteCountMax: Int) {
        self.nextSequence = nextSequence
        self.byteCountMax = byteCountMax
    }

    var isFull: Bool { isSealed || block.byteCount >= byteCountMax }

    mutating func append(_ record: UnsafeRawBufferPointer, hash: UInt64) {
        precondition(!isSealed, "append to a full block")
        unsafe block.append(nextSequence, record)
        hashes.append(hash)
        nextSequence += 1
    }
}

/// Where a journal ends.
struct JournalEnd {
    var nextSequence: UInt64
    /// Hash of the last block, or the genesis.
    var hash: SHA256Digest
    /// The segment to go on with; nil: begin a new one.
    var segment: JournalWriter.Segment?
}
