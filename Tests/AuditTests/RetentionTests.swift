import Glibc
import Platform
import Synchronization
import Testing
import Wire

@testable import Audit

@Suite struct RetentionPlanTests {
    static let hour: Int64 = 3_600_000_000_000

    /// Segments of 100 bytes and 10 records, one begun every hour; the last is being written.
    static func segments(_ count: Int) -> [SegmentFacts] {
        (0..<count).map { index in
            let next = UInt64(index + 1) * 10 + 1
            let end = SegmentFacts.End(timeNanoseconds: Int64(index + 1) * hour, nextSequence: next, hash: .zero)
            return SegmentFacts(firstSequence: next - 10, byteCount: 100, end: index == count - 1 ? nil : end)
        }
    }

    func plan(_ count: Int, hours: Int64? = nil, bytes: Int? = nil, now: Int64 = 10, confirmed: UInt64? = .max) -> RetentionPlan {
        RetentionPlan(
            Self.segments(count), limits: RetentionLimits(nanoseconds: hours.map { $0 * Self.hour }, byteCount: bytes),
            now: now * Self.hour, confirmed: confirmed)
    }

    @Test func whatIsOlderThanTheLimitGoesAndTheSegmentBeingWrittenStays() {
        #expect(plan(10, hours: 7).count == 2)
        #expect(plan(10, hours: 20).count == 0)
        #expect(plan(10, hours: 1, now: 1000).count == 9)
        #expect(plan(1, hours: 1, now: 1000).count == 0 && plan(0, hours: 1).count == 0)
    }

    @Test func theOldestGoUntilTheRestFits() {
        #expect(plan(10, bytes: 1000).count == 0)
        #expect(plan(10, bytes: 999).count == 1)
        #expect(plan(10, bytes: 300).count == 7)
        #expect(plan(10, bytes: 1).count == 9)
    }

    @Test func nothingGoesThatTheSinkHasNotConfirmed() {
        #expect(plan(10, bytes: 1, confirmed: nil).count == 0 && plan(10, bytes: 1, confirmed: nil).isBlocked)
        #expect(plan(10, bytes: 1, confirmed: 0).isBlocked)
        #expect(plan(10, bytes: 1, confirmed: 29).count == 2 && plan(10, bytes: 1, confirmed: 29).isBlocked)
        #expect(plan(10, bytes: 1, confirmed: 30).count == 3)
        // Nobody waits while nothing is past the limits.
        #expect(!plan(10, bytes: 2000, confirmed: nil).isBlocked)
    }
}

/// Retention on files.
@Suite struct RetentionTests {
    func keeper(
        _ journal: SignedJournal, storage: (any JournalStorage)? = nil, bytes: Int, confirmed: UInt64? = .max,
        key: Ed25519PrivateKey? = testKey
    ) throws -> JournalKeeper {
        let storage = storage ?? journal.storage
        let proof = try ProofLog(storage: storage, identity: journal.identity, key: key) { _, _ in }
        return try JournalKeeper(
            .init(key: key, retention: RetentionLimits(byteCount: bytes)), storage: storage,
            tail: JournalTail(sequence: 1500, hash: .zero), proof: proof, logger: quietLogger, confirmed: { confirmed })
    }

    @Test func retiredBeginningVerifiesAndIsSaidSo() throws {
        let journal = try SignedJournal()
        let names = try journal.segments
        let index = names[0].replacing(".journal", with: ".index")
        try journal.write(index, [1])
        let keeper = try keeper(journal, bytes: 1)
        try keeper.step()
        #expect(try journal.segments == [names.last!] && !journal.storage.exists(index))
        #expect(keeper.retention.retiredSegmentCount == UInt64(names.count - 1) && keeper.retention.segmentCount == 1)
        let report = try journal.report()
        #expect(report.isSound, "\(report.damages)")
        let begins = try #require(report.firstSequence)
        #expect(report.retirement?.sequence == begins - 1 && keeper.retention.firstSequence == begins)
        #expect(report.unknowns.contains { $0.contains("records up to \(begins - 1) were retired") && $0.contains("(signed)") })
        try keeper.step()
        #expect(try journal.entries().filter { $0.kind == .retirement }.count == 1)
        #expect(try JournalRepair.repair(journal.directory.journal).isEmpty)
    }

    @Test func whatIsNotConfirmedStays() throws {
        let journal = try SignedJournal()
        let names = try journal.segments
        let second = UInt64(names[1].prefix(20))!
        for (confirmed, count) in [(nil, 0), (second - 2, 0), (second - 1, 1)] as [(UInt64?, Int)] {
            let keeper = try keeper(journal, bytes: 1, confirmed: confirmed)
            try keeper.step()
            #expect(try journal.segments == Array(names.dropFirst(count)) && keeper.retention.isBlocked)
        }
    }

