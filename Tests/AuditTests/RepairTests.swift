import Glibc
import Platform
import Testing
import Wire

@testable import Audit

/// Repair makes a journal that verifies, says what is missing, and deletes nothing.
@Suite struct RepairTests {
    @discardableResult
    func repair(_ journal: SignedJournal, isDryRun: Bool = false) throws -> RepairReport {
        try JournalRepair.repair(
            journal.directory.journal, key: testKey, trusted: [testKey.publicKey], isDryRun: isDryRun)
    }

    /// Repairs, and holds what must be so after every repair.
    func repaired(_ journal: SignedJournal, _ what: String) throws -> RepairReport {
        let before = try allRecords(journal.directory.journal)
        #expect(try !journal.report().isSound, "\(what)")
        let foretold = try repair(journal, isDryRun: true)
        #expect(try allRecords(journal.directory.journal) == before, "\(what): a dry run changed something")
        let report = try repair(journal)
        #expect(foretold.damaged == report.damaged && foretold.rewritten == report.rewritten, "\(what)")
        let verified = try journal.report()
        #expect(verified.isSound, "\(what): \(verified.damages)")
        // Every number is accounted for, once.
        var next: UInt64 = 1
        var damaged: [ClosedRange<UInt64>] = []
        for record in try allRecords(journal.directory.journal) {
            #expect(record.sequence == next, "\(what)")
            next = record.lastSequence + 1
            if record.isVoid {
                damaged.append(record.sequence...record.lastSequence)
            } else {
                #expect(record.bytes == makeRecord(record.sequence), "\(what)")
            }
        }
        #expect(damaged == report.damaged && verified.voids.allSatisfy { $0.cause == .damaged }, "\(what)")
        // Once more there is nothing to do.
        #expect(try repair(journal).isEmpty, "\(what)")
        for name in report.quarantined { #expect(journal.storage.exists(name), "\(what): \(name)") }
        return report
    }

    @Test func soundJournalNeedsNoRepair() throws {
        let journal = try SignedJournal()
        let files = try File.list(journal.directory.journal)
        #expect(try repair(journal).isEmpty)
        // But for the lock's file.
        #expect(try File.list(journal.directory.journal).filter { $0 != "lock" } == files)
    }

    @Test func damagedBlocksAreAccountedForAndTheRestStaysByteForByte() throws {
        for target in ["payload", "header", "first", "last", "two"] {
            let journal = try SignedJournal()
            let name = try journal.segments[target == "last" ? journal.segments.count - 1 : 0]
            let blocks = try journal.blocks(name)
            var bytes = try journal.bytes(name)
            var expected: [ClosedRange<UInt64>] = []
            func harm(_ index: Int, _ offset: Int) {
                bytes[blocks[index].offset + offset] ^= 4
                expected.append(blocks[index].header.firstSequence...blocks[index].header.lastSequence)
            }
            switch target {
            case "payload": harm(3, 200)
            case "header": harm(3, 20)
            case "first": harm(0, 130)
            case "last": harm(blocks.count - 1, 140)
            default: harm(2, 130); harm(6, 30)
            }
            try journal.write(name, bytes)
            let report = try repaired(journal, target)
            #expect(report.damaged == expected && report.rewritten == [name] && report.removed.isEmpty)
            // The evidence is whole.
            #expect(try journal.bytes(report.quarantined[0]) == bytes)
        }
    }

    @Test func swappedBlocksAndSegmentsComeBackWhole() throws {
        let journal = try SignedJournal()
        let names = try journal.segments
        let bytes = try journal.bytes(names[0])
        let blocks = try journal.blocks(names[0])
        let second = Array(bytes[blocks[1].offset..<blocks[1].endOffset])
        let third = Array(bytes[blocks[2].offset..<blocks[2].endOffset])
        try journal.write(names[0], Array(bytes[..<blocks[1].offset]) + third + second + bytes[blocks[2].endOffset...])
        #expect(try repaired(journal, "blocks").damaged.isEmpty)
        let first = try journal.bytes(names[0])
        try journal.write(names[0], journal.bytes(names[1]))
        try journal.write(names[1], first)
        #expect(try repaired(journal, "segments").damaged.isEmpty)
    }

    @Test func missingSegmentsAreAccountedFor() throws {
        for index in 0..<3 {
            let journal = try SignedJournal()
            let names = try journal.segments
            try #require(names.count >= 3)
            let missing = index < 2 ? index : names.count - 1
            let numbers = try journal.blocks(names[missing]).map(\.header)
            try journal.storage.remove(names[missing])
            let report = try repaired(journal, "segment \(missing)")
            #expect(report.damaged == [numbers[0].firstSequence...numbers.last!.lastSequence] && report.quarantined.isEmpty)
            // What stayed was not touched.
            #expect(report.rewritten == [names[missing]])
        }
    }

    @Test func unreadableSegmentGoesToQuarantine() throws {
        let journal = try SignedJournal()
        let name = try journal.segments[1]
        let garbage = [UInt8](repeating: 7, count: 5000)
        try journal.write(name, garbage)
        let report = try repaired(journal, "garbage")
        #expect(report.damaged.count == 1 && report.rewritten == [name])
        #expect(try journal.bytes(report.quarantined[0]) == garbage)
    }

    @Test func segmentOfAnotherJournalIsPutAside() throws {
        let journal = try SignedJournal()
        let other = try SignedJournal()
        let name = try journal.segments[1]
        try journal.write(name, other.bytes(name))
        #expect(try repaired(journal, "foreign").damaged.count == 1)
    }

    @Test func replacedBlockAndRewrittenChainAreRecordedAsDamaged() throws {
        let journal = try SignedJournal()
        let name = try journal.segments[0]
        let target = try journal.blocks(name)[5].header
        try journal.rewrite(from: name, block: 5)
        let report = try repaired(journal, "rewritten")
        #expect(report.damaged.count == 1)
        let damaged = try #require(report.damaged.first)
        // All that the rewriting reached; what the last good checkpoint covers stays.
        #expect(
            damaged.contains(target.firstSequence) && damaged.upperBound == 1500
                && damaged.lowerBound > target.firstSequence - 101)
    }

