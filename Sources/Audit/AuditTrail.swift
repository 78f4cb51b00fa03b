import Glibc
import Logging
import Platform
import Synchronization

/// The audit trail of one server: rings that the workers write to, the journal on disk, and PostgreSQL behind it.
///
/// `open` recovers whatever state the last process left. Each worker takes its `producer`. `close` comes after the last worker has stopped.
public final class AuditTrail: Sendable {
    private let configuration: AuditConfiguration
    private let storage: any JournalStorage
    private let memory: RingMemory
    private let producers: ProducerStates
    private let tail: JournalTail
    private let health: TrailHealth
    private let pump: JournalPump
    private let sync: JournalSync
    private let waits: DiskWaits
    private let shipper: PostgresShipper?
    private let lookup: DecisionLookup
    private let indexer: SegmentIndexer
    private let indexThread: WorkerThread
    private let keeper: JournalKeeper?
    private let threads: [WorkerThread]
    /// The locks, until the trail is closed.
    private let locks: Mutex<[JournalLock]>
    private let logger: Logger

    /// Names the journal, on the wire and in PostgreSQL.
    public let identity: JournalIdentity
    /// What opening found and did.
    public let recovery: RecoveryReport

    /// Opens the journal in the configured directory, makes it when there is none, and recovers what a dead process left.
    ///
    /// - Parameter onFailure: called once, from a thread of the trail, when it can take no more records. The server should become not ready
    ///   and exit; the next start recovers all that was acknowledged. Workers that wait for the disk (`diskWait`) must look at `hasFailed` now.
    public static func open(
        _ configuration: AuditConfiguration, logger: Logger, onFailure: @escaping @Sendable (AuditFailure) -> Void = { _ in }
    ) throws(AuditError) -> AuditTrail {
        let storage = DiskStorage(directory: configuration.journalDirectory)
        return try open(configuration, storage: storage, logger: logger, onFailure: onFailure)
    }

    static func open(
        _ configuration: AuditConfiguration, storage: any JournalStorage, logger: Logger,
        onFailure: @escaping @Sendable (AuditFailure) -> Void
    ) throws(AuditError) -> AuditTrail {
        try configuration.validate()
        // A key that can't be used is told before anything is touched.
        let keeper = try configuration.keeper
        let opening = try TrailOpening(configuration, storage: storage, key: keeper.key)
        do {
            return try AuditTrail(opening, configuration, keeper, storage, logger, onFailure)
        } catch {
            throw .system(error)
        }
    }

