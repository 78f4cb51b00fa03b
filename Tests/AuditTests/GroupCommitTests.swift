import Glibc
import Platform
import Testing

@testable import Audit

/// When the journal thread asks for syncs, in virtual time: it is called as often as it asks to be.
@Suite struct GroupCommitTests {
    /// A trail whose journal thread is the test, with the sleeps it asks for.
    private final class Clockwork {
        let directory = TemporaryDirectory()
        let storage: FaultStorage
        let opening: TrailOpening
        let pump: JournalPump
        let syncWake: EventSignal
        let producer: AuditProducer
        var now: UInt64 = 1_000_000_000
        private(set) var nextLook: UInt64 = 1_000_000_000
        private(set) var lookCount = 0

        init(intervalMilliseconds: Int, ringByteCount: Int) throws {
            storage = FaultStorage(directory.journal)
            var configuration = directory.configuration()
            configuration.syncIntervalMilliseconds = intervalMilliseconds
            configuration.ringByteCount = ringByteCount
            opening = try TrailOpening(configuration, storage: storage)
            syncWake = try EventSignal()
            pump = try JournalPump(
                memory: opening.memory, writer: opening.writer, configuration: configuration,
                health: TrailHealth(opening.memory) { _ in }, syncWake: syncWake)
            producer = AuditProducer(states: ProducerStates(opening.memory), worker: 0)
        }

        /// Lets time pass up to `end`; returns when a sync was asked for, if it was.
        func run(until end: UInt64) throws -> UInt64? {
            while nextLook <= end {
                now = nextLook
                let sleep = try pump.look(now: now)
                lookCount += 1
                nextLook = now + UInt64(sleep) * 1_000_000
                if isSyncWanted {
                    try opening.writer.tail.synchronize()
                    pump.syncEnded()
                    return now
                }
            }
            now = end
            return nil
        }

        private var isSyncWanted: Bool {
            var entry = pollfd(fd: syncWake.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 0) > 0 else { return false }
            syncWake.clear()
            return true
        }
    }

    @Test(arguments: [(1, 64 << 10), (10, 1 << 20), (100, 1 << 20), (100, 16 << 20), (1000, 16 << 20)])
    func loneDecisionIsOnDiskWithinTheInterval(intervalMilliseconds: Int, ringByteCount: Int) throws {
        let clockwork = try Clockwork(intervalMilliseconds: intervalMilliseconds, ringByteCount: ringByteCount)
        let interval = UInt64(intervalMilliseconds) * 1_000_000
        var generator = SeededGenerator(seed: UInt64(intervalMilliseconds))
        for _ in 0..<200 {
            // After any time of idleness, at any moment between two looks.
            let pause = UInt64.random(in: 0...4 * interval, using: &generator)
            #expect(try clockwork.run(until: clockwork.now + pause) == nil)
            let committed = clockwork.now
            let sequence = try #require(clockwork.producer.put())
            let synced = try #require(try clockwork.run(until: committed + interval))
            #expect(synced - committed <= interval)
            #expect(clockwork.opening.writer.tail.durableSequence == sequence)
        }
    }

    @Test func idleTrailTouchesNoFileAndSleepsAsLongAsItMay() throws {
        let clockwork = try Clockwork(intervalMilliseconds: 100, ringByteCount: 16 << 20)
        _ = clockwork.producer.put()
        _ = try clockwork.run(until: clockwork.now + 1_000_000_000)
        let operations = clockwork.storage.plan.withLock { $0.operationCount }
        let looks = clockwork.lookCount
        #expect(try clockwork.run(until: clockwork.now + 60_000_000_000) == nil)
        #expect(clockwork.storage.plan.withLock { $0.operationCount } == operations)
        // A minute of looks, one in 41 ms.
        #expect(clockwork.lookCount - looks <= 60_000 / 41 + 2)
    }
}