    @Test func cutTailsAreAccountedForUpToTheNewestCheckpoint() throws {
        let journal = try SignedJournal()
        try journal.removeMarker()
        let name = try #require(journal.segments.last)
        let block = try #require(journal.blocks(name).last)
        try journal.write(name, Array(journal.bytes(name)[..<block.offset]))
        #expect(try repaired(journal, "cut").damaged == [block.header.firstSequence...1500])
    }

    @Test func proofIsRepairedWithGaps() throws {
        let journal = try SignedJournal()
        var bytes = try journal.bytes("proof")
        bytes[3 * 256 + 70] ^= 1
        bytes[14 * 256 + 70] ^= 1
        try journal.write("proof", Array(bytes) + [1, 2, 3])
        let report = try repaired(journal, "proof")
        #expect(report.proofGapCount == 2 && report.damaged.isEmpty)
        #expect(try journal.report().gaps.map(\.sequence) == [3, 14])
        #expect(try journal.report().checkpointCount == 13)
    }

    @Test func serverGoesOnBehindARepair() throws {
        let journal = try SignedJournal()
        let name = try #require(journal.segments.last)
        let last = try #require(journal.blocks(name).last)
        var bytes = try journal.bytes(name)
        bytes[last.offset + 140] ^= 1
        try journal.write(name, bytes)
        try repair(journal)
        for round in 0..<2 as Range<UInt64> {
            let trail = try AuditTrail.open(try journal.directory.signedConfiguration(), logger: quietLogger)
            #expect(trail.recovery.wasClean && trail.recovery.damageCount == 0)
            #expect(trail.producer(worker: 0).put() == 1501 + round)
            trail.close()
            let report = try journal.report()
            #expect(report.isSound, "\(report.damages)")
        }
    }

