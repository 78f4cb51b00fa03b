import Audit
import Forest
import Glibc
import ModelBundle
import Platform
import Registry
import Testing
import Wire

@testable import Replay

/// Recorded decisions scored anew.
@Suite struct ReplayTests {
    /// Decisions by two versions in turn, every fifth with reasons.
    private func records(_ served: [ReplayBench.Served], count: Int = 600) -> [AuditRecord] {
        ReplayDrafts.rows(count, width: served[0].bundle.featureCount, seed: 7).enumerated().map { index, row in
            served[index / 50 % served.count].decision(row, explain: index % 5 == 0 ? 3 : 0, id: "tx-\(index)")
        }
    }

    private func replay(_ bench: ReplayBench, threadCount: Int = 1, window: JournalWindow = JournalWindow()) throws
        -> ReplayReport
    {
        try Replay.run(journal: bench.journal, registry: bench.registry, window: window, threadCount: threadCount)
    }

    @Test(arguments: [Precision.float32, .float64])
    func everyDecisionComesOutAsItWasRecorded(precision: Precision) throws {
        let bench = try ReplayBench()
        let served = try [1, 2].map { try bench.push(ReplayDrafts.make(seed: $0, precision: precision)) }
        try bench.write(records(served))
        let report = try replay(bench)
        #expect(report.isEqual, "\(report.differences)")
        #expect(report.comparedCount == 600)
        #expect(report.explainedCount == 120)
        #expect(report.closeCount == 0)
        #expect(report.bundles.map(\.count) == [300, 300])
        #expect(report.absent.isEmpty)
    }

    private static let alterations: [(String, DifferingParts, @Sendable (inout AuditRecord) -> Void)] = [
        ("the score's last bit", .score, { $0.score = $0.score.nextUp }),
        ("an output's last bit", .outputs, { $0.scores[0] ^= 1 }),
        ("an output more", .outputs, { $0.scores += [UInt8](repeating: 0, count: 8) }),
        ("the outcome", .outcome, { $0.outcome = $0.outcome == .approve ? .decline : .approve }),
        ("the stage", .stage, { $0.stage = .heuristic }),
        ("the first reason left out", .reasons, { $0.reasons.removeFirst() }),
        (
            "a reason more", .reasons,
            { $0.reasons.insert(ReasonMessage(code: "SCORE_AT_LEAST_REVIEW", value: 1, threshold: 1), at: 0) }
        ),
        ("a contribution", .reasons, { $0.reasons[$0.reasons.count - 1].contribution *= 1 + 1e-6 }),
        ("the value in a reason", .reasons, { $0.reasons[$0.reasons.count - 1].value += 1 }),
        ("the feature of a reason", .reasons, { $0.reasons[$0.reasons.count - 1].feature = "else" }),
        ("a feature less", .featureCount, { $0.features32.removeLast(4) }),
        ("no features", .featureCount, { $0.features32 = [] }),
    ]

    @Test(arguments: alterations.indices)
    func eachAlteredPartIsFoundAndNamed(index: Int) throws {
        let (what, parts, alter) = Self.alterations[index]
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        var records = self.records([served], count: 100)
        alter(&records[40])
        try bench.write(records)
        let report = try replay(bench)
        #expect(report.differenceCount == 1, "\(what)")
        #expect(report.differences.map(\.sequence) == [41], "\(what)")
        #expect(report.differences.map(\.parts) == [parts], "\(what)")
        #expect(report.differences.first?.comparison.differing.isEmpty == false, "\(what)")
        #expect(!report.isEqual)
    }

