import Glibc
import Platform
import Testing
import Wire

@testable import Audit

/// Look-ups in a running trail, with its threads.
@Suite struct LookupTrailTests {
    let directory = TemporaryDirectory()

    private func open() throws -> AuditTrail { try AuditTrail.open(directory.configuration(), logger: quietLogger) }

    private func put(_ count: Int, _ trail: AuditTrail) {
        let producer = trail.producer(worker: 0)
        var done = 0
        while done < count { if producer.put() != nil { done += 1 } else { usleep(500) } }
    }

    @Test func decisionIsFoundByItsTransactionAsSoonAsItIsCommitted() throws {
        let trail = try open()
        #expect(try trail.records(transactionID: "tx-1", limit: 1).isEmpty)
        for sequence in UInt64(1)...50 {
            put(1, trail)
            #expect(try trail.records(transactionID: "tx-\(sequence)", limit: 1) == [makeRecord(sequence)])
        }
        trail.close()
    }

    @Test func oldSegmentsAndThoseBeforeARestartAreFound() throws {
        var count: UInt64 = 0
        for round in 0..<4 {
            let trail = try open()
            for sequence in stride(from: UInt64(1), through: count, by: 97) {
                #expect(try trail.records(transactionID: "tx-\(sequence)", limit: 2) == [makeRecord(sequence)], "round \(round)")
                #expect(try trail.record(sequence: sequence) == makeRecord(sequence))
            }
            put(1_500, trail)
            count += 1_500
            #expect(try trail.records(transactionID: "tx-\(count)", limit: 2) == [makeRecord(count)])
            #expect(eventually { trail.status.unindexedSegmentCount == 0 && trail.status.closedSegmentCount >= 2 * round })
            for sequence in stride(from: UInt64(5), through: count, by: 211) {
                #expect(try trail.records(transactionID: "tx-\(sequence)", limit: 2) == [makeRecord(sequence)], "round \(round)")
            }
            trail.close()
        }
        #expect(try JournalVerifier.verify(directory.journal).isSound)
        #expect(try JournalLookup(directory: directory.journal).records(transactionID: "tx-77", limit: 1).map(\.sequence) == [77])
    }
}
