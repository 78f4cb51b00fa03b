import Audit
import ModelBundle
import Platform
import Synchronization
import Testing
import Wire

@testable import Replay

/// Recorded decisions scored with a challenger; what is expected is computed here row by row.
@Suite struct BacktestTests {
    private static let day: Int64 = 86_400_000_000_000

    /// 2,000 decisions on four days by one bundle, and a challenger.
    private struct Scene {
        let bench: ReplayBench
        let served: ReplayBench.Served
        let rows: [[Double]]
        let records: [AuditRecord]

        init(_ draft: BundleDraft = ReplayDrafts.make(seed: 1), count: Int = 2000) throws {
            bench = try ReplayBench()
            served = try bench.push(draft)
            rows = ReplayDrafts.rows(count, width: served.bundle.featureCount, seed: 5)
            var records: [AuditRecord] = []
            for (index, row) in rows.enumerated() {
                var record = served.decision(row, time: Int64(index % 4) * BacktestTests.day + 7, id: "tx \(index)")
                record.caller = index % 3 == 0 ? "web" : "app"
                records.append(record)
            }
            self.records = records
            try bench.write(records)
        }

        func outcome(_ bundle: Bundle, _ index: Int) -> (score: Double, outcome: Outcome) {
            let score = bundle.score(rows: rows[index]).outputs[0]
            return (score, bundle.policy.outcome(score: score))
        }
    }

    @Test func theFlipMatrixDaysAndMeansAreThoseCountedByHand() throws {
        let scene = try Scene()
        let challenger = try scene.bench.admit(ReplayDrafts.make(seed: 2))
        let report = try Backtest.run(BacktestPlan(challenger), journal: scene.bench.journal)
        var matrix = [[Int]](repeating: [0, 0, 0], count: 3)
        var alerts = [Int](repeating: 0, count: 4)
        var sum = 0.0
        for index in scene.rows.indices {
            let (score, outcome) = scene.outcome(challenger, index)
            matrix[Int(scene.records[index].outcome.rawValue) - 1][Int(outcome.rawValue) - 1] += 1
            if outcome != .approve { alerts[index % 4] += 1 }
            sum += score
        }
        #expect(report.count == 2000)
        #expect(report.flips == matrix)
        #expect(report.flipCount > 100)
        #expect(report.days.map(\.text) == ["1970-01-01", "1970-01-02", "1970-01-03", "1970-01-04"])
        #expect(report.days.map(\.challengerAlerts) == alerts)
        #expect(report.days.allSatisfy { $0.recorded.reduce(0, +) == 500 })
        #expect((report.challenger.mean - sum / 2000).magnitude < 1e-9)
        #expect(report.versions == [1])
    }

    @Test func theBundleItselfFlipsNothing() throws {
        let scene = try Scene()
        let report = try Backtest.run(BacktestPlan(scene.served.bundle), journal: scene.bench.journal)
        #expect(report.flipCount == 0)
        #expect(report.meanDistance == 0)
        #expect(report.stabilityIndex == 0)
        #expect(report.recorded.quantiles == report.challenger.quantiles)
        #expect(report.comparedNames)
    }

    @Test func otherThresholdsMoveTheOutcomesOfTheSameScores() throws {
        let scene = try Scene()
        var plan = BacktestPlan(scene.served.bundle)
        plan.policy = OutcomePolicy(decidingOutput: 0, reviewThreshold: 0, declineThreshold: 0)
        let report = try Backtest.run(plan, journal: scene.bench.journal)
        #expect(report.flips.allSatisfy { $0[0] == 0 && $0[1] == 0 })
        #expect(report.days.allSatisfy { $0.challenger[2] == 500 })
    }

