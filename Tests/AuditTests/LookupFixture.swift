import Platform
import Testing
import Wire

@testable import Audit

/// A journal of some closed segments and one being written, and what looks things up in it.
final class LookupFixture {
    let directory = TemporaryDirectory()
    let storage: FaultStorage
    let identity = JournalIdentity(bytes: (0..<16).map { UInt8($0) })
    let writer: JournalWriter
    private(set) var records: [[UInt8]] = []

    init(segmentByteCount: Int = 64 << 10) throws {
        try File.createDirectory(directory.journal)
        storage = FaultStorage(directory.journal)
        try JournalDirectory.writeIdentity(identity, storage)
        writer = JournalWriter(
            storage: storage, identity: identity, end: JournalEnd(nextSequence: 1, hash: identity.genesis, segment: nil),
            segmentByteCount: segmentByteCount, blockByteCount: 4 << 10)
    }

    /// Appends a record; number and transaction id are 1, 2, 3 … unless said otherwise.
    func append(transactionID: String? = nil) throws {
        let record = makeRecord(writer.nextSequence, transactionID: transactionID)
        records.append(record)
        record.withUnsafeBytes { writer.append($0) }
        if writer.isFull { try writer.flush() }
    }

    /// Appends until `count` segments are there.
    func fill(segmentCount: Int) throws {
        while try segments().count < segmentCount { try append() }
        try writer.flush()
    }

    func segments() throws -> [UInt64] { try JournalDirectory.segments(storage) }

    /// Look-ups beside the writer, and the indexer that serves them.
    func server(filterByteCountMax: Int = AuditLimits.filterByteCountMax) throws -> (DecisionLookup, SegmentIndexer) {
        let known = Set(writer.live.segments.map(\.firstSequence))
        let catalogue = SegmentCatalogue(
            storage: storage, identity: identity, segments: try segments().filter { !known.contains($0) },
            filterByteCountMax: filterByteCountMax)
        return (
            DecisionLookup(storage: storage, path: directory.journal, catalogue: catalogue, live: writer.live),
            try SegmentIndexer(
                storage: storage, identity: identity, live: writer.live, catalogue: catalogue, logger: quietLogger)
        )
    }

    /// A fresh look at the directory, as another process has it.
    func reader() throws -> JournalLookup { try JournalLookup(storage: storage, path: directory.journal) }

    func indexPath(_ segment: UInt64) -> String { "\(directory.journal)/\(IndexFormat.name(segment))" }

    /// Every `step`th decision is found by number and by transaction id, and nothing else is.
    func check(_ lookup: DecisionLookup, step: Int = 7, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for index in stride(from: 0, to: records.count, by: step) {
            let sequence = UInt64(index + 1)
            #expect(try lookup.record(sequence)?.bytes == records[index], sourceLocation: sourceLocation)
            let found = try lookup.records(transactionID: "tx-\(sequence)", limit: 3)
            #expect(found.map(\.bytes) == [records[index]], "tx-\(sequence)", sourceLocation: sourceLocation)
        }
        #expect(try lookup.record(UInt64(records.count + 1)) == nil, sourceLocation: sourceLocation)
        #expect(try lookup.records(transactionID: "nobody", limit: 3).isEmpty, sourceLocation: sourceLocation)
    }
}
