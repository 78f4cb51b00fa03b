import Testing
import Wire

@testable import Audit
@testable import Session

/// What becomes of decisions that the trail takes no record of.
@Suite struct AuditModeTests {
    private let batch = RequestBody.scoreBatch(
        ScoreBatchRequest(model: ModelReference(bundle: "stump"), features32: [0, 1, 2, 5, 1, 2], rowCount: 2))

    @Test func requiredRefusesWhatTheTrailDoesNotTake() throws {
        let bench = try SessionBench()
        bench.trail.close()
        for reply in [try bench.score([1, 2, 3]), try bench.ask(batch)] {
            #expect(reply.status == .auditUnavailable)
            #expect(reply.error?.reason == "AUDIT_UNAVAILABLE")
            #expect(reply.error?.retryAfterMicroseconds ?? 0 > 0)
        }
        #expect(bench.trail.status.lastSequence == 0)
        #expect(bench.worker.counters.dropped == 0)
    }

    @Test func dropRecordsAsLongAsThereIsRoomAndThenDecidesWithoutARecord() throws {
        let bench = try SessionBench(auditMode: .drop)
        let recorded = try bench.score([1, 2, 3]).decided
        #expect(recorded.auditSequence == 1)
        #expect(try bench.record(1).score == recorded.score)
        bench.trail.close()
        let dropped = try bench.score([1, 2, 3]).decided
        #expect(dropped.auditSequence == 0)
        #expect(dropped.score == recorded.score)
        let reply = try bench.ask(batch)
        guard case .scoreBatch(let rows)? = reply.body else { throw NoDecision(reply: reply) }
        #expect(rows.auditSequenceFirst == 0)
        #expect(rows.outcomes == [.approve, .decline])
        #expect(bench.worker.counters.dropped == 3)
        #expect(bench.trail.status.lastSequence == 1)
    }

    @Test func offDecidesWithoutRecordsAndCountsNoneAsDropped() throws {
        let bench = try SessionBench(auditMode: .off)
        #expect(try bench.score([1, 2, 3]).decided.auditSequence == 0)
        #expect(try bench.ask(batch).status == .ok)
        #expect(bench.worker.counters.dropped == 0)
        #expect(bench.trail.status.lastSequence == 0)
    }

    @Test func dropStillRefusesWhatTheRingNeverHolds() throws {
        let bench = try SessionBench(ringByteCount: 64 << 10, auditMode: .drop)
        let rows = 5_000
        let large = ScoreBatchRequest(
            model: ModelReference(bundle: "stump"), features32: [Float](repeating: 1, count: rows * 3), rowCount: UInt32(rows))
        #expect(try bench.ask(.scoreBatch(large)).error?.reason == "BATCH_TOO_LARGE")
        #expect(bench.worker.counters.dropped == 0)
    }
}