    @Test func anyNumberOfThreadsGivesTheSameReportAndTheSameLines() throws {
        let scene = try Scene()
        let challenger = try scene.bench.admit(ReplayDrafts.make(seed: 2))
        var texts: [String] = []
        var reports: [BacktestReport] = []
        for threadCount in [1, 2, 5] {
            let lines = Mutex<[UInt8]>([])
            var plan = BacktestPlan(challenger)
            plan.threadCount = threadCount
            plan.segment = .caller
            plan.costs = CostMatrix(missed: 100, blocked: 5, review: 1)
            plan.takesFlips = { piece in lines.withLock { $0 += piece } }
            reports.append(try Backtest.run(plan, journal: scene.bench.journal))
            texts.append(String(decoding: lines.withLock { $0 }, as: UTF8.self))
        }
        for report in reports {
            #expect(report.recorded.mean == reports[0].recorded.mean)
            #expect(report.meanDistance == reports[0].meanDistance)
            #expect(report.costs?.challengerByRecorded == reports[0].costs?.challengerByRecorded)
            #expect(report.segments.map(\.name) == ["app", "web"])
            #expect(report.segments.map(\.flipCount) == reports[0].segments.map(\.flipCount))
            #expect(BacktestPicture(report).svg == BacktestPicture(reports[0]).svg)
        }
        #expect(texts.allSatisfy { $0 == texts[0] })
        #expect(texts[0].split(separator: "\n").count == reports[0].flipCount)
    }

    @Test func flippedDecisionsAreListedInTheirOrder() throws {
        let scene = try Scene(count: 300)
        let challenger = try scene.bench.admit(ReplayDrafts.make(seed: 2))
        let lines = Mutex<[UInt8]>([])
        var plan = BacktestPlan(challenger)
        plan.takesFlips = { piece in lines.withLock { $0 += piece } }
        _ = try Backtest.run(plan, journal: scene.bench.journal)
        var expected = ""
        for index in scene.rows.indices {
            let (score, outcome) = scene.outcome(challenger, index)
            let record = scene.records[index]
            guard UInt32(outcome.rawValue) != record.outcome.rawValue else { continue }
            let time = "1970-01-0\(index % 4 + 1)T00:00:00.000000007Z"
            expected += "\(index + 1),\(time),tx \(index),cards,1,\(record.score),\(record.outcome.name),\(score),\(outcome)\n"
        }
        #expect(String(decoding: lines.withLock { $0 }, as: UTF8.self) == expected)
    }

    @Test func aChallengersFeaturesAreFoundByNameWhateverTheirOrder() throws {
        let scene = try Scene()
        // The same trees over the same features, listed the other way round; and float64.
        let turned = try scene.bench.admit(ReplayDrafts.make(["fee", "amount"], seed: 4, precision: .float64))
        var plan = BacktestPlan(turned)
        plan.shelf = try BundleShelf(registry: scene.bench.registry)
        let report = try Backtest.run(plan, journal: scene.bench.journal)
        var sum = 0.0
        for row in scene.rows { sum += turned.score(rows: [row[2], row[0]]).outputs[0] }
        #expect((report.challenger.mean - sum / 2000).magnitude < 1e-9)
        #expect(report.comparedNames)
    }

    @Test func aFeatureThatWasNotRecordedIsNamed() throws {
        let scene = try Scene()
        var plan = BacktestPlan(try scene.bench.admit(ReplayDrafts.make(["amount", "velocity"], seed: 4)))
        plan.shelf = try BundleShelf(registry: scene.bench.registry)
        do {
            _ = try Backtest.run(plan, journal: scene.bench.journal)
            Issue.record("no error")
        } catch {
            guard case .featureMissing(index: 1, name: "velocity", bundle: "cards", version: 1) = error else {
                throw error
            }
        }
        // Without a registry only the count can speak.
        plan.shelf = nil
        do {
            _ = try Backtest.run(plan, journal: scene.bench.journal)
            Issue.record("no error")
        } catch {
            guard case .featureCountDiffers(recorded: 3, challenger: 2, bundle: "cards", version: 1) = error else { throw error }
        }
    }

