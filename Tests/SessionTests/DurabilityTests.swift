import Synchronization
import Testing
import Wire

@testable import Audit
@testable import Session

/// Replies that wait for the disk.
@Suite struct DurabilityTests {
    private let gate = SyncGate()

    private func request(_ id: UInt64, _ durability: WireDurability = .disk) -> [UInt8] {
        var score = ScoreRequest(model: ModelReference(bundle: "stump"), input: .features32([1, 2, 3]))
        score.durability = durability
        return Request(id: id, body: .score(score)).frame()
    }

    private func batch(rowCount: Int) -> RequestBody {
        var batch = ScoreBatchRequest(
            model: ModelReference(bundle: "stump"), features32: [Float](repeating: 1, count: rowCount * 3),
            rowCount: UInt32(rowCount))
        batch.durability = .disk
        return .scoreBatch(batch)
    }

    /// What is released until there are `count` replies.
    private func released(_ count: Int, _ bench: SessionBench) throws -> [Reply] {
        var replies: [Reply] = []
        #expect(
            try eventually {
                replies += try bench.released()
                return replies.count >= count
            })
        return replies
    }

    @Test func aReplyLeavesWhenTheSyncThatCoversItsRecordHasEndedAndNotBefore() throws {
        let bench = try SessionBench(gate: gate)
        gate.set(.closed)
        #expect(try bench.receive(request(1)).replies.isEmpty)
        #expect(eventually { gate.waitingCount > 0 })
        #expect(try bench.released().isEmpty)
        #expect(!bench.isIdle)
        #expect(bench.worker.counters.held == 1)
        #expect(bench.trail.status.lastSequence == 1 && bench.trail.status.durableSequence == 0)
        gate.set(.open)
        let decision = try #require(try released(1, bench).first).decided
        #expect(decision.auditSequence == 1)
        #expect(bench.trail.status.durableSequence == 1)
        #expect(try bench.record(1).score == decision.score)
        #expect(bench.isIdle)
        #expect(bench.worker.counters.held == 0 && bench.worker.heldByteCount == 0)
        #expect(bench.worker.counters.requests(.score, .ok) == 1)
    }

    @Test func requestsThatDoNotWaitOvertakeThoseThatDo() throws {
        let bench = try SessionBench(gate: gate)
        gate.set(.closed)
        let stream = request(1) + request(2, .memory) + request(3) + request(4, .unspecified)
        #expect(try bench.receive(stream).replies.map(\.id) == [2, 4])
        gate.set(.open)
        let late = try released(2, bench)
        #expect(late.map(\.id) == [1, 3])
        #expect(try late.map { try $0.decided.auditSequence } == [1, 3])
    }

    @Test func theServersSettingHoldsForRequestsThatSayNothing() throws {
        let bench = try SessionBench(durability: .disk, gate: gate)
        gate.set(.closed)
        #expect(try bench.receive(request(1, .unspecified) + request(2, .memory)).replies.map(\.id) == [2])
        gate.set(.open)
        #expect(try released(1, bench).map(\.id) == [1])
    }

    @Test func allThatComeDuringOneSyncShareTheNext() throws {
        let bench = try SessionBench(gate: gate)
        gate.set(.closed)
        #expect(try bench.receive(request(1)).replies.isEmpty)
        #expect(eventually { gate.waitingCount > 0 })
        for id in 2...100 { #expect(try bench.receive(request(UInt64(id))).replies.isEmpty) }
        let before = gate.passedCount
        gate.set(.open)
        #expect(try released(100, bench).map(\.id) == (1...100).map { UInt64($0) })
        // The new segment's header, the first record, the other 99; and one that the interval may bring.
        #expect(gate.passedCount - before <= 4)
    }

    @Test func aBatchWaitsForItsLastRecord() throws {
        let bench = try SessionBench(gate: gate)
        gate.set(.closed)
        #expect(try bench.receive(Request(id: 7, body: batch(rowCount: 20)).frame()).replies.isEmpty)
        gate.set(.open)
        let reply = try #require(try released(1, bench).first)
        guard case .scoreBatch(let rows)? = reply.body else { throw NoDecision(reply: reply) }
        #expect(reply.id == 7)
        #expect(rows.auditSequenceFirst == 1 && rows.scores.count == 20)
        #expect(bench.trail.status.durableSequence == 20)
        #expect(bench.worker.counters.requests(.scoreBatch, .ok) == 1)
    }

    @Test func theTrailTellsAWorkerOncePerSync() throws {
        let bench = try SessionBench(gate: gate)
        let told = Mutex(0)
        bench.trail.onDurable { worker in told.withLock { $0 += worker == 0 ? 1 : 1_000 } }
        #expect(try bench.receive(request(1, .memory)).replies.count == 1)
        #expect(eventually { bench.trail.status.durableSequence == 1 })
        #expect(told.withLock { $0 } == 0, "nobody waits")
        gate.set(.closed)
        for id in 2...9 { #expect(try bench.receive(request(UInt64(id))).replies.isEmpty) }
        gate.set(.open)
        #expect(eventually { bench.trail.status.durableSequence == 9 })
        #expect(eventually { told.withLock { $0 } > 0 })
        #expect(told.withLock { $0 } <= gate.passedCount)
        #expect(try bench.released().count == 8)
    }

    @Test func whatCannotWaitIsRefusedBeforeItTakesANumber() throws {
        var limits = SessionLimits()
        limits.inFlightMax = 2
        let bench = try SessionBench(limits: limits, gate: gate)
        gate.set(.closed)
        let refused = try bench.receive(request(1) + request(2) + request(3) + Request(id: 4, body: batch(rowCount: 2)).frame())
            .replies
        #expect(refused.map(\.id) == [3, 4])
        #expect(refused.allSatisfy { $0.status == .resourceExhausted && $0.error?.reason == "TOO_MANY_IN_FLIGHT" })
        #expect(bench.trail.status.lastSequence == 2)
        #expect(try bench.receive(request(5, .memory)).replies.first?.status == .ok)
        gate.set(.open)
        #expect(try released(2, bench).map(\.id) == [1, 2])
        #expect(try bench.receive(request(6)).progress.consumed > 0)
        #expect(try released(1, bench).map(\.id) == [6])
    }

    @Test func heldRepliesTakeNoMoreMemoryThanTheLimitExceptForOneReply() throws {
        var limits = SessionLimits()
        limits.heldByteCountMax = 1
        let bench = try SessionBench(limits: limits, gate: gate)
        gate.set(.closed)
        let refused = try bench.receive(request(1) + request(2)).replies
        #expect(refused.map(\.id) == [2])
        #expect(refused.first?.status == .resourceExhausted && refused.first?.error?.reason == "HELD_REPLIES_FULL")
        #expect(refused.first?.error?.retryAfterMicroseconds ?? 0 > 0)
        #expect(bench.trail.status.lastSequence == 1)
        gate.set(.open)
        #expect(try released(1, bench).map(\.id) == [1])
    }

    @Test func aFailedSyncRefusesWhatWaitsAndAcknowledgesNothingMore() throws {
        let bench = try SessionBench(gate: gate)
        #expect(try bench.receive(request(1)).replies.isEmpty)
        #expect(try released(1, bench).map(\.status) == [.ok])
        gate.set(.closed)
        #expect(try bench.receive(request(2) + request(3)).replies.isEmpty)
        #expect(eventually { gate.waitingCount > 0 })
        let passed = gate.passedCount
        gate.set(.failing)
        let replies = try released(2, bench)
        #expect(replies.map(\.id) == [2, 3])
        #expect(replies.allSatisfy { $0.status == .auditUnavailable && $0.error?.reason == "AUDIT_FAILED" && $0.body == nil })
        for durability in WireDurability.allCases {
            #expect(try bench.receive(request(4, durability)).replies.map(\.status) == [.auditUnavailable])
        }
        #expect(bench.isIdle)
        #expect(bench.worker.counters.requests(.score, .ok) == 1)
        bench.trail.close()
        // Closing syncs nothing more.
        #expect(gate.passedCount == passed + 1)
    }

    @Test func onAFullDiskWaitingIsRefusedAndWhatWaitsLeavesWhenThereIsRoom() throws {
        let bench = try SessionBench(gate: gate)
        gate.isFull = true
        #expect(try bench.receive(request(1)).replies.isEmpty)
        #expect(eventually { bench.trail.status.isDiskFull })
        let refused = try bench.receive(request(2) + request(3, .memory)).replies
        #expect(refused.map(\.status) == [.auditUnavailable, .ok])
        #expect(try bench.released().isEmpty)
        gate.isFull = false
        #expect(try released(1, bench).map(\.status) == [.ok])
        #expect(eventually { !bench.trail.status.isDiskFull })
        #expect(try bench.receive(request(4)).replies.isEmpty)
        #expect(try released(1, bench).map(\.id) == [4])
    }

    @Test func aConnectionThatIsGoneTakesItsRepliesWithItAndNotItsRecords() throws {
        let bench = try SessionBench(gate: gate)
        gate.set(.closed)
        #expect(try bench.receive(request(1) + request(2)).replies.isEmpty)
        #expect(bench.worker.heldByteCount > 0)
        bench.disconnect()
        #expect(bench.worker.heldByteCount == 0 && bench.worker.counters.held == 0)
        gate.set(.open)
        #expect(eventually { bench.trail.status.durableSequence == 2 })
        #expect(try bench.released().isEmpty)
    }

    @Test func withoutATrailOrARecordNothingIsOnDisk() throws {
        let off = try SessionBench(auditMode: .off)
        let refusal = try off.receive(request(1)).replies
        #expect(refusal.map(\.status) == [.failedPrecondition])
        #expect(refusal.first?.error?.reason == "AUDIT_OFF")
        let drop = try SessionBench(auditMode: .drop)
        drop.trail.close()
        #expect(try drop.receive(request(1)).replies.map(\.status) == [.auditUnavailable])
        #expect(drop.worker.counters.dropped == 0)
    }

    @Test func aDurabilityThatNobodyKnowsIsRefused() throws {
        let bench = try SessionBench()
        var frame = request(1)
        // Field 17, varint: the durability.
        let place = try #require(
            frame.indices.dropLast(2).first { frame[$0] == 0x88 && frame[$0 + 1] == 1 && frame[$0 + 2] == 2 })
        frame[place + 2] = 7
        let reply = try #require(try bench.receive(frame).replies.first)
        #expect(reply.status == .invalidArgument && reply.error?.reason == "DURABILITY_UNKNOWN")
        #expect(bench.trail.status.lastSequence == 0)
    }
}
