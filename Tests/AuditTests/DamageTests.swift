import Glibc
import Platform
import Testing
import Wire

@testable import Audit

/// A closed journal without checkpoints, and ways to harm it as disks and people do.
struct HarmedJournal {
    private let sound: SignedJournal

    init(recordCount: Int = 600) throws { sound = try SignedJournal(recordCount: recordCount, key: nil) }

    var directory: TemporaryDirectory { sound.directory }
    var identity: JournalIdentity { sound.identity }
    var segments: [String] { get throws { try sound.segments } }
    func bytes(_ segment: String) throws -> [UInt8] { try sound.bytes(segment) }
    func write(_ segment: String, _ bytes: [UInt8]) throws { try sound.write(segment, bytes) }

    /// Where each block of a segment is.
    func blocks(_ segment: String) throws -> [Range<Int>] { try sound.blocks(segment).map { $0.offset..<$0.endOffset } }

    func report() throws -> JournalReport { try JournalVerifier.verify(directory.journal) }

    /// Damages found, with the place.
    func damages() throws -> [JournalDamage] { try report().damages }
}

@Suite struct DamageTests {
    @Test func soundJournalIsSound() throws {
        let report = try HarmedJournal().report()
        #expect(report.isSound && report.recordCount == 600 && report.segmentCount > 1 && report.blockCount > 20)
    }

    @Test func everyFlippedBitIsFoundAtItsBlock() throws {
        let journal = try HarmedJournal(recordCount: 60)
        let name = try #require(journal.segments.first)
        let original = try journal.bytes(name)
        let blocks = try journal.blocks(name)
        var generator = SeededGenerator(seed: 99)
        for round in 0..<300 {
            // Every byte of the segment's header and of the first block's header, then any.
            let offset = round < 256 ? round : Int.random(in: 256..<original.count, using: &generator)
            var bytes = original
            bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            try journal.write(name, bytes)
            let damages = try journal.damages()
            let block = blocks.first { $0.contains(offset) }
            #expect(damages.contains { $0.segment == name && $0.offset == block?.lowerBound ?? 0 }, "byte \(offset): \(damages)")
        }
    }

    @Test func neighboursThatAreDamagedAreFoundEachByItself() throws {
        let journal = try HarmedJournal()
        let name = try journal.segments[0]
        var bytes = try journal.bytes(name)
        let blocks = try journal.blocks(name)[1...3]
        for block in blocks { bytes[block.upperBound - 1] ^= 1 }
        try journal.write(name, bytes)
        let damages = try journal.damages()
        #expect(damages.map(\.kind) == [.payloadChecksum, .payloadChecksum, .payloadChecksum])
        #expect(damages.map(\.offset) == blocks.map(\.lowerBound))
        // Each names its own records, and together they name all of them.
        let records = damages.compactMap(\.records)
        #expect(records.count == 3 && zip(records, records.dropFirst()).allSatisfy { $0.upperBound + 1 == $1.lowerBound })
    }

    @Test func droppedBlockIsFound() throws {
        let journal = try HarmedJournal()
        let name = try journal.segments[0]
        var bytes = try journal.bytes(name)
        let block = try journal.blocks(name)[2]
        bytes.removeSubrange(block)
        try journal.write(name, bytes)
        let damages = try journal.damages()
        #expect(damages.count == 2 && damages.allSatisfy { $0.segment == name && $0.offset == block.lowerBound }, "\(damages)")
        #expect(damages[0].kind == .chainBroken)
        if case .sequence(let expected, let found) = damages[1].kind {
            #expect(found > expected)
        } else {
            Issue.record("\(damages)")
        }
    }

    @Test func droppedLastBlocksAreFoundByTheCloseMarker() throws {
        let journal = try HarmedJournal()
        let name = try #require(journal.segments.last)
        let block = try #require(journal.blocks(name).last)
        try journal.write(name, Array(journal.bytes(name)[..<block.lowerBound]))
        let report = try journal.report()
        #expect(report.damages.map(\.kind) == [.tailMissing(closedBefore: 601, found: (report.lastSequence ?? 0) + 1)])
    }

    @Test func droppedSegmentIsFound() throws {
        let journal = try HarmedJournal(recordCount: 1500)
        let names = try journal.segments
        try #require(names.count >= 3)
        try File.remove("\(journal.directory.journal)/\(names[1])")
        let damages = try journal.damages()
        #expect(damages.first == JournalDamage(segment: names[2], offset: 0, kind: .chainBroken))
    }