    @Test func whatWasNotRecordedIsDerivedFromTheTransaction() throws {
        let bench = try ReplayBench()
        let served = try bench.push(ReplayDrafts.make(["elapsed"], seed: 1, sources: [.cardElapsedSeconds]))
        let challenger = try bench.admit(
            ReplayDrafts.make(["elapsed", "category"], seed: 2, sources: [.cardElapsedSeconds, .cardMerchantCategory]))
        var records: [AuditRecord] = []
        for index in 0..<100 {
            var card = CardTransaction()
            card.elapsedSeconds = Double(index)
            card.merchantCategory = UInt32(100 - index)
            var record = served.decision([Double(index)])
            record.card = card.encoded()
            records.append(record)
        }
        try bench.write(records)
        var plan = BacktestPlan(challenger)
        plan.shelf = try BundleShelf(registry: bench.registry)
        let report = try Backtest.run(plan, journal: bench.journal)
        #expect(report.derivedCount == 100)
        var sum = 0.0
        for index in 0..<100 { sum += challenger.score(rows: [Double(index), Double(100 - index)]).outputs[0] }
        #expect((report.challenger.mean - sum / 100).magnitude < 1e-9)
    }

    @Test func onlyDecisionsOfTheNamedBundleAreScored() throws {
        let bench = try ReplayBench()
        let cards = try bench.push(ReplayDrafts.make(seed: 1))
        let other = try bench.push(ReplayDrafts.make(["x"], seed: 1, name: "other"))
        try bench.write(
            ReplayDrafts.rows(200, width: 3, seed: 5).enumerated().map {
                $0 % 2 == 0 ? cards.decision($1) : other.decision([$1[0]])
            })
        let report = try Backtest.run(BacktestPlan(cards.bundle), journal: bench.journal)
        #expect(report.count == 100)
        #expect(report.otherCount == 100)
        var plan = BacktestPlan(cards.bundle)
        plan.name = "nobody"
        do {
            _ = try Backtest.run(plan, journal: bench.journal)
            Issue.record("no error")
        } catch {
            guard case .nothingToScore(bundle: "nobody") = error else { throw error }
        }
    }

    @Test func segmentsOfAFeatureAddUpToAll() throws {
        let scene = try Scene()
        let challenger = try scene.bench.admit(ReplayDrafts.make(seed: 2))
        var plan = BacktestPlan(challenger)
        // No golden rows: each value would be a group, and there are too many.
        plan.segment = try SegmentKey("amount", challenger: challenger)
        #expect(throws: ReplayError.self) { try Backtest.run(plan, journal: scene.bench.journal) }
        plan.segment = try SegmentKey("day", challenger: challenger)
        let report = try Backtest.run(plan, journal: scene.bench.journal)
        #expect(report.segments.map(\.name) == report.days.map(\.text))
        #expect(report.segments.map(\.challengerAlerts) == report.days.map(\.challengerAlerts))
        #expect(report.segments.reduce(0) { $0 + $1.flipCount } == report.flipCount)
        #expect(throws: ReplayError.self) { try SegmentKey("nothing", challenger: challenger) }
    }

    @Test func expectedCostsAreThoseComputedByHand() throws {
        let scene = try Scene(count: 500)
        let challenger = try scene.bench.admit(ReplayDrafts.make(seed: 2))
        var plan = BacktestPlan(challenger)
        plan.costs = CostMatrix(missed: 100, blocked: 7, review: 2)
        let costs = try #require(try Backtest.run(plan, journal: scene.bench.journal).costs)
        var expected = 0.0
        for index in scene.rows.indices {
            let p = scene.records[index].score
            switch scene.outcome(challenger, index).outcome {
            case .approve: expected += p * 100
            case .review: expected += 2
            case .decline: expected += (1 - p) * 7
            }
        }
        #expect((costs.challengerByRecorded - expected).magnitude < 1e-6)
        #expect(costs.improbableCount == 0)
    }

    @Test func thePictureIsWholeAndEscapesWhatItShows() throws {
        let scene = try Scene(count: 300)
        var report = try Backtest.run(BacktestPlan(scene.served.bundle), journal: scene.bench.journal)
        report.name = "a<b>&c"
        let svg = BacktestPicture(report).svg
        #expect(svg.hasPrefix("<?xml"))
        #expect(svg.contains("a&lt;b&gt;&amp;c"))
        #expect(!svg.contains("a<b>"))
        #expect(svg.hasSuffix("</svg>\n"))
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }
}
