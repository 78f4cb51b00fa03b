import Glibc
import Platform
import Synchronization
import TestServer
import Testing
import Wire

@testable import LoadGenerator

/// What a scripted server does with the scoring requests of a run; hello, describe and fetch are answered as a server does.
final class ScriptedServer: Sendable {
    typealias Score = @Sendable (_ seen: TestServer.Seen, _ sequence: UInt64) -> [TestServer.Answer]

    let server: TestServer
    let scored = Atomic<UInt64>(0)

    init(bundle: [UInt8]? = nil, pieceByteCount: Int = .max, _ score: @escaping Score) throws {
        let digest = bundle.map { SHA256Hasher.hash($0).bytes } ?? Samples.digest
        let counter = Counter()
        server = try TestServer(pieceByteCount: pieceByteCount) { seen in
            switch seen.body {
            case .hello: return [.reply(Reply(id: seen.id, body: .hello(HelloMessage())))]
            case .describeModel:
                var description = ModelDescription()
                description.model.version = 3
                description.model.digest = digest
                description.goldenRowCount = bundle == nil ? 0 : 3
                description.features = ["a", "b"].map {
                    ModelDescription.Feature(name: $0, type: "float", isMissingAllowed: true, source: "")
                }
                return [.reply(Reply(id: seen.id, body: .describeModel(description)))]
            case .fetchBundle(_, let offset, let byteCountMax):
                let bytes = bundle ?? []
                // Pieces smaller than asked for, so that there are several.
                let end = min(bytes.count, Int(offset) + min(Int(byteCountMax), 1_000))
                let piece = BundlePiece(
                    version: 3, digest: digest, byteCount: UInt64(bytes.count), offset: offset,
                    bytes: Array(bytes[Int(offset)..<end]))
                return [.reply(Reply(id: seen.id, body: .fetchBundle(piece)))]
            default: return score(seen, counter.next(rows: Self.rowCount(seen)))
            }
        }
    }

    private static func rowCount(_ seen: TestServer.Seen) -> UInt64 {
        if case .scoreBatch(let batch) = seen.body { return UInt64(batch.rowCount) }
        return 1
    }

    private final class Counter: Sendable {
        private let value = Atomic<UInt64>(1)
        func next(rows: UInt64) -> UInt64 { value.add(rows, ordering: .relaxed).oldValue }
    }
}

/// Answers as the bundle of `Samples.bundle` would.
@Sendable func honest(_ seen: TestServer.Seen, _ sequence: UInt64) -> [TestServer.Answer] {
    guard case .score(let score) = seen.body, case .features32(let features) = score.input else { return [.nothing] }
    return [.reply(reply(seen, features, sequence))]
}

func reply(_ seen: TestServer.Seen, _ features: [Float], _ sequence: UInt64, digest: [UInt8] = Samples.digest) -> Reply {
    let isHigh = features[0] >= 0
    return Samples.decision(
        id: seen.id, score: isHigh ? 0.75 : 0.25, outcome: isHigh ? .review : .approve, sequence: sequence, digest: digest)
}

@Suite struct EngineTests {
    private func configuration(_ scripted: ScriptedServer) -> LoadConfiguration {
        var configuration = LoadConfiguration(server: .unix(path: scripted.server.path), bundle: "cards")
        configuration.durationSeconds = nil
        configuration.requestCount = 500
        configuration.timeoutSeconds = 60
        return configuration
    }