    private init(
        _ opening: TrailOpening, _ configuration: AuditConfiguration, _ keeping: JournalKeeper.Configuration,
        _ storage: any JournalStorage, _ logger: Logger, _ onFailure: @escaping @Sendable (AuditFailure) -> Void
    ) throws(SystemError) {
        self.configuration = configuration
        self.storage = storage
        self.logger = logger
        memory = opening.memory
        identity = opening.identity
        recovery = opening.report
        tail = opening.writer.tail
        producers = ProducerStates(opening.memory)
        locks = Mutex([opening.journalLock, opening.ringLock])
        health = TrailHealth(opening.memory) { failure in
            logger.critical("\(failure)")
            onFailure(failure)
        }
        let shipper = try configuration.postgresURL.map { url throws(SystemError) in
            try PostgresShipper(
                url: url, identity: opening.identity, storage: storage, configuration: configuration, tail: opening.writer.tail,
                logger: logger)
        }
        self.shipper = shipper
        let live = opening.writer.live
        let written = Set(live.segments.map(\.firstSequence))
        let catalogue = SegmentCatalogue(
            storage: storage, identity: opening.identity,
            segments: try JournalDirectory.segments(storage).filter { !written.contains($0) })
        lookup = DecisionLookup(storage: storage, path: configuration.journalDirectory, catalogue: catalogue, live: live)
        let indexer = try SegmentIndexer(
            storage: storage, identity: opening.identity, live: live, catalogue: catalogue, logger: logger)
        self.indexer = indexer
        if let beforeSync = configuration.beforeSync { tail.precede(with: beforeSync) }
        let keeper =
            JournalKeeper.isNeeded(keeping)
            ? try JournalKeeper(
                keeping, storage: storage, tail: opening.writer.tail, proof: opening.proof, logger: logger,
                confirmed: { shipper.map { $0.status.shippedSequence } ?? .max }, retired: { catalogue.forget($0) }) : nil
        self.keeper = keeper
        let syncWake = try EventSignal()
        let pump = try JournalPump(
            memory: opening.memory, writer: opening.writer, configuration: configuration, health: health, syncWake: syncWake)
        let waits = DiskWaits(workerCount: opening.memory.workerCount, pump: pump, tail: opening.writer.tail, health: health)
        let tail = opening.writer.tail
        let sync = JournalSync(tail: tail, health: health, wake: syncWake) {
            waits.tell(through: tail.durableSequence)
            pump.syncEnded()
            shipper?.wakeUp()
            keeper?.wakeUp()
        }
        self.pump = pump
        self.waits = waits
        self.sync = sync
        var threads = [
            WorkerThread(name: "assay-journal") { pump.run() }, WorkerThread(name: "assay-sync") { sync.run() },
        ]
        indexThread = WorkerThread(name: "assay-index", niceness: SegmentIndexer.niceness) { indexer.run() }
        if let keeper {
            let health = health
            threads.append(WorkerThread(name: "assay-keeper") { if let failure = keeper.run() { health.fail(failure) } })
        }
        self.threads = threads
        shipper?.start()
        logRecovery()
    }

    deinit {
        // The threads must not go on when the locks are gone.
        close()
    }

    /// The end of worker `worker` (0 up to the configured count). To be used by one thread at a time.
    public func producer(worker: Int) -> AuditProducer {
        AuditProducer(states: producers, worker: worker)
    }

    /// The wait of worker `worker` for records to be on disk.
    public func diskWait(worker: Int) -> DiskWait { waits.workers[worker] }

    /// Sets what wakes a worker whose records have come to disk: `wake` gets its number, on a thread of the trail, once a sync at most, and must
    /// not block.
    public func onDurable(_ wake: @escaping @Sendable (Int) -> Void) { waits.onWake(wake) }

    public var status: AuditStatus {
        let postgres = shipper?.status
        return AuditStatus(
            lastSequence: memory.nextSequence.loadRelaxed() - 1, writtenSequence: tail.writtenSequence,
            durableSequence: tail.durableSequence, shippedSequence: postgres?.shippedSequence, syncCount: tail.syncCount,
            syncNanoseconds: tail.syncNanoseconds, recordCount: tail.recordCount,
            backlogByteCount: postgres?.backlogByteCount ?? 0,
            isBacklogOverLimit: (postgres?.backlogByteCount ?? 0) > configuration.backlogByteCountMax,
            ringByteCountUsed: memory.byteCountUsed, ringByteCount: memory.workerCount * memory.ringByteCount,
            isDiskFull: health.isDiskFull, failure: health.current, closedSegmentCount: lookup.catalogue.count,
            unindexedSegmentCount: lookup.catalogue.unindexedCount, indexCount: indexer.writtenCount,
            checkpointSequence: keeper?.checkpoints.sequence,
            checkpointCount: configuration.checkpointKeyPath == nil ? nil : keeper?.checkpoints.count,
            retention: configuration.retentionHours > 0 || configuration.retentionByteCount > 0 ? keeper?.retention : nil,
            postgres: postgres)
    }

