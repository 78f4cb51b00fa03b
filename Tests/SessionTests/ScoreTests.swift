import Forest
import Platform
import Testing
import Wire

@testable import Session

@Suite struct ScoreTests {
    private func decision(_ reply: Reply) throws -> DecisionMessage {
        guard case .decision(let decision)? = reply.body else { throw NoDecision(reply: reply) }
        return decision
    }

    @Test func scoreIsDecidedRecordedAndAnswered() throws {
        let bench = try SessionBench()
        let reply = try bench.score([2, 0, .nan]) {
            $0.transactionID = "tx"
            $0.caller = "me"
            $0.includesRaw = true
        }
        let decision = try decision(reply)
        #expect(reply.status == .ok)
        #expect(Float(decision.score) == 0.880797)
        #expect(decision.outcome == .decline)
        #expect(decision.stage == .online)
        #expect(decision.bundle == "stump")
        #expect(decision.version == 1)
        #expect(decision.digest.count == 32)
        #expect(decision.raw == [2])
        #expect(decision.auditSequence == 1)
        #expect(decision.isUnproven)
        #expect(decision.reasons == [ReasonMessage(code: "SCORE_AT_LEAST_DECLINE", value: decision.score, threshold: 0.7)])

        let record = try bench.record(1)
        #expect(record.score == decision.score)
        #expect(record.outcome == .decline)
        #expect(record.digest == decision.digest)
        #expect(record.alias == "champion")
        #expect(record.transactionID == "tx")
        #expect(record.caller == "me")
        #expect(record.requestID == 1)
        #expect(record.features32 == [2, 0, Float.nan].flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) })
        #expect(record.reasons.map(\.code) == ["SCORE_AT_LEAST_DECLINE"])
    }

    @Test func lowScoreIsApprovedWithoutAReason() throws {
        let bench = try SessionBench()
        let decision = try decision(bench.score([0, 0, 0]))
        #expect(decision.outcome == .approve)
        #expect(decision.reasons.isEmpty)
        #expect(decision.scores.isEmpty)
        #expect(decision.raw.isEmpty)
    }

    @Test func typedTransactionIsScoredOnDerivedFeaturesAndKept() throws {
        let bench = try SessionBench()
        var transaction = BitcoinTransaction()
        transaction.fee = 3
        transaction.inputs = [BitcoinInput()]
        transaction.outputs = [BitcoinOutput()]
        let input = TypedTransaction.bitcoin(transaction).scoreInput
        let reply = try bench.ask(.score(ScoreRequest(model: ModelReference(bundle: "stump"), input: input)))
        let decision = try decision(reply)
        #expect(decision.outcome == .decline)
        let record = try bench.record(decision.auditSequence)
        guard case .bitcoin(let sent) = input else { throw NoDecision(reply: reply) }
        #expect(record.bitcoin == sent)
        #expect(record.features32.count == 12)
        #expect(Array(record.features32[0..<8]) == [0, 0, 64, 64, 0, 0, 128, 63])
    }

    /// Every way in which a request can be wrong, with the reason that it gets.
    @Test(
        arguments: [
            ([1, 2], "FEATURE_COUNT"), ([1, 2, 3, 4], "FEATURE_COUNT"), ([1, .nan, 3], "FEATURE_MISSING"),
            ([.infinity, 2, 3], "FEATURE_INFINITE"), ([1, -.infinity, 3], "FEATURE_INFINITE"), ([], "INPUT_COUNT"),
        ] as [([Float], String)])
    func wrongFeaturesAreRefusedAndRecordNothing(features: [Float], reason: String) throws {
        let bench = try SessionBench()
        let reply = try bench.score(features)
        #expect(reply.status == .invalidArgument)
        #expect(reply.error?.reason == reason)
        #expect(reply.body == nil)
        #expect(bench.trail.status.lastSequence == 0)
    }