    @Test func segmentsDroppedBeyondWhatWasRetiredAreFound() throws {
        let journal = try SignedJournal(recordCount: 2500)
        let names = try journal.segments
        try #require(names.count >= 4)
        let second = UInt64(names[1].prefix(20))!
        try keeper(journal, bytes: 1, confirmed: second - 1).step()
        #expect(try journal.report().isSound)
        try journal.storage.remove(names[1])
        let third = UInt64(names[2].prefix(20))!
        let report = try journal.report()
        #expect(
            report.damages == [
                JournalDamage(segment: names[2], offset: 0, kind: .beginningMissing(expected: second, found: third))
            ])
        #expect(report.damages.first?.records == second...third - 1)
    }

    @Test func forgedRetirementIsFound() throws {
        let journal = try SignedJournal()
        let names = try journal.segments
        let second = UInt64(names[1].prefix(20))!
        // Somebody without the key drops the first segment and writes down a retirement.
        let proof = try ProofLog(storage: journal.storage, identity: journal.identity, key: nil) { _, _ in }
        let hash = try #require(SegmentHeader(Array(journal.bytes(names[1])[..<128]))).previousHash
        try proof.append(.retirement, segment: second, sequence: second - 1, count: 1, hash: hash)
        try journal.storage.remove(names[0])
        #expect(try journal.report().damages.map(\.kind.name) == ["proof_unsigned"])
        #expect(try journal.report(keys: []).unknowns.contains { $0.contains("(unsigned)") })
        // A beginning that doesn't follow what was retired.
        let other = try SignedJournal()
        let log = try ProofLog(storage: other.storage, identity: other.identity, key: testKey) { _, _ in }
        try log.append(.retirement, segment: second, sequence: second - 1, count: 1, hash: .zero)
        try other.storage.remove(names[0])
        #expect(try other.report().damages.map(\.kind) == [.chainBroken])
    }

    @Test func retentionThatDiesAnywhereLeavesAJournalThatVerifiesAndGoesOn() throws {
        var step = 0
        while true {
            let journal = try SignedJournal()
            let storage = FaultStorage(journal.directory.journal)
            let keeper = try keeper(journal, storage: storage, bytes: 1)
            let before = storage.plan.withLock { $0.operationCount }
            storage.plan.withLock { $0.diesAt = before + step }
            try keeper.step()
            let report = try journal.report()
            #expect(report.isSound, "step \(step): \(report.damages)")
            let isDone = try journal.segments.count == 1
            // The next process ends what was begun.
            try self.keeper(journal, bytes: 1).step()
            #expect(try journal.segments.count == 1 && journal.report().isSound, "step \(step)")
            if isDone { break }
            step += 1
        }
        #expect(step > 3)
    }

    /// After a power cut the one segment that retention has left is read anew from its pieces: it still follows what was retired, and the
    /// checkpoints still fit.
    @Test func theOnlySegmentLeftIsSalvagedFromWhereTheJournalBegins() throws {
        let journal = try SignedJournal(recordCount: 1100)
        try keeper(journal, bytes: 1).step()
        let name = try #require(journal.segments.first)
        let blocks = try journal.blocks(name)
        try #require(try journal.segments.count == 1 && blocks.count > 3)
        var bytes = try journal.bytes(name)
        let hole = blocks[blocks.count - 2]
        for index in hole.offset..<hole.endOffset { bytes[index] = 0 }
        try journal.write(name, bytes)
        // What the hole took was not signed yet.
        let entries = try journal.entries().filter { $0.kind == .retirement || $0.sequence < hole.header.firstSequence }
        try journal.writeEntries(Array(entries.prefix { $0.kind == .checkpoint }))
        let proof = try ProofLog(storage: journal.storage, identity: journal.identity, key: testKey) { _, _ in }
        let retired = try #require(entries.first { $0.kind == .retirement })
        try proof.append(
            .retirement, segment: retired.segment, sequence: retired.sequence, count: retired.count, hash: retired.hash)
        try journal.removeMarker()
        let opening = try TrailOpening(journal.directory.configuration(), storage: journal.storage, key: testKey)
        #expect(opening.report.voids.count == 2 && !opening.report.isBehindCheckpoint)
        let report = try journal.report()
        #expect(report.isSound && report.firstSequence == retired.segment, "\(report.damages)")
        #expect(
            report.voids.first
                == VoidRange(
                    first: hole.header.firstSequence, last: hole.header.lastSequence, cause: .memoryLost))
    }

    /// A power cut took the segment after it, and recovery brought the records home: what was announced was less than the segment is now.
    @Test func aSegmentThatHasGrownBeyondWhatWasAnnouncedIsNotDeleted() throws {
        let journal = try SignedJournal()
        let names = try journal.segments
        let second = UInt64(names[1].prefix(20))!
        let proof = try ProofLog(storage: journal.storage, identity: journal.identity, key: testKey) { _, _ in }
        try proof.append(.retirement, segment: second - 10, sequence: second - 11, count: 1, hash: .zero)
        let keeper = try keeper(journal, bytes: 1, confirmed: second - 2)
        try keeper.step()
        #expect(try journal.segments == names && keeper.retention.isBlocked)
    }

    @Test func serverRetiresWhileItRuns() throws {
        let directory = TemporaryDirectory()
        var configuration = try directory.signedConfiguration()
        configuration.retentionByteCount = 150_000
        let trail = try AuditTrail.open(configuration, logger: quietLogger)
        let producer = trail.producer(worker: 0)
        for _ in 0..<6000 { while producer.put() == nil { usleep(300) } }
        #expect(eventually { (trail.status.retention?.retiredSegmentCount ?? 0) > 0 })
        // Also while the server goes on retiring.
        #expect(try JournalVerifier.verify(directory.journal, keys: [testKey.publicKey]).isSound)
        trail.close()
        let report = try JournalVerifier.verify(directory.journal, keys: [testKey.publicKey])
        #expect(report.isSound && (report.firstSequence ?? 0) > 1 && report.lastSequence == 6000, "\(report.damages)")
        #expect(try JournalReader.record(1, directory: directory.journal) == nil)
    }
}