    /// The AuditRecord with a number, byte for byte as it was appended; nil when no decision has it. Waits up to two seconds for a record that
    /// was committed a moment ago, so it doesn't belong on a worker's thread.
    public func record(sequence: UInt64) throws(AuditError) -> [UInt8]? {
        guard sequence > 0, sequence < memory.nextSequence.loadAcquiring() else { return nil }
        guard try isWritten(through: sequence) else { throw .recordUnreadable(sequence: sequence) }
        let record = try lookup.record(sequence)
        return record.flatMap { $0.isVoid ? nil : $0.bytes }
    }

    /// The AuditRecords of the decisions made under a transaction id, the newest first, at most `limit` (1 up to `AuditLimits.lookupCountMax`).
    /// Those committed before the call are all there; it waits for them as `record(sequence:)` does.
    public func records(transactionID: String, limit: Int) throws(AuditError) -> [[UInt8]] {
        let last = memory.nextSequence.loadAcquiring() - 1
        guard try isWritten(through: last) else { throw .notWrittenYet(sequence: last) }
        return try lookup.records(transactionID: transactionID, limit: min(limit, AuditLimits.lookupCountMax)).map(\.bytes)
    }

    /// Has the journal written up to a number, for which it waits two seconds at most; false: it doesn't get there.
    private func isWritten(through sequence: UInt64) throws(AuditError) -> Bool {
        if tail.writtenSequence >= sequence { return true }
        pump.requestFlush()
        for _ in 0..<AuditLimits.lookupWaitMilliseconds {
            usleep(1_000)
            if tail.writtenSequence >= sequence { return true }
            guard memory.state.loadRelaxed() == RingState.open.rawValue else { throw .unavailable }
        }
        return false
    }

    /// Takes what the rings hold to the journal, makes it durable, gives PostgreSQL the configured time to catch up, and marks the
    /// journal as closed. No producer may be in use any more. Further calls do nothing.
    public func close() {
        locks.withLock { locks in
            if locks.isEmpty { return }
            if health.current == nil { memory.state.storeReleasing(RingState.closed.rawValue) }
            pump.stop()
            threads[0].join()
            sync.stop()
            threads[1].join()
            indexer.stop()
            indexThread.join()
            keeper?.stop()
            threads.dropFirst(2).forEach { $0.join() }
            shipper?.close(milliseconds: configuration.shipperCloseMilliseconds)
            if pump.endedCleanly, signEnd() { markClosed(ringLock: locks[1]) }
            // Closing the descriptors gives the journal free.
            locks = []
        }
    }

    /// The last checkpoint. A journal whose end could not be signed for want of room is closed all the same; the next checkpoint covers it.
    private func signEnd() -> Bool {
        do throws(JournalWriteError) {
            try keeper?.finish()
        } catch {
            logger.warning("audit: the journal's end could not be signed: \(error.systemError)")
            if case .synchronize = error { return false }
        }
        return true
    }

    private func markClosed(ringLock: JournalLock) {
        do throws(SystemError) {
            try Self.markClosed(pump.end, storage: storage, memory: memory, ringLock: ringLock)
        } catch {
            logger.warning("audit: the journal is complete but could not be marked as closed: \(error)")
        }
    }

    /// Marker first, ring second: a crash in between leaves both, and they say the same.
    static func markClosed(
        _ end: CleanMarker, storage: any JournalStorage, memory: RingMemory, ringLock: JournalLock
    ) throws(SystemError) {
        try JournalDirectory.writeCleanMarker(end, storage)
        try File.remove(memory.path)
        try ringLock.removeFile()
    }

    private func logRecovery() {
        if recovery.isBehindCheckpoint {
            logger.error(
                "audit: the journal ended before its newest signed checkpoint: its end was cut off; `assay journal verify` says where"
            )
        }
        if recovery.wasClean { return }
        logger.notice(
            "audit: the journal was not closed cleanly; recovered",
            metadata: [
                "drained": "\(recovery.drainedCount)", "voids": "\(recovery.voids.count)",
                "cut_bytes": "\(recovery.cutByteCount)",
                "damaged": "\(recovery.damageCount)", "quarantined": "\(recovery.quarantined)",
            ])
    }
}
