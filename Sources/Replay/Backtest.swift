import Audit
import Platform

/// Scores recorded decisions with another bundle, and tells what would change.
public enum Backtest {
    public static func run(_ plan: BacktestPlan, journal: String) throws(ReplayError) -> BacktestReport {
        let stopwatch = Stopwatch()
        let runs = try JournalRuns.opened(journal, plan.window)
        let crew = Crew<BacktestWorker>(runs, checksHash: plan.checksHash, progress: plan.progress)
        let pieces = plan.takesFlips.map { OrderedPieces($0) }
        let workers = (0..<min(max(plan.threadCount, 1), ReplayLimits.threadCountMax)).map { _ in BacktestWorker(plan, pieces) }
        try crew.run(workers)
        let elapsed = stopwatch.elapsed
        var report = try merge(workers, plan)
        report.voidCount = crew.voidCount
        report.damageCount += crew.damageCount
        report.speed.threadCount = workers.count
        (report.speed.wallNanoseconds, report.speed.processorNanoseconds) = elapsed
        report.speed.journalByteCount = runs.byteCount
        report.speed.checkedHash = plan.checksHash
        if plan.measuresEngine, let worker = workers.max(by: { $0.rowCountSeen < $1.rowCountSeen }) {
            let engine = EngineSpeed.measure(worker.memory, rowCount: worker.rowCountSeen)
            report.speed.engineWallNanoseconds = engine?.wall
            report.speed.engineProcessorNanoseconds = engine?.processor
        }
        return report
    }

    private static func merge(_ workers: [BacktestWorker], _ plan: BacktestPlan) throws(ReplayError) -> BacktestReport {
        let first = workers[0]
        var report = BacktestReport(
            name: plan.name, challengerName: plan.challenger.name, challengerDigest: plan.challenger.digest,
            reviewThreshold: plan.policy.reviewThreshold, declineThreshold: plan.policy.declineThreshold)
        for worker in workers.dropFirst() {
            first.tally.add(worker.tally)
            if let groups = worker.groups { first.groups?.add(groups) }
            if let costs = worker.costs { first.costs?.add(costs) }
        }
        if first.groups?.hasTooMany == true { throw .tooManySegments(limit: ReplayLimits.segmentCountMax) }
        report.count = first.tally.count
        for worker in workers {
            report.otherCount += worker.otherCount
            report.derivedCount += worker.derivedCount
            report.underivableCount += worker.underivableCount
            report.damageCount += worker.damageCount
            report.comparedNames = report.comparedNames && worker.comparedNames
        }
        report.versions = workers.reduce(into: Set()) { $0.formUnion($1.versions) }.sorted()
        guard report.count > 0 else { throw .nothingToScore(bundle: plan.name) }
        let tally = first.tally
        report.flips = tally.flips
        report.days = tally.daily
        report.recorded = ScoreDistribution(tally.recorded, sum: tally.recordedSum)
        report.challenger = ScoreDistribution(tally.challenger, sum: tally.challengerSum)
        report.meanDistance = report.count > 0 ? tally.distanceMean : 0
        report.stabilityIndex = tally.recorded.stabilityIndex(of: tally.challenger)
        report.bins = ScoreBins(tally.recorded, tally.challenger)
        report.segments = first.groups?.segments ?? []
        report.costs = first.costs?.costs
        return report
    }
}

extension BacktestTally {
    fileprivate var distanceMean: Double { distanceSum.value / Double(count) }
}
