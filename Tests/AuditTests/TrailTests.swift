import Glibc
import Platform
import Synchronization
import Testing
import Wire

@testable import Audit

@Suite struct TrailTests {
    let directory = TemporaryDirectory()

    func open(_ configuration: AuditConfiguration? = nil) throws -> AuditTrail {
        try AuditTrail.open(configuration ?? directory.configuration(), logger: quietLogger)
    }

    @Test func whatIsCommittedIsInTheJournalAfterClose() throws {
        let trail = try open()
        let producer = trail.producer(worker: 0)
        var sequences: [UInt64] = []
        while sequences.count < 5000 {
            if let sequence = producer.put() { sequences.append(sequence) } else { usleep(500) }
        }
        trail.close()
        #expect(producer.reserve(count: 1, byteCountMax: 8) == nil)
        let records = try allRecords(directory.journal)
        #expect(records.map(\.sequence) == sequences)
        #expect(records.allSatisfy { $0.bytes == makeRecord($0.sequence) })
        let report = try JournalVerifier.verify(directory.journal)
        #expect(report.isSound, "\(report.damages)")
        #expect(report.wasClosedCleanly && report.recordCount == 5000 && report.voids.isEmpty && report.lastSequence == 5000)
        #expect(report.segmentCount > 3)
        // Nothing stays in memory.
        #expect(try File.list(directory.ring).isEmpty)
    }

    @Test func numbersGoOnAfterACleanClose() throws {
        for round in 0..<4 {
            let trail = try open()
            #expect(trail.recovery.wasClean)
            let producer = trail.producer(worker: 0)
            #expect(producer.put() == UInt64(2 * round + 1))
            #expect(producer.put() == UInt64(2 * round + 2))
            trail.close()
        }
        #expect(try JournalVerifier.verify(directory.journal).isSound)
        #expect(try allRecords(directory.journal).count == 8)
    }

    @Test func emptyTrailClosesAndOpensAgain() throws {
        for _ in 0..<3 {
            let trail = try open()
            #expect(trail.recovery.wasClean)
            trail.close()
            trail.close()
        }
        let report = try JournalVerifier.verify(directory.journal)
        #expect(report.isSound && report.segmentCount == 0 && report.recordCount == 0)
    }

    @Test func secondServerIsRefused() throws {
        let trail = try open()
        #expect(throws: AuditError.journalInUse(path: directory.journal)) { try open() }
        trail.close()
        try open().close()
    }

    @Test func copyOfTheJournalIsRefusedTheSameRing() throws {
        try open().close()
        let image = try directory.crashImage()
        let trail = try open()
        var configuration = image.configuration()
        configuration.ringDirectory = directory.ring
        #expect(throws: AuditError.ringInUse(path: "\(directory.ring)/assay-\(trail.identity).ring")) { try open(configuration) }
        trail.close()
    }