    @Test func unknownNamesAreToldApart() throws {
        let bench = try SessionBench()
        func reason(_ model: ModelReference) throws -> String? {
            let reply = try bench.ask(.score(ScoreRequest(model: model, input: .features32([1, 2, 3]))))
            #expect(reply.status == .notFound)
            return reply.error?.reason
        }
        #expect(try reason(ModelReference(bundle: "nobody")) == "UNKNOWN_BUNDLE")
        #expect(try reason(ModelReference(bundle: "")) == "UNKNOWN_BUNDLE")
        #expect(try reason(ModelReference(bundle: "stump", alias: "challenger")) == "UNKNOWN_ALIAS")
        #expect(try reason(ModelReference(bundle: "stump", version: 9)) == "UNKNOWN_VERSION")
    }

    @Test func float64FeaturesAreRefusedByAFloat32Bundle() throws {
        let bench = try SessionBench()
        let reply = try bench.ask(.score(ScoreRequest(model: ModelReference(bundle: "stump"), input: .features64([1, 2, 3]))))
        #expect(reply.status == .invalidArgument)
        #expect(reply.error?.reason == "PRECISION")
        #expect(reply.error?.text == "the bundle's precision is float32: send features32")
        let batch = ScoreBatchRequest(model: ModelReference(bundle: "stump"), features64: [1, 2, 3], rowCount: 1)
        #expect(try bench.ask(.scoreBatch(batch)).error?.reason == "PRECISION")
        #expect(bench.trail.status.lastSequence == 0)
    }

