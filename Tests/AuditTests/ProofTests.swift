import Glibc
import Platform
import Testing
import Wire

@testable import Audit

/// What a signed journal proves: every change is found, with its place.
@Suite struct ProofTests {
    func first(_ report: JournalReport, _ name: String) -> JournalDamage? { report.damages.first { $0.kind.name == name } }

    @Test func signedJournalIsSoundAndSaysWhatItKnows() throws {
        let journal = try SignedJournal()
        let report = try journal.report()
        #expect(report.isSound, "\(report.damages)")
        #expect(report.segmentCount >= 3 && report.blockCount == 60 && report.checkpointCount == 15)
        #expect(report.checkpoint?.sequence == 1500 && report.checkpoint?.count == 60)
        #expect(report.keys == [testKey.publicKey] && report.hasTrustedKeys)
        #expect(report.unknowns.contains { $0.contains("private key") })
        #expect(try journal.report(keys: []).unknowns.contains { $0.contains("--public-key") })
        let unsigned = try SignedJournal(key: nil)
        #expect(try unsigned.report(keys: []).isSound)
        #expect(try unsigned.report(keys: []).unknowns.contains { $0.contains("no signed checkpoint") })
        // Whoever gives a key expects signatures.
        #expect(try unsigned.report().damages.map(\.kind) == [.unsigned])
    }

    @Test func rewrittenChainIsFoundByTheNextCheckpoint() throws {
        for (segment, block) in [(0, 0), (0, 5), (1, 3)] {
            let journal = try SignedJournal()
            let name = try journal.segments[segment]
            let target = try journal.blocks(name)[block].header
            try journal.rewrite(from: name, block: block)
            // Without signatures it looks whole.
            let proof = try journal.bytes("proof")
            try journal.storage.remove("proof")
            #expect(try journal.report(keys: []).isSound)
            try journal.write("proof", proof)
            let report = try journal.report()
            #expect(report.damageCount == 1, "\(report.damages)")
            let damage = try #require(report.damages.first)
            let checkpoint = try #require(journal.entries().first { $0.sequence >= target.lastSequence })
            #expect(damage.kind == .checkpointContradicted(index: checkpoint.index))
            // The place: the block that the checkpoint names; the records: all since the checkpoint before.
            let records = try #require(damage.records)
            #expect(records.contains(target.firstSequence) && records.upperBound == checkpoint.sequence && records.count <= 100)
            let place = try journal.blocks(damage.segment).first { $0.offset == damage.offset }
            #expect(place?.header.lastSequence == checkpoint.sequence)
        }
    }

    @Test func cutTailIsFoundByTheNewestCheckpoint() throws {
        // Between blocks, a whole segment, several; the close marker is taken away, too.
        for cut in 0..<3 {
            let journal = try SignedJournal()
            try journal.removeMarker()
            let names = try journal.segments
            switch cut {
            case 0:
                let block = try #require(journal.blocks(names.last!).last)
                try journal.write(names.last!, Array(journal.bytes(names.last!)[..<block.offset]))
            case 1: try journal.storage.remove(names.last!)
            default: for name in names.dropFirst() { try journal.storage.remove(name) }
            }
            let report = try journal.report()
            let last = try #require(report.lastSequence)
            #expect(report.damages.map(\.kind) == [.cutAfterCheckpoint(through: 1500, last: last)], "\(cut): \(report.damages)")
            let lastSegment = try journal.segments.last
            #expect(report.damages[0].records == last + 1...1500 && report.damages[0].segment == lastSegment)
        }
    }

    @Test func cutInsideABlockIsFoundTwice() throws {
        let journal = try SignedJournal()
        try journal.removeMarker()
        let name = try #require(journal.segments.last)
        try journal.write(name, Array(journal.bytes(name).dropLast(40)))
        #expect(try journal.report().damages.map(\.kind.name) == ["torn_tail", "cut_after_checkpoint"])
    }

