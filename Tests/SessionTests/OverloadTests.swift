import Testing
import Wire

@testable import Session

/// Admission by queue time.
@Suite struct OverloadTests {
    private static func bench(limitMilliseconds: UInt64) throws -> SessionBench {
        var limits = SessionLimits()
        limits.queueNanosecondsMax = limitMilliseconds * 1_000_000
        return try SessionBench(limits: limits)
    }

    /// When the machine was started.
    private static let long: UInt64 = 1

    private static let score = RequestBody.score(
        ScoreRequest(model: ModelReference(bundle: "stump"), input: .features32([1, 2, 3])))
    private static let batch = RequestBody.scoreBatch(
        ScoreBatchRequest(model: ModelReference(bundle: "stump"), features32: [1, 2, 3], rowCount: 1))

    @Test(arguments: [score, batch])
    func whatHasWaitedTooLongIsRefusedAndRecordsNothing(_ body: RequestBody) throws {
        let bench = try Self.bench(limitMilliseconds: 50)
        let reply = try #require(try bench.receive(Request(id: 7, body: body).frame(), waitingSince: Self.long).replies.first)
        #expect(reply.id == 7 && reply.status == .resourceExhausted && reply.body == nil)
        #expect(reply.error?.reason == "OVERLOADED")
        #expect(reply.error?.retryAfterMicroseconds == 50_000)
        #expect(bench.worker.counters.requests(body.method, .resourceExhausted) == 1)
        // The first number is still to be given.
        let next = try bench.receive(Request(id: 8, body: Self.score).frame()).replies.first
        guard case .decision(let decision) = next?.body else { throw Unexpected() }
        #expect(decision.auditSequence == 1)
    }

    @Test func withoutALimitNothingWaitsTooLong() throws {
        let bench = try Self.bench(limitMilliseconds: 0)
        #expect(
            try bench.receive(Request(id: 1, body: Self.score).frame(), waitingSince: Self.long).replies.first?.status == .ok)
    }

    @Test func whatIsNoScoreIsAnsweredHoweverLongItHasWaited() throws {
        let bench = try Self.bench(limitMilliseconds: 50)
        #expect(try bench.receive(Request(id: 1, body: .health).frame(), waitingSince: Self.long).replies.first?.status == .ok)
    }

    @Test func aDeadlineThatHasPassedIsNamedBeforeTheWait() throws {
        let bench = try Self.bench(limitMilliseconds: 50)
        let request = Request(id: 1, deadlineMicroseconds: 1, body: Self.score)
        let reply = try bench.receive(request.frame(), waitingSince: Self.long).replies.first
        #expect(reply?.status == .deadlineExceeded)
    }

    private struct Unexpected: Error {}
}
