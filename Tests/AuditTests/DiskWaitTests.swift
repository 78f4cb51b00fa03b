import Platform
import Synchronization
import Testing

@testable import Audit

/// The journal thread's part of a reply that waits for the disk, step by step.
@Suite struct DiskWaitTests {
    private let directory = TemporaryDirectory()

    private struct Stand {
        let storage: FaultStorage
        let opening: TrailOpening
        let pump: JournalPump
        let syncWake: EventSignal
        let producers: [AuditProducer]
        let wait: DiskWait
        var tail: JournalTail { opening.writer.tail }
    }

    private func stand(workerCount: Int = 1) throws -> Stand {
        let storage = FaultStorage(directory.journal)
        var configuration = directory.configuration(workerCount: workerCount)
        configuration.syncIntervalMilliseconds = 10_000
        let opening = try TrailOpening(configuration, storage: storage)
        let health = TrailHealth(opening.memory) { _ in }
        let syncWake = try EventSignal()
        let pump = try JournalPump(
            memory: opening.memory, writer: opening.writer, configuration: configuration, health: health, syncWake: syncWake)
        let states = ProducerStates(opening.memory)
        return Stand(
            storage: storage, opening: opening, pump: pump, syncWake: syncWake,
            producers: (0..<workerCount).map { AuditProducer(states: states, worker: $0) },
            wait: DiskWait(pump: pump, tail: opening.writer.tail, health: health))
    }

    /// A time long before the end of the interval that `syncedStand` has begun.
    private let now: UInt64 = 1 << 40 + 1_000

    /// A stand whose first record was synced just now, so that the next one may wait for the interval.
    private func syncedStand() throws -> Stand {
        let stand = try stand()
        _ = stand.producers[0].put()
        _ = try stand.pump.look(now: 1 << 40)
        try stand.tail.synchronize()
        stand.pump.syncEnded()
        #expect(stand.tail.durableSequence == 1)
        return stand
    }

    @Test func aRecordThatNobodyWaitsForWaitsForTheInterval() throws {
        let stand = try syncedStand()
        _ = stand.producers[0].put()
        _ = try stand.pump.look(now: now)
        #expect(stand.tail.writtenSequence == 1)
    }

    @Test func aRecordThatAReplyWaitsForIsWrittenAtTheNextLook() throws {
        let stand = try syncedStand()
        let sequence = try required(stand.producers[0].put())
        stand.wait.wait(lowest: sequence, highest: sequence)
        _ = try stand.pump.look(now: now)
        #expect(stand.tail.writtenSequence == sequence)
        #expect(stand.tail.durableSequence == sequence - 1)
        try stand.tail.synchronize()
        #expect(stand.wait.durableSequence == sequence)
    }

    @Test func whatComesDuringASyncIsLeftForTheNextAsOneBlock() throws {
        let stand = try syncedStand()
        let first = try required(stand.producers[0].put())
        stand.wait.wait(lowest: first, highest: first)
        _ = try stand.pump.look(now: now)
        for _ in 0..<8 {
            let sequence = try required(stand.producers[0].put())
            stand.wait.wait(lowest: first, highest: sequence)
            _ = try stand.pump.look(now: now)
        }
        #expect(stand.tail.writtenSequence == first, "a sync is under way")
        try stand.tail.synchronize()
        stand.pump.syncEnded()
        _ = try stand.pump.look(now: now)
        #expect(stand.tail.writtenSequence == first + 8)
        try stand.tail.synchronize()
        #expect(stand.tail.durableSequence == first + 8)
        #expect(stand.tail.syncCount == 3)
    }

    @Test func aNumberBehindOneThatIsNotCommittedYetIsLookedForAgainSoon() throws {
        let stand = try stand(workerCount: 2)
        // Worker 1 has taken a number and is writing its record.
        let early = try required(stand.producers[1].reserve(count: 1, byteCountMax: 512))
        let late = try required(stand.producers[0].put())
        stand.wait.wait(lowest: late, highest: late)
        #expect(try stand.pump.look(now: now) == 1)
        #expect(stand.tail.writtenSequence == 0)
        stand.producers[1].append(sequence: early) { buffer in
            let bytes = makeRecord(early)
            buffer.copyBytes(from: bytes)
            return bytes.count
        }
        stand.producers[1].commit()
        _ = try stand.pump.look(now: now)
        #expect(stand.tail.writtenSequence == late)
    }

    @Test func onlyWorkersThatWaitForWhatIsDurableAreWoken() throws {
        let stand = try stand()
        let health = TrailHealth(stand.opening.memory) { _ in }
        let waits = DiskWaits(workerCount: 3, pump: stand.pump, tail: stand.tail, health: health)
        let woken = Mutex<[Int]>([])
        waits.tell(through: 100)
        waits.onWake { worker in woken.withLock { $0.append(worker) } }
        waits.tell(through: 100)
        #expect(woken.withLock { $0 }.isEmpty)
        waits.workers[0].wait(lowest: 5, highest: 9)
        waits.workers[2].wait(lowest: 7, highest: 7)
        waits.tell(through: 4)
        #expect(woken.withLock { $0 }.isEmpty)
        waits.tell(through: 5)
        #expect(woken.withLock { $0 } == [0])
        waits.workers[0].remain(lowest: 9)
        waits.tell(through: 8)
        #expect(woken.withLock { $0 } == [0, 2])
        waits.workers[2].remain(lowest: nil)
        waits.tell(through: 20)
        #expect(woken.withLock { $0 } == [0, 2, 0])
    }
}