    @Test func tailCutTogetherWithItsCheckpointsIsFoundByTheOneKeptElsewhere() throws {
        let journal = try SignedJournal()
        let kept = try #require(try CheckpointLine.newest(journal.directory.journal))
        #expect(CheckpointLine(kept.description) == kept)
        try journal.removeMarker()
        // Back to the state of an earlier checkpoint: as whole as it was then.
        let entries = try journal.entries()
        let earlier = entries[7]
        for name in try journal.segments {
            let blocks = try journal.blocks(name).filter { $0.header.lastSequence <= earlier.sequence }
            if let end = blocks.last?.endOffset {
                try journal.write(name, Array(journal.bytes(name)[..<end]))
            } else {
                try journal.storage.remove(name)
            }
        }
        try journal.writeEntries(Array(entries[...7]))
        #expect(try journal.report().isSound)
        #expect(try journal.report().unknowns.contains { $0.contains("--checkpoint") })
        let report = try journal.report(checkpoints: [kept])
        #expect(
            report.damages.map(\.kind) == [
                .checkpointMissing(index: kept.entry.index), .cutAfterCheckpoint(through: 1500, last: earlier.sequence),
            ])
        // The journal as it was has it.
        #expect(try SignedJournal().report().isSound)
    }

    @Test func checkpointLinesThatWereAlteredAreRefused() throws {
        let small = try SignedJournal(recordCount: 50)
        let line = try #require(try CheckpointLine.newest(small.directory.journal)).description
        #expect(CheckpointLine("  " + line + "\n") != nil)
        let characters = Array(line)
        for index in characters.indices {
            var changed = characters
            changed[index] = changed[index] == "1" ? "2" : "1"
            // What is printed for people is held against the signed bytes; these carry a checksum.
            #expect(CheckpointLine(String(changed)) == nil, "\(index)")
        }
        for count in 0..<line.count { #expect(CheckpointLine(String(line.prefix(count))) == nil) }
    }

    @Test func everyFlippedBitOfTheProofIsFoundAtItsEntry() throws {
        let journal = try SignedJournal(recordCount: 250)
        let original = try journal.bytes("proof")
        for offset in original.indices {
            var bytes = original
            bytes[offset] ^= 1 << UInt8(offset % 8)
            try journal.write("proof", bytes)
            let report = try journal.report()
            #expect(
                report.damages.contains { $0.segment == "proof" && $0.offset == offset / 256 * 256 && $0.kind == .proofEntry })
        }
    }

    @Test func forgedEditedDroppedAndSwappedCheckpointsAreFound() throws {
        let journal = try SignedJournal()
        let entries = try journal.entries()
        func report(_ edit: (inout [ProofEntry]) -> Void) throws -> [JournalDamage] {
            var changed = entries
            edit(&changed)
            try journal.writeEntries(changed)
            return try journal.report().damages
        }
        func damage(_ index: Int, _ kind: JournalDamage.Kind) -> JournalDamage {
            JournalDamage(segment: "proof", offset: index * 256, kind: kind)
        }
        func forged(_ entry: ProofEntry, key: Ed25519PrivateKey?, hash: SHA256Digest? = nil) -> ProofEntry {
            ProofEntry(
                kind: entry.kind, identity: entry.identity, index: entry.index, timeNanoseconds: entry.timeNanoseconds,
                segment: entry.segment, sequence: entry.sequence, count: entry.count, hash: hash ?? entry.hash,
                previousHash: entry.previousHash, key: key)
        }
        #expect(try report { _ in }.isEmpty)
        // Edited, with its CRC made anew.
        let edited = try report { $0[4].sequence -= 1 }
        #expect(
            edited.first == damage(4, .proofSignature) && edited.contains(damage(5, .proofChainBroken(expected: 5, found: 5))))
        // Signed by somebody else.
        let other = Ed25519PrivateKey()
        #expect(try report { $0[14] = forged($0[14], key: other) } == [damage(14, .proofKey(other.publicKey))])
        // Not signed at all.
        #expect(try report { $0[14] = forged($0[14], key: nil) } == [damage(14, .proofUnsigned)])
        // Dropped, in the middle and at the beginning.
        #expect(try report { $0.remove(at: 6) } == [damage(6, .proofChainBroken(expected: 6, found: 7))])
        #expect(try report { $0.remove(at: 0) } == [damage(0, .proofChainBroken(expected: 0, found: 1))])
        #expect(try report { $0.swapAt(2, 3) }.contains(damage(2, .proofChainBroken(expected: 2, found: 3))))
        // The holder of the key signed what isn't so.
        let lie = try report { $0[14] = forged($0[14], key: testKey, hash: .zero) }
        #expect(lie.map(\.kind) == [.checkpointContradicted(index: 14)])
        // All of another journal.
        let foreign = try SignedJournal()
        try journal.write("proof", foreign.bytes("proof"))
        let spliced = try journal.report().damages
        #expect(spliced.contains(damage(0, .foreignProof)) && spliced.contains { $0.kind == .unsigned })
        // Torn, as by a power cut.
        try journal.write("proof", Array(entries.flatMap(\.encoded).dropLast(100)))
        #expect(try journal.report().damages == [damage(14, .proofTorn(byteCount: 156))])
        // Gone altogether.
        try journal.storage.remove("proof")
        #expect(try journal.report().damages == [damage(0, .unsigned)])
    }

    @Test func segmentOfAnotherJournalSplicedInIsFound() throws {
        let journal = try SignedJournal()
        let other = try SignedJournal()
        let name = try journal.segments[1]
        try #require(other.segments.contains(name))
        try journal.write(name, other.bytes(name))
        let damages = try journal.report().damages
        #expect(damages.first == JournalDamage(segment: name, offset: 0, kind: .foreignSegment))
        #expect(damages.contains { $0.kind.name == "chain_broken" && $0.segment == name })
    }

    @Test func droppedFirstSegmentIsFound() throws {
        let journal = try SignedJournal()
        let names = try journal.segments
        try journal.storage.remove(names[0])
        let begins = UInt64(names[1].prefix(20))!
        let damages = try journal.report().damages
        #expect(damages == [JournalDamage(segment: names[1], offset: 0, kind: .beginningMissing(expected: 1, found: begins))])
        #expect(damages.first?.records == 1...begins - 1)
    }

    @Test func theServerSignsEveryFewBlocksAtRotationAndAtTheClose() throws {
        let directory = TemporaryDirectory()
        for round in 1...3 as ClosedRange<UInt64> {
            let trail = try AuditTrail.open(try directory.signedConfiguration(), logger: quietLogger)
            let producer = trail.producer(worker: 0)
            for _ in 0..<800 { while producer.put() == nil { usleep(300) } }
            #expect(eventually { (trail.status.checkpointCount ?? 0) > 0 })
            trail.close()
            #expect(trail.status.checkpointSequence == round * 800)
            let report = try JournalVerifier.verify(directory.journal, keys: [testKey.publicKey])
            #expect(report.isSound, "\(report.damages)")
            #expect(report.checkpoint?.sequence == round * 800 && report.checkpoint?.count == UInt64(report.blockCount))
        }
    }

    @Test func theEndThatAJournalHadWhenItWasOpenedIsSignedAtTheClose() throws {
        let directory = TemporaryDirectory()
        let unsigned = try AuditTrail.open(directory.configuration(), logger: quietLogger)
        for _ in 0..<5 { #expect(unsigned.producer(worker: 0).put() != nil) }
        unsigned.close()
        // Nothing is written meanwhile.
        try AuditTrail.open(directory.signedConfiguration(), logger: quietLogger).close()
        let report = try JournalVerifier.verify(directory.journal, keys: [testKey.publicKey])
        #expect(report.isSound && report.checkpoint?.sequence == 5 && report.checkpoint?.count == UInt64(report.blockCount))
    }

    @Test func tornCheckpointIsCutAsideAtTheNextStart() throws {
        for rest in [1, 100, 255, 256, 300] {
            let directory = TemporaryDirectory()
            try AuditTrail.open(try directory.signedConfiguration(), logger: quietLogger).close()
            let storage = DiskStorage(directory: directory.journal)
            let trail = try AuditTrail.open(try directory.signedConfiguration(), logger: quietLogger)
            #expect(trail.producer(worker: 0).put() == 1)
            trail.close()
            // A crash may leave any part of an entry, and zeros where bytes were not written.
            let torn = [UInt8](repeating: 0, count: rest)
            try storage.replace("proof", storage.read("proof") + torn)
            #expect(try !JournalVerifier.verify(directory.journal).isSound)
            let again = try AuditTrail.open(try directory.signedConfiguration(), logger: quietLogger)
            #expect(again.recovery.quarantined.contains { $0.hasPrefix("quarantine/proof.256.") })
            #expect(again.producer(worker: 0).put() == 2)
            again.close()
            let report = try JournalVerifier.verify(directory.journal, keys: [testKey.publicKey])
            #expect(report.isSound && report.checkpointCount == 2, "\(rest): \(report.damages)")
        }
    }

    @Test func serverThatFindsItsEndCutOffGivesNoNumberTwiceAndTheCutStaysVisible() throws {
        let directory = TemporaryDirectory()
        let trail = try AuditTrail.open(try directory.signedConfiguration(), logger: quietLogger)
        let producer = trail.producer(worker: 0)
        for _ in 0..<200 { while producer.put() == nil { usleep(300) } }
        trail.close()
        let storage = DiskStorage(directory: directory.journal)
        let name = try #require(JournalDirectory.segments(storage).last.map(JournalDirectory.segmentName))
        try storage.replace(name, Array(storage.read(name)[..<SegmentHeader.byteCount]))
        try JournalDirectory.writeCleanMarker(
            CleanMarker(nextSequence: 1, hash: trail.identity.genesis), storage)
        let again = try AuditTrail.open(try directory.signedConfiguration(), logger: quietLogger)
        #expect(again.recovery.isBehindCheckpoint && !again.recovery.wasClean)
        #expect(again.producer(worker: 0).put() == 201)
        again.close()
        #expect(try JournalVerifier.verify(directory.journal).damages.contains { $0.kind.name == "checkpoint_contradicted" })
    }

    @Test func keysThatCanNotBeUsedAreToldBeforeAnythingIsTouched() throws {
        let directory = TemporaryDirectory()
        var configuration = try directory.signedConfiguration()
        configuration.checkpointKeyPath = "\(directory.path)/absent"
        #expect(
            throws: AuditError.checkpointKey(
                .system(SystemError(operation: "stat", path: "\(directory.path)/absent", code: ENOENT)))
        ) {
            try AuditTrail.open(configuration, logger: quietLogger)
        }
        #expect(!File.exists(directory.journal))
        configuration = try directory.signedConfiguration()
        configuration.checkpointBlockCount = 0
        #expect(throws: AuditError.setting(name: "checkpointBlockCount", value: 0, allowed: 1...1_000_000)) {
            try AuditTrail.open(configuration, logger: quietLogger)
        }
    }

    @Test func aCheckpointIsNeverAheadOfTheJournalWhateverFails() throws {
        // The process dies at each operation of the disk in turn; what is left verifies, or ends in a torn entry or block.
        let base = TemporaryDirectory()
        var survived = false
        for step in 0..<400 {
            let directory = TemporaryDirectory()
            let configuration = try directory.signedConfiguration(blocks: 1)
            let storage = FaultStorage(directory.journal)
            storage.plan.withLock { $0.diesAt = step }
            if let trail = try? AuditTrail.open(configuration, storage: storage, logger: quietLogger, onFailure: { _ in }) {
                let producer = trail.producer(worker: 0)
                for _ in 0..<60 { _ = producer.put() }
                trail.close()
                survived = trail.status.failure == nil && trail.status.checkpointSequence == 60
            }
            guard File.exists("\(directory.journal)/identity") else { continue }
            let report = try JournalVerifier.verify(directory.journal, keys: [])
            #expect(!report.damages.contains { ["cut_after_checkpoint", "checkpoint_contradicted"].contains($0.kind.name) })
            if survived { break }
        }
        #expect(survived)
        _ = base
    }
}
