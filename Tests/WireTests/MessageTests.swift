import Platform
import Testing

@testable import Wire

@Suite struct MessageTests {
    /// Frames the request, decodes it as the server does, and hands the view to `body`.
    private func decoded<Result>(_ request: Request, _ body: (RequestView) throws -> Result) throws -> Result {
        let frame = request.frame()
        let arena = MessageArena()
        return try frame.withUnsafeBytes { bytes in
            let payload = UnsafeRawBufferPointer(rebasing: bytes[Frame.headerByteCount...])
            return try body(#require(RequestView.decode(payload, arena: arena)))
        }
    }

    @Test func scoreRequestKeepsEveryBitOfItsFeatures() throws {
        let signalling = Float(bitPattern: 0x7fa0_1234)
        let features: [Float] = [1.5, -0.0, .nan, signalling, .leastNonzeroMagnitude, 3.4028235e38]
        var score = ScoreRequest(
            model: ModelReference(bundle: "cards", alias: "challenger", version: 3), input: .features32(features))
        score.transactionID = "tx-1"
        score.caller = "gateway"
        score.explain = 4
        score.includesRaw = true
        try decoded(Request(id: .max, deadlineMicroseconds: -5, body: .score(score))) { view in
            #expect(view.id == .max)
            #expect(view.deadlineMicroseconds == -5)
            guard case .score(let view) = view.body else { throw Unexpected() }
            #expect(view.bundle.string == "cards")
            #expect(view.alias.string == "challenger")
            #expect(view.version == 3)
            #expect(view.transactionID.string == "tx-1")
            #expect(view.caller.string == "gateway")
            #expect(view.explain == 4)
            #expect(view.includesRaw)
            #expect(view.inputKindCount == 1)
            #expect(view.features32.map(\.bitPattern) == features.map(\.bitPattern))
        }
    }

    @Test func seldomMethodsComeBackAsTheyWereSent() throws {
        let reference = ModelReference(bundle: "b", alias: "a", version: 9)
        let bodies: [RequestBody] = [
            .hello(HelloRequest(clientName: "n", clientVersion: "v", acceptsLZ4: true)), .health, .getDecision(auditSequence: 77),
            .listModels, .describeModel(reference), .fetchBundle(reference, offset: 5, byteCountMax: 6), .stats,
            .setAlias(bundle: "b", alias: "champion", version: 2, who: "me", why: "better"),
            .rollback(bundle: "b", alias: "", who: "me", why: "worse"),
        ]
        for body in bodies {
            try decoded(Request(id: 1, body: body)) { view in
                guard case .other(let other) = view.body else { throw Unexpected() }
                #expect(other.body == body)
            }
        }
    }

    @Test func everyReplyComesBackAsItWasSent() throws {
        var decision = DecisionMessage()
        decision.score = 0.25
        decision.outcome = .review
        decision.stage = .online
        decision.bundle = "cards"
        decision.version = 4
        decision.digest = [UInt8](0..<32)
        decision.auditSequence = 1 << 40
        decision.serverNanoseconds = 1234
        decision.scores = [0.25, 0.75]
        decision.raw = [-1, 1]
        decision.reasons = [ReasonMessage(code: "SCORE_AT_LEAST_REVIEW", value: 0.25, threshold: 0.2)]
        decision.isUnproven = true
        var batch = ScoreBatchMessage()
        batch.scores = [1, 2]
        batch.outcomes = [.approve, .decline]
        batch.auditSequenceFirst = 9
        var hello = HelloMessage()
        hello.serverID = [1, 2]
        hello.inFlightMax = 5
        var version = ModelVersionMessage()
        version.bundle = "b"
        version.aliases = ["champion", "challenger"]
        version.refused = "GOLDEN_ROWS"
        var description = ModelDescription()
        description.model = version
        description.features = [.init(name: "f", type: "float", isMissingAllowed: true, source: "bitcoin.fee")]
        description.declineThreshold = .infinity
        description.provenance = [.init(key: "k", value: "v")]
        var stats = StatsMessage()
        stats.decisionsByOutcome = [0, 5, 6, 7]
        let bodies: [ReplyBody] = [
            .decision(decision), .scoreBatch(batch), .hello(hello),
            .health(HealthMessage(isReady: false, reasons: [.init(code: "DRAINING", text: "t", isBlocking: true)])),
            .getDecision(record: [1, 2, 3]), .listModels([version]), .describeModel(description),
            .fetchBundle(BundlePiece(version: 1, digest: [7], byteCount: 10, offset: 2, bytes: [3, 4])), .stats(stats),
            .setAlias(previousVersion: 1, version: 2), .rollback(previousVersion: 2, version: 1),
        ]
        for body in bodies {
            let reply = Reply(id: 42, body: body)
            let frame = reply.frame()
            #expect(try frame.withUnsafeBytes { try Reply.decode(frame: $0, byteCountMax: 1 << 20) } == reply)
        }
        let failure = Reply(id: 3, status: .notFound, error: ReplyError(reason: "R", text: "t", retryAfterMicroseconds: 9))
        #expect(try failure.frame().withUnsafeBytes { try Reply.decode(frame: $0, byteCountMax: 1 << 20) } == failure)
    }

    @Test func negativeZeroKeepsItsSign() throws {
        var decision = DecisionMessage()
        decision.score = -0.0
        let frame = Reply(id: 1, body: .decision(decision)).frame()
        guard case .decision(let back)? = try frame.withUnsafeBytes({ try Reply.decode(frame: $0, byteCountMax: 1 << 20) }).body
        else {
            throw Unexpected()
        }
        #expect(back.score.bitPattern == decision.score.bitPattern)
        var record = AuditRecord()
        record.score = -0.0
        #expect(record.encoded().withUnsafeBytes { AuditRecord.decode($0) }?.score.sign == .minus)
    }

    @Test func largeReplyIsCompressedOnlyForThoseWhoAskedForIt() throws {
        let reply = Reply(id: 1, body: .getDecision(record: [UInt8](repeating: 5, count: 50_000)))
        #expect(reply.frame()[0] == 0)
        let compressed = reply.frame(acceptsLZ4: true)
        #expect(compressed[0] == 1)
        #expect(compressed.count < 5000)
        #expect(try compressed.withUnsafeBytes { try Reply.decode(frame: $0, byteCountMax: 1 << 20) } == reply)
    }

    @Test func auditRecordComesBackAsItWasWritten() throws {
        var record = AuditRecord()
        record.sequence = 5
        record.timeNanoseconds = 1_700_000_000_000_000_000
        record.bundle = "cards"
        record.digest = [UInt8](repeating: 3, count: 32)
        record.features32 = [0, 0, 192, 127]
        record.scores = [UInt8](repeating: 0, count: 8)
        record.outcome = .decline
        record.reasons = [ReasonMessage(code: "C")]
        record.transactionID = "ä"
        record.voidRange = VoidRange(first: 1, last: 2, cause: .memoryLost)
        #expect(record.encoded().withUnsafeBytes { AuditRecord.decode($0) } == record)
    }

    @Test(
        arguments: [
            (0, Status.ok, ReplyError(reason: "", text: "")),
            (1, .resourceExhausted, ReplyError(reason: "OVERLOADED", text: "late", retryAfterMicroseconds: 100_000)),
            (
                .max, .invalidArgument,
                ReplyError(reason: "X", text: String(repeating: "ä", count: 300), retryAfterMicroseconds: .max)
            ),
        ] as [(UInt64, Status, ReplyError)])
    func anErrorIsWrittenAsProtobufCWritesIt(_ id: UInt64, _ status: Status, _ error: ReplyError) {
        var output = SendBuffer()
        error.writeFrame(id: id, status: status, to: &output)
        #expect([UInt8](output.bytes) == Reply(id: id, status: status, error: error).frame())
    }

    @Test func arbitraryBytesNeverHarm() {
        var generator = SeededGenerator(seed: 20)
        let arena = MessageArena(byteCount: 1024, byteCountMax: 1 << 20)
        var decodedCount = 0
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            arena.reset()
            bytes.withUnsafeBytes {
                if RequestView.decode($0, arena: arena) != nil { decodedCount += 1 }
                arena.reset()
                _ = Reply.decode($0, arena: arena)
                arena.reset()
                _ = AuditRecord.decode($0, arena: arena)
            }
        }
        // The empty message is a Request, so some were understood.
        #expect(decodedCount > 0)
    }

