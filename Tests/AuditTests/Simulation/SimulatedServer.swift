import Platform

@testable import Audit

/// The audit trail of one process, without its threads.
final class SimulatedServer {
    let opening: TrailOpening
    let pump: JournalPump
    let health: TrailHealth
    let producers: [AuditProducer]
    /// Appended and not yet committed, by worker.
    var waiting: [[UInt64]]
    private let disk: SimulatedDisk

    init(_ configuration: AuditConfiguration, _ disk: SimulatedDisk, freesRingBeforeWrite: Bool) throws(AuditError) {
        self.disk = disk
        let opening = try TrailOpening(configuration, storage: disk)
        self.opening = opening
        health = TrailHealth(opening.memory) { _ in }
        do throws(SystemError) {
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
        try AuditTrail.markClosed(pump.end, storage: disk, memory: opening.memory, ringLock: opening.ringLock)
    }
}