    @Test func longOrMalformedTextsAreRefused() throws {
        let bench = try SessionBench()
        #expect(
            try bench.score([1, 2, 3]) { $0.transactionID = String(repeating: "x", count: 129) }.error?.reason
                == "TRANSACTION_ID_TOO_LONG")
        #expect(try bench.score([1, 2, 3]) { $0.transactionID = String(repeating: "x", count: 128) }.status == .ok)
        #expect(try bench.score([1, 2, 3]) { $0.caller = String(repeating: "x", count: 65) }.error?.reason == "CALLER_TOO_LONG")
        #expect(try bench.score([1, 2, 3]) { $0.explain = 33 }.error?.reason == "EXPLAIN_OUT_OF_RANGE")
    }

    @Test func passedDeadlineIsNotScored() throws {
        let bench = try SessionBench()
        let score = RequestBody.score(ScoreRequest(model: ModelReference(bundle: "stump"), input: .features32([1, 2, 3])))
        let late = try bench.ask(Request(id: 5, deadlineMicroseconds: 1_000_000, body: score))
        #expect(late.status == .deadlineExceeded)
        #expect(late.id == 5)
        #expect(bench.trail.status.lastSequence == 0)
        let future = Clock.wallNanoseconds() / 1000 + 3_600_000_000
        #expect(try bench.ask(Request(id: 6, deadlineMicroseconds: future, body: score)).status == .ok)
    }

    @Test func fullRingRefusesInsteadOfAnsweringUnrecorded() throws {
        // A record of three features takes some hundred bytes; a batch of this size can never fit the ring.
        let bench = try SessionBench(ringByteCount: 64 << 10)
        let rows = 1000
        let batch = ScoreBatchRequest(
            model: ModelReference(bundle: "stump"), features32: [Float](repeating: 1, count: rows * 3), rowCount: UInt32(rows))
        let reply = try bench.ask(.scoreBatch(batch))
        #expect(reply.error?.reason == "BATCH_TOO_LARGE")
        #expect(bench.trail.status.lastSequence == 0)
    }

    @Test func transactionWhoseRecordTheRingNeverHoldsIsNotToBeRetried() throws {
        let bench = try SessionBench(ringByteCount: 64 << 10)
        for (outputCount, reason) in [(10, nil), (20_000, "TRANSACTION_TOO_LARGE")] as [(Int, String?)] {
            var transaction = BitcoinTransaction()
            transaction.fee = 3
            transaction.inputs = [BitcoinInput()]
            transaction.outputs = Array(repeating: BitcoinOutput(), count: outputCount)
            let input = TypedTransaction.bitcoin(transaction).scoreInput
            let reply = try bench.ask(.score(ScoreRequest(model: ModelReference(bundle: "stump"), input: input)))
            #expect(reply.error?.reason == reason)
            #expect(reply.error?.retryAfterMicroseconds ?? 0 == 0)
        }
        #expect(bench.trail.status.lastSequence == 1)
    }

    @Test func batchWhoseReplyNoFrameHoldsIsRefusedAndRecordsNothing() throws {
        var limits = SessionLimits()
        limits.frameByteCountMax = WireLimits.frameByteCountMin
        let bench = try SessionBench(limits: limits, ringByteCount: 4 << 20)
        for (rows, includesRaw, isDecided) in [(5000, true, false), (5000, false, true), (3000, true, true)] {
            var batch = ScoreBatchRequest(
                model: ModelReference(bundle: "stump"), features32: [Float](repeating: 1, count: rows * 3), rowCount: UInt32(rows)
            )
            batch.includesRaw = includesRaw
            let before = bench.trail.status.lastSequence
            let reply = try bench.ask(.scoreBatch(batch))
            #expect(reply.frame().count - Frame.headerByteCount <= limits.frameByteCountMax)
            #expect(reply.error?.reason == (isDecided ? nil : "BATCH_TOO_LARGE"))
            #expect(bench.trail.status.lastSequence - before == (isDecided ? UInt64(rows) : 0))
        }
    }

    @Test func batchDecidesEveryRowUnderConsecutiveNumbers() throws {
        let bench = try SessionBench()
        _ = try bench.score([1, 2, 3])
        var batch = ScoreBatchRequest(
            model: ModelReference(bundle: "stump"), features32: [0, 1, 2, 5, 1, 2, .nan, 1, 2], rowCount: 3)
        batch.transactionIDs = ["x", "y", "z"]
        batch.includesRaw = true
        let reply = try bench.ask(.scoreBatch(batch))
        guard case .scoreBatch(let result)? = reply.body else { throw NoDecision(reply: reply) }
        #expect(result.outcomes == [.approve, .decline, .approve])
        #expect(result.raw == [-2, 2, -2])
        #expect(result.auditSequenceFirst == 2)
        #expect(result.bundle == "stump")
        for (row, id) in ["x", "y", "z"].enumerated() {
            let record = try bench.record(2 + UInt64(row))
            #expect(record.transactionID == id)
            #expect(record.score == result.scores[row])
            #expect(record.outcome == result.outcomes[row])
        }
    }

    @Test func batchWithOneWrongRowDecidesNone() throws {
        let bench = try SessionBench()
        let wrong = ScoreBatchRequest(model: ModelReference(bundle: "stump"), features32: [0, 1, 2, 0, .nan, 2], rowCount: 2)
        #expect(try bench.ask(.scoreBatch(wrong)).error?.reason == "FEATURE_MISSING")
        let short = ScoreBatchRequest(model: ModelReference(bundle: "stump"), features32: [0, 1, 2, 0], rowCount: 2)
        #expect(try bench.ask(.scoreBatch(short)).error?.reason == "FEATURE_COUNT")
        let none = ScoreBatchRequest(model: ModelReference(bundle: "stump"), features32: [], rowCount: 0)
        #expect(try bench.ask(.scoreBatch(none)).error?.reason == "BATCH_ROW_COUNT")
        var ids = ScoreBatchRequest(model: ModelReference(bundle: "stump"), features32: [0, 1, 2, 0, 1, 2], rowCount: 2)
        ids.transactionIDs = ["one"]
        #expect(try bench.ask(.scoreBatch(ids)).error?.reason == "BATCH_TRANSACTION_IDS")
        #expect(bench.trail.status.lastSequence == 0)
    }

    @Test func replyNamesTheVersionThatScoredAcrossASwap() throws {
        let bench = try SessionBench()
        _ = try bench.watcher.directory.push(
            file: bench.directory + "/stump.assay", alias: "champion", who: "test", why: "again", allowUnproven: true)
        bench.watcher.refreshNow()
        #expect(try decision(bench.score([1, 2, 3])).version == 2)
        #expect(try decision(bench.score([1, 2, 3]) { $0.model.version = 1 }).version == 1)
        #expect(try bench.record(2).alias.isEmpty)
    }
}
