import Platform
import Synchronization
import TestServer
import Testing
import Wire

@testable import AssayClient

@Suite(.timeLimit(.minutes(5))) struct ClientTests {
    /// A server that greets, and does with everything else what the test says.
    private func server(
        inFlightMax: UInt32 = 100, frameByteCountMax: UInt32 = 0, pieceByteCount: Int = .max,
        _ handler: @escaping TestServer.Handler
    ) throws -> TestServer {
        try TestServer(pieceByteCount: pieceByteCount) { seen in
            guard case .hello = seen.body else { return handler(seen) }
            var hello = HelloMessage()
            hello.serverVersion = "test"
            hello.inFlightMax = inFlightMax
            hello.frameByteCountMax = frameByteCountMax
            return [.reply(Reply(id: seen.id, body: .hello(hello)))]
        }
    }

    private static func decision(_ seen: TestServer.Seen) -> Reply {
        var message = DecisionMessage()
        if case .score(let score) = seen.body, case .features32(let features) = score.input {
            message.score = Double(features[0])
        }
        message.auditSequence = seen.id
        return Reply(id: seen.id, body: .decision(message))
    }

    private func client(_ server: TestServer, connections: Int = 1, timeout: Duration = .seconds(120)) -> AssayClient {
        var configuration = ClientConfiguration()
        configuration.connectionCount = connections
        configuration.timeout = timeout
        return AssayClient(.unix(path: server.path), configuration: configuration)
    }

    private func failure(_ body: () async throws(AssayError) -> some Any) async -> AssayError? {
        do throws(AssayError) {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }

    @Test func pipelinedCallsGetTheirOwnReplies() async throws {
        // Replies are held back and sent in reverse, ten at a time, in pieces that split frames.
        let held = Mutex<[Reply]>([])
        let server = try server(pieceByteCount: 13) { seen in
            held.withLock { held in
                held.insert(Self.decision(seen), at: 0)
                guard held.count == 10 else { return [] }
                defer { held = [] }
                return held.map { .reply($0) }
            }
        }
        defer { server.stop() }
        let client = client(server)
        let scores = try await withThrowingTaskGroup(of: (Int, Double).self) { group in
            for index in 0..<200 {
                group.addTask { (index, try await client.score(bundle: "cards", features: [Float(index)]).score) }
            }
            return try await group.reduce(into: [Int: Double]()) { $0[$1.0] = $1.1 }
        }
        #expect(scores == Dictionary(uniqueKeysWithValues: (0..<200).map { ($0, Double($0)) }))
        #expect(server.acceptedCount == 1)
        await client.close()
    }

    @Test func serversErrorIsThrownWithAllItSays() async throws {
        let server = try server { seen in
            let error = ReplyError(reason: "RING_FULL", text: "the audit ring is full", retryAfterMicroseconds: 2_500)
            return [.reply(Reply(id: seen.id, status: .auditUnavailable, error: error))]
        }
        defer { server.stop() }
        let client = client(server)
        let error = await failure { () async throws(AssayError) in try await client.score(bundle: "cards", features: [1]) }
        #expect(error?.status == .auditUnavailable)
        #expect(error?.reason == "RING_FULL")
        #expect(error?.text == "the audit ring is full")
        #expect(error?.retryAfter == .microseconds(2_500))
        #expect(error?.maybeExecuted == false)
        await client.close()
    }

    @Test func callThatIsNotAnsweredTimesOutAndItsLateReplyHarmsNothing() async throws {
        let late = Mutex<Reply?>(nil)
        let server = try server { seen in
            if case .score = seen.body {
                late.withLock { $0 = Self.decision(seen) }
                return []
            }
            let reply = late.withLock { $0 }
            return (reply.map { [.reply($0)] } ?? []) + [.reply(Reply(id: seen.id, body: .stats(StatsMessage())))]
        }
        defer { server.stop() }
        let client = client(server)
        let error = await failure { () async throws(AssayError) in
            try await client.score(
                ScoreRequest(model: ModelReference(bundle: "cards"), input: .features32([1])), timeout: .milliseconds(2_000))
        }
        #expect(error == .timedOut(method: .score, milliseconds: 2_000))
        #expect(error?.maybeExecuted == true)
        #expect(try await client.stats() == StatsMessage())
        #expect(server.acceptedCount == 1)
        await client.close()
    }

    @Test func timeLimitTravelsAsADeadline() async throws {
        let deadlines = Mutex<[Int64]>([])
        let server = try server { seen in
            deadlines.withLock { $0.append(seen.deadlineMicroseconds) }
            return [.reply(Self.decision(seen))]
        }
        defer { server.stop() }
        let client = client(server, timeout: .seconds(1_000))
        let before = Clock.wallNanoseconds() / 1_000
        _ = try await client.score(bundle: "cards", features: [1])
        let after = Clock.wallNanoseconds() / 1_000
        let deadline = try #require(deadlines.withLock { $0 }.first)
        #expect((before + 1_000_000_000...after + 1_000_000_000).contains(deadline))
        await client.close()
    }

    @Test func deadConnectionFailsItsCallsAndIsReplaced() async throws {
        let server = try server { seen in
            seen.connection == 0 && seen.number == 3
                ? [.close(after: [])] : seen.connection == 0 ? [] : [.reply(Self.decision(seen))]
        }
        defer { server.stop() }
        let client = client(server)
        let errors = await withTaskGroup(of: AssayError?.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    await self.failure { () async throws(AssayError) in try await client.score(bundle: "cards", features: [1]) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(errors.allSatisfy { $0?.reason == "CONNECTION_LOST" && $0?.maybeExecuted == true }, "\(errors)")
        #expect(try await client.score(bundle: "cards", features: [5]).score == 5)
        #expect(server.acceptedCount == 2)
        await client.close()
    }

    @Test(arguments: [[0, 0, 0, 0, 2, 0xff, 0xff], [7, 0, 0, 0, 0], [0, 0xff, 0xff, 0xff, 0xff]] as [[UInt8]])
    func malformedFrameEndsTheConnectionWithItsReason(garbage: [UInt8]) async throws {
        let server = try server { _ in [.bytes(garbage)] }
        defer { server.stop() }
        let client = client(server)
        let error = await failure { () async throws(AssayError) in try await client.health() }
        #expect(error?.reason == "BAD_REPLY")
        await client.close()
    }

    @Test func serverThatCannotReadTheFrameSaysSoToAllCallers() async throws {
        let server = try server { _ in
            let error = ReplyError(reason: "FRAME_MESSAGE", text: "not a message")
            return [.close(after: Reply(id: 0, status: .badFrame, error: error).frame())]
        }
        defer { server.stop() }
        let client = client(server)
        let error = await failure { () async throws(AssayError) in try await client.health() }
        #expect(error?.status == .badFrame)
        #expect(error?.reason == "FRAME_MESSAGE")
        await client.close()
    }

    @Test func replyOfAnotherMethodIsAnError() async throws {
        let server = try server { seen in [.reply(Self.decision(seen))] }
        defer { server.stop() }
        let client = client(server)
        #expect(await failure { () async throws(AssayError) in try await client.health() } == .wrongResult(method: .health))
        #expect(
            await failure { () async throws(AssayError) in try await client.listModels() } == .wrongResult(method: .listModels))
        await client.close()
    }

    @Test func noMoreRequestsAreInFlightThanTheServerAllows() async throws {
        let state = Mutex((inFlight: 0, most: 0, held: [Reply]()))
        let server = try server(inFlightMax: 4) { seen in
            state.withLock { state in
                state.inFlight += 1
                state.most = max(state.most, state.inFlight)
                state.held.append(Self.decision(seen))
                // Answers only when the window is full, or for the last of them.
                guard state.held.count == 4 else { return [] }
                defer {
                    state.held = []
                    state.inFlight = 0
                }
                return state.held.map { .reply($0) }
            }
        }
        defer { server.stop() }
        let client = client(server)
        let count = try await withThrowingTaskGroup(of: Double.self) { group in
            for index in 0..<40 { group.addTask { try await client.score(bundle: "cards", features: [Float(index)]).score } }
            return try await group.reduce(0) { count, _ in count + 1 }
        }
        #expect(count == 40)
        #expect(state.withLock { $0.most } == 4)
        await client.close()
    }

    @Test func serverThatAnswersNothingIsGivenUp() async throws {
        let server = try server(inFlightMax: 2) { seen in seen.connection == 0 ? [] : [.reply(Self.decision(seen))] }
        defer { server.stop() }
        let client = client(server)
        for _ in 0..<2 {
            _ = await failure { () async throws(AssayError) in
                try await client.score(
                    ScoreRequest(model: ModelReference(bundle: "cards"), input: .features32([1])), timeout: .milliseconds(2_000))
            }
        }
        #expect(try await client.score(bundle: "cards", features: [3]).score == 3)
        #expect(server.acceptedCount == 2)
        await client.close()
    }

    @Test func cancelledTaskStopsWaiting() async throws {
        let server = try server { seen in
            if case .score = seen.body { return [] }
            return [.reply(Reply(id: seen.id, body: .stats(StatsMessage())))]
        }
        defer { server.stop() }
        let client = client(server)
        _ = try await client.stats()
        let task = Task {
            await self.failure { () async throws(AssayError) in try await client.score(bundle: "cards", features: [1]) }
        }
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(try await client.stats() == StatsMessage())
        await client.close()
    }

    @Test func requestBeyondTheServersLimitIsNotSent() async throws {
        let server = try server(frameByteCountMax: 1_000) { seen in [.reply(Self.decision(seen))] }
        defer { server.stop() }
        let client = client(server)
        let features = [Float](repeating: 1, count: 300)
        let error = await failure { () async throws(AssayError) in try await client.score(bundle: "cards", features: features) }
        guard case .requestTooLarge(let byteCount, 1_000) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(byteCount > 1_200)
        #expect(try await client.score(bundle: "cards", features: [2]).score == 2)
        await client.close()
    }

    @Test func poolOpensConnectionsOnlyUnderLoad() async throws {
        let server = try server { seen in [.reply(Self.decision(seen))] }
        defer { server.stop() }
        let client = client(server, connections: 3)
        for _ in 0..<5 { _ = try await client.score(bundle: "cards", features: [1]) }
        #expect(server.acceptedCount == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<300 { group.addTask { _ = try await client.score(bundle: "cards", features: [1]) } }
            try await group.waitForAll()
        }
        #expect((1...3).contains(server.acceptedCount))
        await client.close()
    }

    @Test func closedClientRefusesCalls() async throws {
        let server = try server { seen in [.reply(Self.decision(seen))] }
        defer { server.stop() }
        let client = client(server)
        _ = try await client.score(bundle: "cards", features: [1])
        await client.close()
        #expect(await failure { () async throws(AssayError) in try await client.health() } == .closed)
    }

    @Test func serverThatIsNotThereIsToldApart() async {
        let client = AssayClient(.unix(path: "/tmp/assay-nobody-listens.sock"))
        let error = await failure { () async throws(AssayError) in try await client.health() }
        #expect(error?.reason == "CANNOT_CONNECT")
        #expect(error?.maybeExecuted == false)
    }

    @Test func serverThatDoesNotGreetIsNotWaitedForLong() async throws {
        let server = try TestServer { _ in [.nothing] }
        defer { server.stop() }
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .milliseconds(50)
        let client = AssayClient(.unix(path: server.path), configuration: configuration)
        #expect(
            await failure { () async throws(AssayError) in try await client.health() }
                == .timedOut(method: .hello, milliseconds: 50))
    }
}