    @Test func settingsOutsideTheirRangeAreRefused() throws {
        var configuration = directory.configuration()
        configuration.ringByteCount = 1
        #expect(
            throws: AuditError.setting(name: "ringByteCount", value: 1, allowed: AuditLimits.ringByteCountRange)
        ) { try open(configuration) }
        configuration = directory.configuration(workerCount: 0)
        #expect(throws: AuditError.self) { try open(configuration) }
    }

    @Test func recordIsFoundRightAfterItsCommitAndLongAfter() throws {
        let trail = try open()
        let producer = trail.producer(worker: 0)
        for _ in 0..<3000 {
            while producer.put() == nil { usleep(500) }
        }
        #expect(try trail.record(sequence: 3000) == makeRecord(3000))
        for sequence in [1, 2, 17, 1500, 2999] as [UInt64] {
            #expect(try trail.record(sequence: sequence) == makeRecord(sequence))
        }
        #expect(try trail.record(sequence: 0) == nil)
        #expect(try trail.record(sequence: 3001) == nil)
        let abandoned = try required(producer.reserve(count: 1, byteCountMax: 8))
        producer.commit()
        #expect(try trail.record(sequence: abandoned) == nil)
        trail.close()
    }

    @Test func loneRecordBecomesDurableByItself() throws {
        let trail = try open()
        let producer = trail.producer(worker: 0)
        _ = producer.put()
        #expect(eventually { trail.status.durableSequence == 1 })
        #expect(trail.status.recordCount == 1)
        trail.close()
    }

    @Test func runningJournalVerifiesAndReads() throws {
        let trail = try open(directory.configuration(workerCount: 2))
        let isDone = Atomic<Bool>(false)
        let count = Atomic<Int>(0)
        // How far the writers may go: ones without a bound outrun a slow reader for ever, and fill the memory.
        let countMax = Atomic<Int>(0)
        withExtendedLifetime(trail) {
            let workers = (0..<2).map { worker in
                let producer = UncheckedBox(trail.producer(worker: worker))
                return WorkerThread(name: "worker") {
                    while !isDone.load(ordering: .relaxed) {
                        let mayWrite = count.load(ordering: .relaxed) < countMax.load(ordering: .relaxed)
                        if mayWrite, producer.value.put() != nil {
                            count.wrappingAdd(1, ordering: .relaxed)
                        } else {
                            usleep(200)
                        }
                    }
                }
            }
            for _ in 0..<20 {
                countMax.wrappingAdd(2000, ordering: .relaxed)
                do {
                    let report = try JournalVerifier.verify(directory.journal)
                    #expect(report.isSound && report.isLive, "\(report.damages)")
                    let records = try allRecords(directory.journal)
                    #expect(records.map(\.sequence) == (0..<UInt64(records.count)).map { $0 + 1 })
                } catch { Issue.record(error) }
            }
            #expect(eventually { count.load(ordering: .relaxed) > 200 })
            isDone.store(true, ordering: .relaxed)
            for worker in workers { worker.join() }
        }
        trail.close()
        let report = try JournalVerifier.verify(directory.journal)
        #expect(report.isSound && report.recordCount == count.load(ordering: .relaxed))
    }

    @Test func failedSyncEndsTheTrailAndIsNotRetried() throws {
        let storage = FaultStorage(directory.journal)
        let failures = Mutex<[AuditFailure]>([])
        let trail = try AuditTrail.open(directory.configuration(), storage: storage, logger: quietLogger) { failure in
            failures.withLock { $0.append(failure) }
        }
        let producer = trail.producer(worker: 0)
        #expect(producer.put() == 1)
        #expect(eventually { trail.status.durableSequence == 1 })
        storage.plan.withLock { $0.syncFails = true }
        let before = storage.plan.withLock { $0.syncCount }
        _ = producer.put()
        #expect(eventually { trail.status.failure != nil })
        #expect(producer.put() == nil)
        trail.close()
        #expect(storage.plan.withLock { $0.syncCount } == before + 1)
        #expect(trail.status.durableSequence == 1)
        #expect(failures.withLock { $0 } == [.synchronizeFailed(SystemError(operation: "fdatasync", code: EIO))])
        #expect(!storage.exists("clean"))
    }

    @Test func fullDiskRefusesThenGoesOnByItself() throws {
        let storage = FaultStorage(directory.journal)
        let trail = try AuditTrail.open(directory.configuration(), storage: storage, logger: quietLogger) { _ in }
        let producer = trail.producer(worker: 0)
        var taken: [UInt64] = []
        storage.plan.withLock { $0.bytesUntilFull = 10_000 }
        #expect(
            eventually {
                if let sequence = producer.put() { taken.append(sequence) }
                return trail.status.isDiskFull && producer.reserve(count: 1, byteCountMax: 512) == nil
            })
        #expect(trail.status.failure == nil)
        storage.plan.withLock { $0.bytesUntilFull = nil }
        #expect(
            eventually {
                guard let sequence = producer.put() else { return false }
                taken.append(sequence)
                return true
            })
        trail.close()
        let report = try JournalVerifier.verify(directory.journal)
        #expect(report.isSound && report.wasClosedCleanly, "\(report.damages)")
        let records = try allRecords(directory.journal).filter { !$0.isVoid }
        #expect(records.map(\.sequence) == taken)
        #expect(records.allSatisfy { $0.bytes == makeRecord($0.sequence) })
    }

    @Test func closeOnAFullDiskLeavesTheRestForTheNextStart() throws {
        let storage = FaultStorage(directory.journal)
        let trail = try AuditTrail.open(directory.configuration(), storage: storage, logger: quietLogger) { _ in }
        let producer = trail.producer(worker: 0)
        storage.plan.withLock { $0.bytesUntilFull = 3_000 }
        for _ in 0..<100 { #expect(producer.put() != nil) }
        trail.close()
        #expect(!storage.exists("clean"))
        let again = try open()
        #expect(again.recovery.drainedCount > 0 && again.recovery.voids.isEmpty)
        again.close()
        let records = try allRecords(directory.journal)
        #expect(records.map(\.sequence) == (1...100).map { UInt64($0) })
        #expect(try JournalVerifier.verify(directory.journal).isSound)
    }

    @Test func idlePollKeepsItsPromises() {
        #expect(JournalPump.idleMilliseconds(ringByteCount: 16 << 20, syncIntervalMilliseconds: 100) == 41)
        #expect(JournalPump.idleMilliseconds(ringByteCount: 1 << 20, syncIntervalMilliseconds: 100) == 2)
        #expect(JournalPump.idleMilliseconds(ringByteCount: 1 << 30, syncIntervalMilliseconds: 1) == 1)
    }
}

final class UncheckedBox<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}
