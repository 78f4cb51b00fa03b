import Glibc
import Platform
import Synchronization
import TestServer
import Testing
import Wire

@testable import LoadGenerator

@Suite struct MixTests {
    @Test func mixesAreReadFromText() throws {
        let bundles = try LoadConfiguration.bundles("cards=0.7,bitcoin=0.3")
        #expect(bundles.map(\.name) == ["cards", "bitcoin"])
        #expect(bundles.map(\.weight) == [0.7, 0.3])
        #expect(try LoadConfiguration.batches("100") == [BatchShare(rowCount: 100, weight: 1)])
        #expect(
            try LoadConfiguration.batches("1=0.9,100=0.1") == [
                BatchShare(rowCount: 1, weight: 0.9), BatchShare(rowCount: 100, weight: 0.1),
            ])
        for text in ["", "a", "a=", "=1", "a=0", "a=-1", "a=1,a=2", "a=1,", "a=b", "a=1=2", "a=inf", "a=nan"] {
            #expect(throws: LoadError.self, "\(text)") { try LoadConfiguration.bundles(text) }
        }
        for text in ["", "x", "1=0", "1=0.5,", "x=1", "1,1"] {
            #expect(throws: LoadError.self, "\(text)") { try LoadConfiguration.batches(text) }
        }
    }

    @Test func everyKindTakesItsShareOfTheTurns() throws {
        let rows = LoadInput.rows([1, 2], featureCount: 2, .float32)
        var configuration = LoadConfiguration(server: .tcp(host: "localhost", port: 1), bundle: "a")
        configuration.bundles = [LoadBundle(name: "a", weight: 7), LoadBundle(name: "b", weight: 3)]
        configuration.batches = [BatchShare(rowCount: 1, weight: 0.9), BatchShare(rowCount: 5, weight: 0.1)]
        let parts = configuration.parts
        let prepared = try parts.map { part in try rows.prepared(configuration, part) }
        let mix = RequestMix(prepared, weights: parts.map(\.weight), seed: 5)
        #expect(mix.order.count == LoadLimits.orderCount)
        for (index, share) in [0.63, 0.07, 0.27, 0.03].enumerated() {
            let count = mix.order.filter { $0 == UInt16(index) }.count
            #expect(abs(Double(count) - share * Double(LoadLimits.orderCount)) <= 1)
        }
        #expect(RequestMix(prepared, weights: parts.map(\.weight), seed: 5).order == mix.order)
        #expect(RequestMix(prepared, weights: parts.map(\.weight), seed: 6).order != mix.order)
        // A kind that hardly ever occurs still does.
        #expect(RequestMix(Array(prepared[0..<2]), weights: [1, 1e-9]).order.filter { $0 == 1 }.count == 1)
        #expect(RequestMix([prepared[0]]).order == [0])
    }

    /// A server that knows two bundles, whose versions differ, and answers batches.
    private func twoBundles(_ seen: TestServer.Seen, _ sequence: UInt64) -> [TestServer.Answer] {
        switch seen.body {
        case .score(let score):
            let version: UInt32 = score.model.bundle == "cards" ? 3 : 8
            return [
                .reply(Samples.decision(id: seen.id, version: version, sequence: sequence, bundle: score.model.bundle))
            ]
        case .scoreBatch(let batch):
            let scores = [Double](repeating: 0.25, count: Int(batch.rowCount))
            guard case .scoreBatch(var message) = Samples.batch(id: seen.id, scores: scores, sequence: sequence).body else {
                return [.nothing]
            }
            message.bundle = batch.model.bundle
            message.version = batch.model.bundle == "cards" ? 3 : 8
            return [.reply(Reply(id: seen.id, body: .scoreBatch(message)))]
        default: return [.nothing]
        }
    }

    @Test func bundlesAndBatchesAreMixedInOneRun() throws {
        let scripted = try ScriptedServer(twoBundles)
        defer { scripted.server.stop() }
        var configuration = LoadConfiguration(server: .unix(path: scripted.server.path), bundle: "cards")
        configuration.bundles = [LoadBundle(name: "cards", weight: 3), LoadBundle(name: "bitcoin", weight: 1)]
        configuration.batches = [BatchShare(rowCount: 1, weight: 0.8), BatchShare(rowCount: 10, weight: 0.2)]
        configuration.durationSeconds = nil
        configuration.requestCount = 2_000
        configuration.depth = 4
        configuration.timeoutSeconds = 60
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0, "\(report.text)")
        #expect(report.repliesTotal == 2_000)
        #expect(report.parts.map(\.name) == ["cards, single rows", "cards, 10 rows", "bitcoin, single rows", "bitcoin, 10 rows"])
        #expect(report.parts.reduce(0) { $0 + $1.replies } == 2_000)
        #expect(report.parts[1].decisions == report.parts[1].replies * 10)
        #expect(report.decisionsTotal == report.parts.reduce(0) { $0 + $1.decisions })
        // 2,000 draws without replacement from the shuffled order: far within five standard deviations.
        for (part, share) in zip(report.parts, [0.6, 0.15, 0.2, 0.05]) {
            #expect(abs(Double(part.replies) / 2_000 - share) < 0.06, "\(part.name)")
        }
        #expect(report.versions.map(\.bundle) == ["bitcoin", "cards"])
        #expect(report.versions.map(\.number) == [8, 3])
        #expect(report.text.contains("cards=3,bitcoin=1"))
    }

    @Test func stagesAreReportedOneByOne() throws {
        let scripted = try ScriptedServer(honest)
        defer { scripted.server.stop() }
        var configuration = LoadConfiguration(server: .unix(path: scripted.server.path), bundle: "cards")
        configuration.durationSeconds = nil
        configuration.stages = [
            .init(ratePerSecond: 500, seconds: 0.2), .init(fromPerSecond: 500, toPerSecond: 1_500, seconds: 0.2),
        ]
        configuration.depth = 256
        configuration.timeoutSeconds = 60
        let report = try LoadRun(configuration).perform()
        #expect(report.exitCode == 0, "\(report.text)")
        // What was due is fixed by the stages; a slow machine may not have sent the last of it.
        #expect(report.arrivalsDue <= 300)
        #expect(report.repliesTotal + report.arrivalsUnsent >= report.arrivalsDue)
        #expect(report.stages.map(\.name) == ["500/s", "500 to 1,500/s"])
        #expect(report.stages.reduce(0) { $0 + $1.replies } == report.repliesMeasured)
        #expect(report.stages[0].replies <= 100)
        #expect(report.stages[0].service != nil)
    }

    @Test func searchReportsItsStepsAndItsBestRate() throws {
        let scripted = try ScriptedServer(honest)
        defer { scripted.server.stop() }
        var configuration = LoadConfiguration(server: .unix(path: scripted.server.path), bundle: "cards")
        configuration.durationSeconds = 0.05
        configuration.ratePerSecond = 40
        configuration.depth = 256
        // No rate is too slow for it, and any above a few thousand is too fast: the count of decisions decides, not the clock.
        configuration.objectives = [try Condition("tx/s<3000"), try Condition("p99<60s")]
        configuration.timeoutSeconds = 60
        let lines = Mutex<[String]>([])
        let observer = LoadRun.Observer(probe: { line in lines.withLock { $0.append(line) } })
        let report = try LoadRun(configuration, observer: observer).perform()
        let search = try #require(report.search)
        #expect(search.steps.count == lines.withLock { $0.count })
        #expect(search.best == search.steps.filter(\.holds).map(\.rate).max())
        #expect(report.configuration.ratePerSecond == (search.best ?? search.steps.last?.rate))
        #expect(search.steps.contains { !$0.holds })
        #expect(report.text.contains(search.text))
    }

    @Test(arguments: [1, 16])
    func ceilingIsMeasuredAgainstCannedReplies(rowCount: Int) throws {
        let scripted = try ScriptedServer { seen, sequence in [.nothing] }
        defer { scripted.server.stop() }
        var configuration = LoadConfiguration(server: .unix(path: scripted.server.path), bundle: "cards")
        configuration.rowsPerRequest = rowCount
        configuration.connectionCount = 2
        configuration.depth = 4
        configuration.timeoutSeconds = 60
        let prepared = try PreparedRun(configuration)
        let ceiling = try Ceiling.measure(prepared, StopFlag())
        #expect(ceiling.requestsPerSecond > 0)
        #expect(ceiling.processorNanosecondsPerRequest > 0)
        #expect(ceiling.text.contains("canned replies"))
    }

    @Test func cannedRepliesAreWhatARunExpects() throws {
        for rowCount in [1, 3] {
            let canned = CannedReply(bundle: "cards", rowCount: rowCount)
            var tally = Tally(plan: Samples.plan(rowsPerRequest: rowCount))
            for number in 0..<5 as Range<UInt64> {
                var queue = SendQueue()
                let id = RequestID(connection: 1, slot: 2, generation: UInt32(number))
                canned.append(id: id.varint, number: number, to: &queue)
                let payload = Array(Array(queue.pending).dropFirst(Frame.headerByteCount))
                try payload.withUnsafeBytes { bytes in
                    let reply = try ScannedReply(bytes)
                    #expect(reply.id == id.rawValue)
                    #expect(tally.take(reply, bytes, InFlight.Request()) { $0 } == rowCount)
                }
            }
            #expect(tally.sequences.count == UInt64(5 * rowCount))
            #expect(tally.sequences.repeated == 0)
            #expect(tally.errors.total == 0)
            #expect(tally.wrongBundle == 0)
        }
    }
}
