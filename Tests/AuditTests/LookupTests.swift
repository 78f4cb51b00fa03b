import Glibc
import Platform
import Testing
import Wire

@testable import Audit

@Suite struct LookupTests {
    @Test func everyDecisionIsFoundWithAndWithoutIndexes() throws {
        let fixture = try LookupFixture()
        try fixture.fill(segmentCount: 4)
        let (lookup, indexer) = try fixture.server()
        // The hashes of closed segments are still in memory.
        try fixture.check(lookup)
        indexer.work()
        #expect(indexer.writtenCount == 3)
        #expect(lookup.catalogue.count == 3 && lookup.catalogue.unindexedCount == 0)
        #expect(fixture.writer.live.segments.count == 1)
        try fixture.check(lookup)
        // Without filters in memory, too, and by a process that only reads.
        try fixture.check(try fixture.server(filterByteCountMax: 0).0)
        let reader = try fixture.reader()
        for sequence in stride(from: UInt64(1), through: UInt64(fixture.records.count), by: 101) {
            #expect(try reader.record(sequence: sequence)?.bytes == fixture.records[Int(sequence) - 1])
            #expect(
                try reader.records(transactionID: "tx-\(sequence)", limit: 1).map(\.bytes) == [fixture.records[Int(sequence) - 1]]
            )
        }
    }

    @Test func transactionScoredAgainIsFoundNewestFirst() throws {
        let fixture = try LookupFixture()
        var expected: [UInt64] = []
        for round in 0..<3_000 {
            if round % 150 == 0 {
                expected.insert(fixture.writer.nextSequence, at: 0)
                try fixture.append(transactionID: "again")
            }
            try fixture.append()
        }
        try fixture.writer.flush()
        #expect(try fixture.segments().count >= 3)
        let (lookup, indexer) = try fixture.server()
        for _ in 0..<2 {
            for limit in [1, 2, 7, 100] {
                let found = try lookup.records(transactionID: "again", limit: limit)
                #expect(found.map(\.sequence) == Array(expected.prefix(limit)))
            }
            #expect(try fixture.reader().records(transactionID: "again", limit: 5).map(\.sequence) == Array(expected.prefix(5)))
            indexer.work()
        }
    }

    @Test func manyDecisionsOfOneTransactionFillPagesOfTheIndex() throws {
        let fixture = try LookupFixture()
        for _ in 0..<1_200 { try fixture.append(transactionID: "one") }
        try fixture.fill(segmentCount: 3)
        let (lookup, indexer) = try fixture.server()
        indexer.work()
        let found = try lookup.records(transactionID: "one", limit: 100)
        #expect(found.map(\.sequence) == (1_101...1_200).reversed())
        #expect(try lookup.records(transactionID: "one", limit: 5_000).count == 1_200)
    }

    @Test func transactionsWithTheSameHashAreToldApart() throws {
        let fixture = try LookupFixture()
        try fixture.append()
        try fixture.writer.flush()
        let hash = try #require(fixture.writer.live.current?.hash)
        let (one, other) = try #require(collision(hash))
        #expect(hash(one) == hash(other) && one != other)
        try fixture.append(transactionID: one)
        try fixture.append(transactionID: other)
        try fixture.append(transactionID: one)
        try fixture.fill(segmentCount: 2)
        let (lookup, indexer) = try fixture.server()
        for _ in 0..<2 {
            #expect(try lookup.records(transactionID: one, limit: 10).map(\.sequence) == [4, 2])
            #expect(try lookup.records(transactionID: other, limit: 10).map(\.sequence) == [3])
            indexer.work()
        }
        #expect(indexer.writtenCount == 1)
    }

    /// Two ids of 16 ASCII characters with one hash: the second half of the second id makes up for its first half.
    private func collision(_ hash: TransactionHash) -> (String, String)? {
        let multiplier: UInt64 = 0x9e37_79b9_7f4a_7c15
        var inverse = multiplier
        for _ in 0..<6 { inverse = inverse &* (2 &- multiplier &* inverse) }
        func state(_ half: String) -> UInt64 {
            let mixed = hash.seed ^ 16 &* multiplier ^ word(half) &* multiplier
            return (mixed << 27 | mixed >> 37) &* 0xc2b2_ae3d_27d4_eb4f
        }
        let first = state("aaaaaaaa")
        for number in 0..<100_000 {
            let start = String(String(number + 10_000_000).prefix(8))
            let end = (first ^ state(start) ^ word("bbbbbbbb") &* multiplier) &* inverse
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: end >> UInt64(8 * $0)) }
            if bytes.allSatisfy({ $0 > 0 && $0 < 0x80 }) {
                return ("aaaaaaaabbbbbbbb", start + String(decoding: bytes, as: UTF8.self))
            }
        }
        return nil
    }

    private func word(_ text: String) -> UInt64 {
        text.utf8.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
    }

    @Test func damagedIndexNeverHidesADecisionAndIsMadeAnew() throws {
        let fixture = try LookupFixture()
        try fixture.fill(segmentCount: 3)
        try fixture.server().1.work()
        let segment = try fixture.segments()[0]
        let good = try File.read(fixture.indexPath(segment))
        let seed: UInt64 = 4711
        print("seed \(seed), index of \(good.count) bytes")
        var generator = SeededGenerator(seed: seed)
        var damaged: [[UInt8]] = (0..<120).map { round in
            var bytes = good
            bytes[round < 40 ? round * 3 : Int.random(in: 0..<good.count, using: &generator)] ^= 1 << UInt8(round % 8)
            return bytes
        }
        damaged += [[], Array(good[..<60]), Array(good[..<128]), Array(good.dropLast()), good + [0]]
        for (round, bytes) in damaged.enumerated() {
            let sequence = 1 + round * 3
            for memory in [0, 1 << 20] {
                try File.writeAtomically(bytes, to: fixture.indexPath(segment))
                let (lookup, indexer) = try fixture.server(filterByteCountMax: memory)
                let found = try lookup.records(transactionID: "tx-\(sequence)", limit: 2).map(\.bytes)
                #expect(found == [fixture.records[sequence - 1]], "round \(round)")
                #expect(try lookup.record(UInt64(sequence))?.bytes == fixture.records[sequence - 1], "round \(round)")
                guard round % 20 == 0 else { continue }
                // Damage in a page shows when that page is read: what was looked for is on another one, perhaps.
                lookup.catalogue.discardIndex(of: segment)
                indexer.work()
                #expect(indexer.writtenCount == 1 && lookup.catalogue.unindexedCount == 0)
            }
        }
    }

    @Test func indexOfAnotherSegmentIsNotTrusted() throws {
        let fixture = try LookupFixture()
        try fixture.fill(segmentCount: 4)
        try fixture.server().1.work()
        let segments = try fixture.segments()
        try File.writeAtomically(File.read(fixture.indexPath(segments[0])), to: fixture.indexPath(segments[1]))
        #expect(throws: IndexError.foreign) {
            try SegmentIndex.load(segments[1], identity: fixture.identity, storage: fixture.storage, withFilter: true)
        }
        let (lookup, indexer) = try fixture.server()
        try fixture.check(lookup, step: 41)
        indexer.work()
        #expect(indexer.writtenCount == 1)
        try fixture.check(lookup, step: 41)
        // The same of another journal.
        let stranger = JournalIdentity.random()
        #expect(throws: IndexError.foreign) {
            try SegmentIndex.load(segments[0], identity: stranger, storage: fixture.storage, withFilter: true)
        }
    }

    @Test func segmentThatChangedAfterItsIndexIsReadAnew() throws {
        let fixture = try LookupFixture()
        try fixture.fill(segmentCount: 3)
        try fixture.server().1.work()
        let segment = try fixture.segments()[0]
        let path = "\(fixture.directory.journal)/\(JournalDirectory.segmentName(segment))"
        let bytes = try File.read(path)
        try File.writeAtomically(Array(bytes.dropLast(10)), to: path)
        let (lookup, indexer) = try fixture.server()
        indexer.work()
        #expect(indexer.writtenCount == 1)
        #expect(try lookup.records(transactionID: "tx-1", limit: 1).map(\.sequence) == [1])
    }

    @Test func segmentsThatVanishAreForgotten() throws {
        let fixture = try LookupFixture()
        try fixture.fill(segmentCount: 5)
        let (lookup, indexer) = try fixture.server()
        indexer.work()
        let segments = try fixture.segments()
        for segment in segments[..<2] {
            try File.remove("\(fixture.directory.journal)/\(JournalDirectory.segmentName(segment))")
        }
        #expect(try lookup.records(transactionID: "tx-1", limit: 1).isEmpty)
        #expect(try lookup.record(1) == nil)
        let kept = segments[2]
        #expect(try lookup.records(transactionID: "tx-\(kept)", limit: 1).map(\.sequence) == [kept])
        indexer.work()
        #expect(lookup.catalogue.segments == Array(segments[2..<4]))
        #expect(try File.list(fixture.directory.journal).count { $0.hasSuffix(IndexFormat.suffix) } == 2)
        #expect(try lookup.records(transactionID: "nobody", limit: 1).isEmpty)
    }

    @Test func fullDiskLeavesSegmentsWithoutIndexUntilThereIsRoom() throws {
        let fixture = try LookupFixture()
        try fixture.fill(segmentCount: 3)
        let (lookup, indexer) = try fixture.server()
        fixture.storage.plan.withLock { $0.diesAt = $0.operationCount }
        indexer.work()
        #expect(indexer.writtenCount == 0)
        try fixture.check(lookup, step: 53)
        fixture.storage.plan.withLock { $0.diesAt = nil }
        indexer.work()
        #expect(indexer.writtenCount == 2 && lookup.catalogue.unindexedCount == 0)
        try fixture.check(lookup, step: 53)
    }

    @Test func decisionsInBlocksThatWereTakenOverWholeAreFound() throws {
        let source = try LookupFixture()
        try source.fill(segmentCount: 2)
        let fixture = try LookupFixture()
        for segment in try source.segments() {
            var cursor = SegmentCursor(try source.storage.openForReading(JournalDirectory.segmentName(segment)))
            while case .block(let block) = try cursor.read(checkingHash: true) {
                fixture.writer.append(block)
                try fixture.writer.flush()
                cursor.offset = block.endOffset
            }
        }
        let (lookup, indexer) = try fixture.server()
        for _ in 0..<2 {
            for sequence in stride(from: 1, through: source.records.count, by: 29) {
                let found = try lookup.records(transactionID: "tx-\(sequence)", limit: 2)
                #expect(found.map(\.bytes) == [source.records[sequence - 1]], "tx-\(sequence)")
            }
            indexer.work()
        }
        #expect(indexer.writtenCount == 1)
    }

    @Test func halfWrittenIndexesOfAKilledServerAreRemoved() throws {
        let fixture = try LookupFixture()
        try fixture.fill(segmentCount: 2)
        let half = fixture.indexPath(1) + ".77.12345.tmp"
        try File.writeAtomically([1, 2, 3], to: half)
        let (_, indexer) = try fixture.server()
        indexer.work()
        #expect(!File.exists(half) && File.exists(fixture.indexPath(1)))
    }
}