    @Test(arguments: [(1, 1, 1), (4, 8, 1), (6, 2, 3)])
    func closedLoopSendsExactlyWhatItWasAsked(connections: Int, depth: Int, threads: Int) throws {
        let scripted = try ScriptedServer(honest)
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.connectionCount = connections
        configuration.depth = depth
        configuration.threadCount = threads
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0, "\(report.text)")
        #expect(report.requestsSent == 500)
        #expect(report.decisionsTotal == 500)
        #expect(report.sequencesDistinct == 500)
        #expect(report.outcomes[1] + report.outcomes[2] == 500)
        #expect(report.latency.count == 500)
        #expect(report.versions.map(\.number) == [3])
        #expect(scripted.server.acceptedCount == connections + 2)
    }

    @Test(arguments: [1, 7])
    func repliesInPiecesAreReadWhole(pieceByteCount: Int) throws {
        let scripted = try ScriptedServer(pieceByteCount: pieceByteCount, honest)
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.depth = 8
        configuration.requestCount = 100
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0, "\(report.text)")
        #expect(report.decisionsTotal == 100)
    }

    @Test func repliesMayOvertakeEachOther() throws {
        let held = Mutex<[TestServer.Answer]>([])
        let scripted = try ScriptedServer { seen, sequence in
            held.withLock { held in
                held = honest(seen, sequence) + held
                guard held.count == 4 else { return [] }
                defer { held = [] }
                return held
            }
        }
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.depth = 4
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0, "\(report.text)")
        #expect(report.decisionsTotal == 500)
    }

    @Test func openLoopSendsAtItsRate() throws {
        let scripted = try ScriptedServer(honest)
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.requestCount = nil
        configuration.durationSeconds = 0.5
        configuration.ratePerSecond = 1_000
        configuration.connectionCount = 2
        configuration.depth = 256
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0, "\(report.text)")
        // What was due is fixed by rate and time; a slow machine may not have sent the last of it.
        #expect(report.arrivalsDue <= 500)
        #expect(report.decisionsTotal + report.arrivalsUnsent >= report.arrivalsDue)
        #expect(report.service != nil)
        #expect(report.latency.max >= (report.service?.max ?? .max) / 2)
    }

    @Test func refusalsAreErrors() throws {
        let scripted = try ScriptedServer { seen, sequence in
            sequence % 5 == 0 ? [.reply(Samples.refusal(id: seen.id))] : honest(seen, sequence)
        }
        defer { scripted.server.stop() }
        let report = try LoadRun(configuration(scripted)).perform()
        #expect(report.exitCode == 1)
        #expect(report.errors.counts == [.init(status: "RESOURCE_EXHAUSTED", reason: "IN_FLIGHT"): 100])
        #expect(report.decisionsTotal == 400)
    }

    @Test func silenceEndsTheRunByItself() throws {
        let scripted = try ScriptedServer { seen, sequence in sequence > 50 ? [.nothing] : honest(seen, sequence) }
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.timeoutSeconds = 2
        configuration.connectionCount = 2
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 1)
        #expect(report.errors.counts == [ErrorCounts.timeout: 2])
        #expect(report.decisionsTotal == 50)
    }

    @Test func closedConnectionIsAnErrorUnlessTolerated() throws {
        for isTolerated in [false, true] {
            let scripted = try ScriptedServer { seen, sequence in sequence == 100 ? [.close(after: [])] : honest(seen, sequence) }
            defer { scripted.server.stop() }
            var configuration = configuration(scripted)
            configuration.depth = 4
            configuration.toleratesDisconnect = isTolerated
            let report = try LoadRun(configuration).perform()
            #expect(report.disconnects == 1)
            #expect(report.exitCode == (isTolerated ? 0 : 1), "\(report.text)")
            if isTolerated { #expect((1...4).contains(report.requestsLost)) } else { #expect(report.errorCount >= 1) }
        }
    }

    @Test func lostConnectionIsOpenedAgainWhenAskedTo() throws {
        let scripted = try ScriptedServer { seen, sequence in sequence == 100 ? [.close(after: [])] : honest(seen, sequence) }
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.toleratesDisconnect = true
        configuration.reconnects = true
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0, "\(report.text)")
        #expect(report.reconnects == 1)
        #expect(report.requestsLost == 1)
        #expect(report.decisionsTotal == 499)
    }

    @Test func bytesThatAreNoReplyEndTheConnection() throws {
        for garbage in [[0, 0, 0, 0, 2, 0xff, 0xff], [7, 0, 0, 0, 0], [0, 0xff, 0xff, 0xff, 0xff]] as [[UInt8]] {
            let scripted = try ScriptedServer { seen, sequence in sequence == 10 ? [.bytes(garbage)] : honest(seen, sequence) }
            defer { scripted.server.stop() }
            let report = try LoadRun(configuration(scripted)).perform()
            #expect(report.exitCode == 1)
            #expect(report.errors.counts[ErrorCounts.badFrame] == 1)
            #expect(report.errors.counts[ErrorCounts.connectionLost] == 1)
            #expect(report.decisionsTotal == 9)
        }
    }

    @Test func replyThatNobodyAskedForIsAnError() throws {
        let scripted = try ScriptedServer { seen, sequence in
            let answers = honest(seen, sequence)
            return sequence == 10 ? answers + answers : answers
        }
        defer { scripted.server.stop() }
        let report = try LoadRun(configuration(scripted)).perform()
        #expect(report.exitCode == 1)
        #expect(report.errors.counts == [ErrorCounts.unexpectedReply: 1])
        #expect(report.decisionsTotal == 500)
    }

    @Test func batchesCountTheirRows() throws {
        let scripted = try ScriptedServer { seen, sequence in
            guard case .scoreBatch(let batch) = seen.body else { return [.nothing] }
            let scores = (0..<Int(batch.rowCount)).map { Double(batch.features32[$0 * 2]) }
            return [.reply(Samples.batch(id: seen.id, scores: scores, sequence: sequence))]
        }
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.rowsPerRequest = 16
        configuration.requestCount = 50
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0, "\(report.text)")
        #expect(report.repliesTotal == 50)
        #expect(report.decisionsTotal == 800)
        #expect(report.sequencesDistinct == 800)
    }

    @Test func acknowledgementsAreOnDiskAtTheEnd() throws {
        let scripted = try ScriptedServer(honest)
        defer { scripted.server.stop() }
        let path = Samples.temporaryPath("acknowledged")
        defer { unlink(path) }
        var configuration = configuration(scripted)
        configuration.connectionCount = 2
        configuration.threadCount = 2
        configuration.acknowledgementsPath = path
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0)
        let bytes = try File.read(path)
        #expect(bytes.count == 500 * AcknowledgementLog.recordByteCount)
        let words = bytes.withUnsafeBytes { bytes in
            (0..<(bytes.count / 8)).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
        }
        let sequences = stride(from: 0, to: words.count, by: 3).map { words[$0] }
        #expect(Set(sequences) == Set(1...500))
        let scores = Set(stride(from: 1, to: words.count, by: 3).map { Double(bitPattern: words[$0]) })
        #expect(scores.isSubset(of: [0.25, 0.75]))
        #expect(Set(stride(from: 2, to: words.count, by: 3).map { words[$0] }).count == 500)
    }

    @Test func scoresAreVerifiedAgainstTheFetchedBundle() throws {
        let bundle = try Samples.bundle()
        let digest = SHA256Hasher.hash(bundle).bytes
        for planted in [nil, UInt64(77)] {
            let scripted = try ScriptedServer(bundle: bundle) { seen, sequence in
                guard case .score(let score) = seen.body, case .features32(let features) = score.input else { return [.nothing] }
                let wrong: [Float] = [features[0] >= 0 ? -1 : 1, 0]
                return [.reply(reply(seen, sequence == planted ? wrong : features, sequence, digest: digest))]
            }
            defer { scripted.server.stop() }
            var configuration = configuration(scripted)
            configuration.verifies = true
            configuration.depth = 3
            let report = try LoadRun(configuration).perform()
            let verification = try #require(report.verification)
            #expect(report.inputs == [.init(origin: .goldenRows, rowCount: 3)])
            #expect(verification.recomputed == 3)
            #expect(verification.verified == (planted == nil ? 500 : 499), "\(report.text)")
            #expect(verification.mismatches == (planted == nil ? 0 : 1))
            #expect(report.exitCode == (planted == nil ? 0 : 1))
        }
    }

    @Test func bundleWithAnotherDigestThanItsRepliesIsNotBelieved() throws {
        let scripted = try ScriptedServer(bundle: try Samples.bundle(), honest)
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.verifies = true
        let report = try LoadRun(configuration).perform()
        #expect(report.verification?.unverified == 500)
        #expect(report.exitCode == 1)
    }

    @Test func bundleIsTakenFromTheRegistryDirectory() throws {
        let bundle = try Samples.bundle()
        let digest = SHA256Hasher.hash(bundle).bytes
        let root = Samples.temporaryPath("registry")
        try File.createDirectory("\(root)/cards/3")
        try File.writeAtomically(bundle, to: "\(root)/cards/3/bundle.assay")
        defer { try? File.removeTree(root) }
        // The server gives no bundle away.
        let scripted = try ScriptedServer { seen, sequence in
            guard case .score(let score) = seen.body, case .features32(let features) = score.input else { return [.nothing] }
            return [.reply(reply(seen, features, sequence, digest: digest))]
        }
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.verifies = true
        configuration.registryPath = root
        let report = try LoadRun(configuration).perform()
        #expect(report.verification?.verified == 500, "\(report.text)")
        #expect(report.exitCode == 0)
    }

    @Test func stoppedRunReportsWhatItDid() throws {
        let scripted = try ScriptedServer(honest)
        defer { scripted.server.stop() }
        var configuration = configuration(scripted)
        configuration.requestCount = nil
        configuration.durationSeconds = 60
        let run = LoadRun(configuration)
        run.stop()
        let report = try run.perform()
        #expect(report.errorCount == 0)
        #expect(report.decisionsTotal <= 2)
    }

    @Test func serverThatIsNotThereIsToldApart() throws {
        var configuration = LoadConfiguration(server: .unix(path: "/tmp/assay-nobody-listens.sock"), bundle: "cards")
        configuration.connectTimeoutSeconds = 1
        var code: Int32 = 0
        do throws(LoadError) { _ = try LoadRun(configuration).perform() } catch { code = error.exitCode }
        #expect(code == 3)
    }

    @Test func serverThatNeverAnswersEndsThePreparation() throws {
        let server = try TestServer { _ in [.nothing] }
        defer { server.stop() }
        var configuration = LoadConfiguration(server: .unix(path: server.path), bundle: "cards")
        configuration.timeoutSeconds = 0.1
        #expect(throws: LoadError.noAnswer(method: "hello", seconds: 0.1)) { try LoadRun(configuration).perform() }
    }

    @Test func controlConnectionThatWasClosedMeanwhileIsOpenedAgain() throws {
        // The second request on the first connection is answered by its end.
        let server = try TestServer { seen in
            seen.connection == 0 && seen.number == 1
                ? [.close(after: [])] : [.reply(Reply(id: seen.id, body: .health(HealthMessage(isReady: true, reasons: []))))]
        }
        defer { server.stop() }
        let address = try #require(try ResolvedAddress.resolve(.unix(path: server.path)).first)
        let control = ControlChannel(address: address, timeoutSeconds: 5, connectTimeoutSeconds: 5)
        for _ in 0..<3 { #expect(try control.call(.health) == .health(HealthMessage(isReady: true, reasons: []))) }
        #expect(server.acceptedCount == 2)
    }

    @Test func refusedPreparationTellsWhy() throws {
        let server = try TestServer { seen in
            if case .hello = seen.body { return [.reply(Reply(id: seen.id, body: .hello(HelloMessage())))] }
            return [.reply(Samples.refusal(id: seen.id, status: .notFound, reason: "UNKNOWN_BUNDLE"))]
        }
        defer { server.stop() }
        let configuration = LoadConfiguration(server: .unix(path: server.path), bundle: "nope")
        #expect(throws: LoadError.refused(method: "describe_model", status: "NOT_FOUND", reason: "UNKNOWN_BUNDLE", text: "no")) {
            try LoadRun(configuration).perform()
        }
    }

    @Test func transactionsAreReadLineByLine() throws {
        let path = Samples.temporaryPath("transactions.jsonl")
        defer { unlink(path) }
        let line = #"{"inputs_count": 1, "outputs_count": 2, "input_value": 100, "output_value": 90}"#
        try File.writeAtomically(Array("\(line)\n\n\(line)\r\n".utf8), to: path)
        #expect(try LoadInput.read(transactionsPath: path).count == 2)
        try File.writeAtomically(Array("\(line)\n{}\n".utf8), to: path)
        do throws(LoadError) {
            _ = try LoadInput.read(transactionsPath: path)
            Issue.record("a line that is no transaction was read")
        } catch {
            #expect(error.description.contains("line 2"))
        }
    }
}
