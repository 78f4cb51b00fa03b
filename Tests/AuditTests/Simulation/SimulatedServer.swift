import Logging
import Platform

@testable import Audit

/// The audit trail of one process, without its threads.
final class SimulatedServer {
    let opening: TrailOpening
    let pump: JournalPump
    let health: TrailHealth
    let producers: [AuditProducer]
    /// nil: checkpoints and retention are off.
    let keeper: JournalKeeper?
    let indexer: SegmentIndexer
    let lookup: DecisionLookup
    /// Appended and not yet committed, by worker.
    var waiting: [[UInt64]]
    private let disk: SimulatedDisk

    /// - Parameters:
    ///   - confirmed: the last number that the sink has; nil: not known.
    ///   - retired: told the first number of each segment that is about to be deleted.
    init(
        _ configuration: AuditConfiguration, _ parts: TrailParts, _ disk: SimulatedDisk, freesRingBeforeWrite: Bool,
        confirmed: @escaping @Sendable () -> UInt64?, retired: @escaping @Sendable (UInt64) -> Void
    ) throws(AuditError) {
        self.disk = disk
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let opening = try TrailOpening(configuration, storage: disk, key: parts.keeper.key)
        self.opening = opening
        health = TrailHealth(opening.memory) { _ in }
        do throws(SystemError) {
            let live = opening.writer.live
            let written = Set(live.segments.map(\.firstSequence))
            let catalogue = SegmentCatalogue(
                storage: disk, identity: opening.identity,
                segments: parts.isThere ? try JournalDirectory.segments(disk).filter { !written.contains($0) } : [])
            lookup = DecisionLookup(storage: disk, path: "", catalogue: catalogue, live: live)
            indexer = try SegmentIndexer(
                storage: disk, identity: opening.identity, live: live, catalogue: catalogue, logger: logger)
            keeper =
                JournalKeeper.isNeeded(parts.keeper)
                ? try JournalKeeper(
                    parts.keeper, storage: disk, tail: opening.writer.tail, proof: opening.proof, logger: logger,
                    confirmed: confirmed,
                    retired: {
                        catalogue.forget($0)
                        retired($0)
                    }, wallNanoseconds: { disk.wallNanoseconds() }) : nil
            pump = try JournalPump(
                memory: opening.memory, writer: opening.writer, configuration: configuration, health: health,
                syncWake: EventSignal())
        } catch { throw .system(error) }
        let states = ProducerStates(opening.memory)
        producers = (0..<configuration.workerCount).map { AuditProducer(states: states, worker: $0) }
        waiting = Array(repeating: [], count: configuration.workerCount)
        if freesRingBeforeWrite {
            let memory = opening.memory
            disk.onWrite = { [unowned disk] in
                guard disk.phase == .looking else { return }
                for worker in 0..<memory.workerCount {
                    memory.head(worker).storeReleasing(memory.tail(worker).loadAcquiring())
                }
            }
        }
    }

    var tail: JournalTail { opening.writer.tail }

    /// The number that the next reservation gets.
    var next: UInt64? { opening.memory.nextSequence.loadRelaxed() }

    func close(now: UInt64) throws {
        opening.memory.state.storeReleasing(RingState.closed.rawValue)
        _ = try pump.look(now: now)
        try pump.finish()
        guard pump.endedCleanly else { return }
        do throws(JournalWriteError) { try keeper?.finish() } catch {
            // The end isn't signed for want of room; anything else must not be taken for a clean close.
            if case .synchronize = error { throw error }
        }
        try AuditTrail.markClosed(pump.end, storage: disk, memory: opening.memory, ringLock: opening.ringLock)
    }
}