    @Test func repairsThatWereForgedAreFound() throws {
        let journal = try SignedJournal()
        let name = try journal.segments[0]
        var bytes = try journal.bytes(name)
        bytes[try journal.blocks(name)[3].offset + 140] ^= 1
        try journal.write(name, bytes)
        try repair(journal)
        // Its entry taken out of the proof, or never signed.
        let entries = try journal.entries()
        try journal.writeEntries(Array(entries.dropLast()))
        #expect(try journal.report().damages.map(\.kind.name) == ["repair_unrecorded"])
        try journal.writeEntries(Array(entries.dropLast()))
        _ = try JournalRepair.repair(journal.directory.journal)
        #expect(try journal.report().damages.map(\.kind.name) == ["proof_unsigned"])
        #expect(try journal.report(keys: []).isSound)
    }

    @Test func repairIsRefusedWhileAServerRuns() throws {
        let directory = TemporaryDirectory()
        let trail = try AuditTrail.open(directory.configuration(), logger: quietLogger)
        #expect(throws: AuditError.journalInUse(path: directory.journal)) { try JournalRepair.repair(directory.journal) }
        trail.close()
        #expect(try JournalRepair.repair(directory.journal).isEmpty)
        #expect(throws: AuditError.noJournal(path: directory.path)) { try JournalRepair.repair(directory.path) }
        #expect(!File.exists("\(directory.path)/lock"))
    }

    @Test func repairThatIsBrokenOffAnywhereEndsTheSameWhenMadeAgain() throws {
        var step = 0
        while true {
            let journal = try SignedJournal(recordCount: 400)
            let names = try journal.segments
            var bytes = try journal.bytes(names[0])
            bytes[try journal.blocks(names[0])[2].offset + 140] ^= 1
            let damaged = try journal.blocks(names[0])[2].header
            try journal.write(names[0], bytes)
            let storage = FaultStorage(journal.directory.journal)
            storage.plan.withLock { $0.diesAt = step }
            let isDone = (try? JournalRepair.repair(storage: storage, path: "", key: testKey)) != nil
            try repair(journal)
            let report = try journal.report()
            #expect(report.isSound, "step \(step): \(report.damages)")
            #expect(report.voids.map(\.first) == [damaged.firstSequence] && report.recordCount == 375, "step \(step)")
            if isDone { break }
            step += 1
        }
        #expect(step > 8)
    }

    @Test func anyDamageIsRepaired() throws {
        let seed: UInt64 = 20_261_130
        print("repair seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for round in 0..<60 {
            let journal = try SignedJournal(recordCount: 500)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let names = try journal.segments + ["proof"]
                let name = names.randomElement(using: &generator)!
                var bytes = try journal.bytes(name)
                if bytes.isEmpty { continue }
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<6, using: &generator) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...3000, using: &generator)))
                case 2: bytes.insert(contentsOf: bytes.prefix(Int.random(in: 1...3000, using: &generator)), at: at)
                case 3: bytes.removeLast(bytes.count - at)
                case 4: if name != "proof" { try journal.storage.remove(name); continue }
                default: for index in at..<min(bytes.count, at + 64) { bytes[index] = 0 }
                }
                try journal.write(name, bytes)
            }
            try repair(journal)
            let report = try journal.report(keys: [])
            #expect(report.isSound, "round \(round): \(report.damages)")
            #expect(report.firstSequence == 1 && report.lastSequence == 500, "round \(round)")
            for record in try allRecords(journal.directory.journal) where !record.isVoid {
                #expect(record.bytes == makeRecord(record.sequence), "round \(round)")
            }
            #expect(try repair(journal).isEmpty, "round \(round)")
        }
    }
}