    @Test func swappedBlocksAreFound() throws {
        let journal = try HarmedJournal()
        let name = try journal.segments[1]
        let bytes = try journal.bytes(name)
        let blocks = try journal.blocks(name)
        try journal.write(
            name,
            Array(bytes[..<blocks[1].lowerBound]) + bytes[blocks[2]] + bytes[blocks[1]] + bytes[blocks[2].upperBound...])
        let damages = try journal.damages()
        #expect(damages.first == JournalDamage(segment: name, offset: blocks[1].lowerBound, kind: .chainBroken))
        // Both blocks and the one after them break the chain and the order.
        #expect(damages.count == 6, "\(damages)")
    }

    @Test func swappedSegmentsAreFound() throws {
        let journal = try HarmedJournal()
        let names = try journal.segments
        let first = try journal.bytes(names[0])
        try journal.write(names[0], journal.bytes(names[1]))
        try journal.write(names[1], first)
        #expect(try journal.damages().contains { if case .segmentSequence = $0.kind { $0.segment == names[0] } else { false } })
    }

    @Test func segmentOfAnotherJournalIsFound() throws {
        let journal = try HarmedJournal()
        let other = try HarmedJournal()
        let name = try journal.segments[0]
        try journal.write(name, other.bytes(name))
        #expect(try journal.damages().first == JournalDamage(segment: name, offset: 0, kind: .foreignSegment))
    }