    @Test func aContributionOfAnotherKernelIsEqualWithinTheTolerance() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        var records = self.records([served], count: 100)
        for index in [0, 5, 10] {
            records[index].reasons[records[index].reasons.count - 1].contribution *= 1 + 1e-13
        }
        try bench.write(records)
        let report = try replay(bench)
        #expect(report.isEqual)
        #expect(report.closeCount == 3)
    }

    @Test func missingBundlesAreCountedAndNamedAndTheRestIsCompared() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        let lost = ReplayBench.Served(bundle: try bench.admit(ReplayDrafts.make(seed: 2)), version: 9)
        try bench.write(records([served, lost], count: 400))
        let report = try replay(bench)
        #expect(report.isEqual)
        #expect(report.comparedCount == 200)
        #expect(report.absentRecordCount == 200)
        #expect(report.absent.map(\.digest) == [lost.bundle.digest])
        #expect(report.absent.map(\.version) == [9])
    }

    @Test func featuresAreDerivedAnewFromTheRecordedTransaction() throws {
        let bench = try ReplayBench()
        let served = try bench.push(
            ReplayDrafts.make(["elapsed", "category", "else"], seed: 3, sources: [.cardElapsedSeconds, .cardMerchantCategory]))
        var records: [AuditRecord] = []
        for index in 0..<50 {
            var card = CardTransaction()
            card.elapsedSeconds = Double(index)
            card.merchantCategory = UInt32(index)
            var record = served.decision([Double(index), Double(index), .nan])
            record.card = card.encoded()
            records.append(record)
        }
        // This one says another time than the one that was scored.
        var other = CardTransaction()
        other.elapsedSeconds = 7_777
        other.merchantCategory = 20
        records[20].card = other.encoded()
        records[30].card = [0xff]
        try bench.write(records)
        let report = try replay(bench)
        #expect(report.derivedCount == 50)
        #expect(report.differences.map(\.sequence) == [21, 31])
        #expect(report.differences.map(\.parts) == [.features, .features])
        #expect(report.differences.first?.comparison.differing.map(\.name) == ["feature elapsed"])
    }

    @Test func anyNumberOfThreadsFindsTheSame() throws {
        let bench = try ReplayBench()
        let served = try [1, 2].map { try bench.push(ReplayDrafts.make(seed: $0)) }
        var records = self.records(served, count: 3000)
        for index in stride(from: 0, to: records.count, by: 60) { records[index].score = records[index].score.nextDown }
        try bench.write(records)
        let firstDiffering: [UInt64] = (0..<20).map { 60 * $0 + 1 }
        let reports = try [1, 2, 5].map { try replay(bench, threadCount: $0) }
        for report in reports {
            #expect(report.differenceCount == 50)
            #expect(report.differences.map(\.sequence) == firstDiffering)
            #expect(report.comparedCount == 3000)
            #expect(report.differencesByPart == ["score": 50])
        }
    }

    @Test func aWindowAndATransactionLimitWhatIsCompared() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        let rows = ReplayDrafts.rows(100, width: 3, seed: 1)
        try bench.write(rows.enumerated().map { served.decision($1, time: Int64($0) * 1000, id: "tx-\($0 % 10)") })
        var window = JournalWindow()
        window.from = 20_000
        window.to = 50_000
        #expect(try replay(bench, window: window).comparedCount == 30)
        window.transactionID = Array("tx-3".utf8)
        #expect(try replay(bench, window: window).comparedCount == 3)
        window.transactionID = Array("tx-".utf8)
        #expect(try replay(bench, window: window).comparedCount == 0)
    }

    @Test func decisionsOnOneTransactionAreComparedWithAndWithoutIndexes() throws {
        let bench = try ReplayBench()
        let served = try [1, 2].map { try bench.push(ReplayDrafts.make(seed: $0)) }
        var records = ReplayDrafts.rows(3000, width: 3, seed: 1).enumerated().map { index, row in
            served[index % 2].decision(row, id: index % 151 == 5 ? "again" : "tx-\(index)")
        }
        records[307].score = records[307].score.nextDown
        try bench.write(records)
        var window = JournalWindow()
        window.transactionID = Array("again".utf8)
        #expect(try File.list(bench.journal).contains { $0.hasSuffix(".index") })
        for _ in 0..<2 {
            let report = try replay(bench, threadCount: 2, window: window)
            #expect(report.comparedCount == 20 && report.differences.map(\.sequence) == [308])
            #expect(report.bundles.map(\.count) == [10, 10] && report.damageCount == 0)
            for name in try File.list(bench.journal) where name.hasSuffix(".index") {
                try File.remove("\(bench.journal)/\(name)")
            }
        }
    }

    @Test func aTransactionWithMoreDecisionsThanAreTakenFromIndexesIsComparedAll() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        let count = ReplayLimits.transactionRecordCountMax + 1
        let one = served.decision([1, 2, 3], id: "one")
        try bench.write([AuditRecord](repeating: one, count: count) + [served.decision([1, 2, 3], id: "other")])
        var window = JournalWindow()
        window.transactionID = Array("one".utf8)
        #expect(try replay(bench, window: window).comparedCount == count)
    }

    @Test func aTransactionInADamagedBlockIsCountedAsDamage() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        try bench.write(records([served], count: 3000))
        let segment = try #require(try File.list(bench.journal).first { $0.hasSuffix(".journal") })
        let path = "\(bench.journal)/\(segment)"
        let original = try File.read(path)
        var window = JournalWindow()
        window.transactionID = Array("tx-1".utf8)
        #expect(try replay(bench, window: window).damageCount == 0)
        // A byte of the payload; and one of the hash that the header states, whose own checksum is made anew.
        var bytes = original
        bytes[128 + 128 + 100] ^= 1
        try File.writeAtomically(bytes, to: path)
        let report = try replay(bench, window: window)
        #expect(report.damageCount == 1 && report.comparedCount == 0)
        bytes = original
        bytes[128 + 80] ^= 1
        let checksum = bytes[128..<128 + 124].withUnsafeBytes { crc32c($0) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(128 + 124..<128 + 128, with: $0) }
        try File.writeAtomically(bytes, to: path)
        #expect(try replay(bench, window: window).damageCount == 1)
        let unchecked = try Replay.run(
            journal: bench.journal, registry: bench.registry, window: window, threadCount: 1, checksHash: false)
        #expect(unchecked.damageCount == 0 && unchecked.comparedCount == 1)
    }

    @Test func aDamagedBlockIsCountedAndTheRestIsCompared() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        try bench.write(records([served], count: 600))
        let segment = try #require(try File.list(bench.journal).first { $0.hasSuffix(".journal") })
        let path = "\(bench.journal)/\(segment)"
        var bytes = try File.read(path)
        // In the payload of the first block, behind both headers.
        bytes[128 + 128 + 100] ^= 1
        try File.writeAtomically(bytes, to: path)
        let report = try replay(bench)
        #expect(report.damageCount == 1)
        #expect(report.comparedCount < 600)
        #expect(report.comparedCount > 300)
        #expect(report.differenceCount == 0)
        #expect(!report.isEqual)
    }

    @Test func aBlockThatWasEditedWithItsChecksumIsFoundByItsHash() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        try bench.write(records([served], count: 600))
        let segment = try #require(try File.list(bench.journal).first { $0.hasSuffix(".journal") })
        let path = "\(bench.journal)/\(segment)"
        var bytes = try File.read(path)
        // The stated hash itself: bytes 80-111 of the first block's header; then the header's own checksum is made anew.
        bytes[128 + 80] ^= 1
        let checksum = bytes[128..<128 + 124].withUnsafeBytes { crc32c($0) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(128 + 124..<128 + 128, with: $0) }
        try File.writeAtomically(bytes, to: path)
        // The link to the next block is broken, whether hashes are computed or not.
        #expect(
            try Replay.run(journal: bench.journal, registry: bench.registry, threadCount: 1, checksHash: false).damageCount == 1)
        #expect(try replay(bench).damageCount == 2)
    }

    @Test func oneDecisionIsShownSideBySide() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(seed: 1))
        var records = self.records([served], count: 100)
        records[30].outcome = records[30].outcome == .approve ? .decline : .approve
        try bench.write(records)
        let (equal, _) = try Replay.decision(11, journal: bench.journal, registry: bench.registry)
        #expect(equal?.differing.isEmpty == true)
        #expect(
            equal?.lines.map(\.name).prefix(6) == [
                "feature amount", "feature hour", "feature fee", "output 0", "score", "outcome",
            ])
        let (other, _) = try Replay.decision(31, journal: bench.journal, registry: bench.registry)
        #expect(other?.differing.map(\.name) == ["outcome"])
        #expect(throws: ReplayError.self) { try Replay.decision(1000, journal: bench.journal, registry: bench.registry) }
    }

    @Test func whatIsNotThereIsATypedError() throws {
        let bench = try ReplayBench()
        #expect(throws: ReplayError.self) { try replay(bench) }
        #expect(throws: ReplayError.self) {
            try Replay.run(journal: bench.journal, registry: bench.path + "/nowhere", threadCount: 1)
        }
    }
}