    @Test func messageThatWouldTakeTooMuchMemoryIsRefused() {
        // A million empty inputs: two bytes each on the wire, some 150 in memory.
        let inputs = [UInt8](repeating: 0, count: 0) + (0..<500_000).flatMap { _ in [UInt8(0x22), 0] }
        let request = field(0x1a, field(0x22, inputs))
        let arena = MessageArena(byteCount: 1024, byteCountMax: 8 << 20)
        #expect(request.withUnsafeBytes { RequestView.decode($0, arena: arena) } == nil)
    }

    @Test func requestThatTookAllTheMemoryItMayIsStillAnswered() throws {
        // Field 100 of a CardTransaction, which this contract does not know: three bytes on the wire, and kept for the audit record.
        let card: [UInt8] = (0..<20_000).flatMap { _ in [0xa0, 0x06, 0] }
        let request = field(0x1a, field(0x2a, card))
        var answeredCount = 0
        let limits = stride(from: 64 << 10, through: 4 << 20, by: 32 << 10).map { $0 }
        for limit in limits {
            let arena = MessageArena(byteCount: 1024, byteCountMax: limit)
            try request.withUnsafeBytes { bytes in
                guard let view = RequestView.decode(bytes, arena: arena) else { return }
                guard case .score(let score) = view.body else { throw Unexpected() }
                #expect(EncodedTransaction.encode(score, arena: arena).byteCount == card.count)
                answeredCount += 1
            }
        }
        // Some limits were too small for it; the first that was not left less than the answer needs.
        #expect(answeredCount > 0 && answeredCount < limits.count)
    }

    /// A length-delimited field.
    private func field(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var length = bytes.count
        var varint: [UInt8] = []
        repeat {
            varint.append(UInt8(length & 127) | (length > 127 ? 128 : 0))
            length >>= 7
        } while length > 0
        return [tag] + varint + bytes
    }

    private struct Unexpected: Error {}
}