    @Test func cutTailIsFound() throws {
        let journal = try HarmedJournal()
        let name = try #require(journal.segments.last)
        let bytes = try journal.bytes(name)
        let block = try #require(journal.blocks(name).last)
        for cut in [1, 50, block.count - 1, block.count - BlockHeader.byteCount, block.count - 5] {
            try journal.write(name, Array(bytes.dropLast(cut)))
            let damages = try journal.damages()
            #expect(
                damages.first
                    == JournalDamage(segment: name, offset: block.lowerBound, kind: .tornTail(byteCount: block.count - cut)),
                "\(cut): \(damages)")
            #expect(damages.count == 2)
        }
    }

    /// A forger who edits a record and makes every checksum of its block anew; where the forged block is.
    func forge(_ journal: HarmedJournal, _ name: String, _ index: Int, hashToo: Bool) throws -> Range<Int> {
        let bytes = try journal.bytes(name)
        let range = try journal.blocks(name)[index]
        var cursor = SegmentCursor(try DiskStorage(directory: journal.directory.journal).openForReading(name))
        cursor.offset = range.lowerBound
        guard case .block(let stored) = try cursor.read(checkingHash: true), var raw = stored.rawBytes() else { return range }
        var record = try #require(
            raw[4...].withUnsafeBytes { AuditRecord.decode(UnsafeRawBufferPointer(rebasing: $0[..<Int(raw[0])])) })
        record.outcome = record.outcome == .approve ? .decline : .approve
        let edited = record.encoded()
        raw.replaceSubrange(4..<4 + edited.count, with: edited)
        var header = stored.header
        header.codec = .none
        header.storedByteCount = raw.count
        header.payloadChecksum = raw.withUnsafeBytes { crc32c($0) }
        if hashToo { header.hash = raw.withUnsafeBytes { header.computedHash($0) } }
        try journal.write(name, Array(bytes[..<range.lowerBound]) + header.encoded + raw + bytes[range.upperBound...])
        return range.lowerBound..<range.lowerBound + header.encoded.count + raw.count
    }

    @Test func editedRecordWithNewChecksumsIsFoundByTheHash() throws {
        let journal = try HarmedJournal()
        let name = try journal.segments[0]
        let range = try forge(journal, name, 1, hashToo: false)
        #expect(try journal.damages() == [JournalDamage(segment: name, offset: range.lowerBound, kind: .blockHash)])
    }

    @Test func editedRecordWithNewChecksumsAndHashIsFoundByTheChain() throws {
        let journal = try HarmedJournal()
        let name = try journal.segments[0]
        let range = try forge(journal, name, 1, hashToo: true)
        let damages = try journal.damages()
        // The edited block is whole in itself; the one after it names another.
        #expect(damages == [JournalDamage(segment: name, offset: range.upperBound, kind: .chainBroken)])
        // The last block has no successor; the close marker knows its hash.
        let other = try HarmedJournal()
        let last = try #require(other.segments.last)
        _ = try forge(other, last, other.blocks(last).count - 1, hashToo: true)
        #expect(try other.damages().map(\.kind) == [.tailReplaced])
    }

    @Test func readerPassesOverDamageAndCountsIt() throws {
        let journal = try HarmedJournal()
        let name = try journal.segments[0]
        var bytes = try journal.bytes(name)
        let blocks = try journal.blocks(name)
        bytes[blocks[1].lowerBound + 200] ^= 1
        bytes[blocks[3].lowerBound] ^= 1
        try journal.write(name, bytes)
        var reader = try JournalReader(directory: journal.directory.journal)
        var sequences: [UInt64] = []
        while let record = try reader.next() {
            #expect(record.bytes == makeRecord(record.sequence))
            sequences.append(record.sequence)
        }
        #expect(reader.damageCount == 2)
        #expect(sequences.last == 600 && sequences.count < 600 && sequences == sequences.sorted())
        let missing = try #require(Set(1...600).subtracting(sequences).min())
        #expect(throws: AuditError.recordUnreadable(sequence: missing)) {
            try JournalReader.record(missing, directory: journal.directory.journal)
        }
        #expect(try JournalReader.record(600, directory: journal.directory.journal)?.bytes == makeRecord(600))
    }

    @Test func readerFindsEveryRecordByItsNumber() throws {
        let journal = try HarmedJournal()
        for sequence in 1...600 as ClosedRange<UInt64> {
            #expect(try JournalReader.record(sequence, directory: journal.directory.journal)?.bytes == makeRecord(sequence))
        }
        #expect(try JournalReader.record(601, directory: journal.directory.journal) == nil)
        for from in [1, 2, 299, 600] as [UInt64] {
            #expect(try allRecords(journal.directory.journal, from: from).map(\.sequence) == Array(from...600))
        }
        #expect(try allRecords(journal.directory.journal, from: 601).isEmpty)
    }

    @Test func damagedJournalOpensAndGoesOnInANewSegment() throws {
        let journal = try HarmedJournal()
        let name = try #require(journal.segments.last)
        var bytes = try journal.bytes(name)
        let block = try journal.blocks(name)[0]
        bytes[block.lowerBound + 150] ^= 1
        try journal.write(name, bytes)
        let trail = try AuditTrail.open(journal.directory.configuration(), logger: quietLogger)
        #expect(trail.recovery.damageCount == 1)
        let producer = trail.producer(worker: 0)
        #expect(producer.put() == 601)
        trail.close()
        // The damage stays what and where it is; the bytes were not touched.
        #expect(try journal.bytes(name) == bytes)
        let report = try journal.report()
        #expect(report.damages.first == JournalDamage(segment: name, offset: block.lowerBound, kind: .payloadChecksum))
        #expect(report.lastSequence == 601)
    }

    @Test func readersTakeAnyBytes() throws {
        let journal = try HarmedJournal(recordCount: 80)
        let name = try #require(journal.segments.first)
        let original = try journal.bytes(name)
        let seed: UInt64 = 4242
        print("fuzz seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<250 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...300, using: &generator)))
                case 2: bytes.insert(contentsOf: original.prefix(Int.random(in: 1...300, using: &generator)), at: at)
                case 3: bytes.removeLast(bytes.count - at)
                default: for index in at..<min(bytes.count, at + 64) { bytes[index] = 0 }
                }
                if bytes.isEmpty { bytes = [0] }
            }
            try journal.write(name, bytes)
            let report = try journal.report()
            #expect(report.isSound == (bytes == original))
            // Whatever is read is what was written.
            for record in try allRecords(journal.directory.journal) { #expect(record.bytes == makeRecord(record.sequence)) }
            // And a server opens on it.
            let image = try journal.directory.crashImage()
            let trail = try AuditTrail.open(image.configuration(), logger: quietLogger)
            let producer = trail.producer(worker: 0)
            #expect((producer.put() ?? 0) > 80)
            trail.close()
        }
    }

    @Test func identityIsWatched() throws {
        let journal = try HarmedJournal(recordCount: 5)
        let path = "\(journal.directory.journal)/identity"
        let bytes = try File.read(path)
        for offset in bytes.indices {
            var changed = bytes
            changed[offset] ^= 1
            try File.writeAtomically(changed, to: path)
            #expect(throws: AuditError.identityDamaged(path: path)) { try journal.report() }
            #expect(throws: AuditError.identityDamaged(path: path)) {
                try AuditTrail.open(journal.directory.configuration(), logger: quietLogger)
            }
        }
        try File.remove(path)
        #expect(throws: AuditError.noJournal(path: journal.directory.journal)) { try journal.report() }
        #expect(throws: AuditError.identityDamaged(path: path)) {
            try AuditTrail.open(journal.directory.configuration(), logger: quietLogger)
        }
    }
}
