import Audit
import Glibc
import ModelBundle
import Platform
import Wire

/// Scores recorded decisions anew with the bundles that made them, and compares.
public enum Replay {
    /// All decisions of the window, with so many threads.
    public static func run(
        journal: String, registry: String, window: JournalWindow = JournalWindow(), threadCount: Int, checksHash: Bool = true,
        progress: ReplayProgress? = nil
    ) throws(ReplayError) -> ReplayReport {
        let shelf = try BundleShelf(registry: registry)
        let stopwatch = Stopwatch()
        if let found = try records(journal, window, checksHash: checksHash) {
            let worker = ReplayWorker(window, shelf)
            unsafe found.oldestFirst.withUnsafeBytes { unsafe worker.take(JournalRecords($0)) }
            if let failure = worker.failure { throw failure }
            var report = merge([worker.finished()])
            report.damageCount += found.damageCount
            report.threadCount = 1
            (report.wallNanoseconds, report.processorNanoseconds) = stopwatch.elapsed
            return report
        }
        let crew = Crew<ReplayWorker>(
            try JournalRuns.opened(journal, window), checksHash: checksHash, progress: progress)
        let workers = (0..<min(max(threadCount, 1), ReplayLimits.threadCountMax)).map { _ in ReplayWorker(window, shelf) }
        try crew.run(workers)
        var report = merge(workers.map { $0.finished() })
        report.damageCount += crew.damageCount
        report.voidCount = crew.voidCount
        report.threadCount = workers.count
        (report.wallNanoseconds, report.processorNanoseconds) = stopwatch.elapsed
        return report
    }

    /// What the journal's indexes lead to when one transaction is asked for; nil: the journal has to be read.
    private static func records(
        _ journal: String, _ window: JournalWindow, checksHash: Bool
    ) throws(ReplayError) -> TransactionRecords? {
        guard let id = window.transactionID else { return nil }
        let limit = ReplayLimits.transactionRecordCountMax
        do throws(AuditError) {
            let found = try JournalLookup(directory: journal).search(
                transactionID: id, limit: limit + 1, checksHash: checksHash)
            return found.records.count > limit ? nil : found
        } catch {
            throw .audit(error)
        }
    }

    /// One decision, recorded and recomputed side by side; nil with the absent bundle when the registry does not have it.
    public static func decision(
        _ sequence: UInt64, journal: String, registry: String
    ) throws(ReplayError) -> (comparison: SideBySide?, absent: AbsentBundle?) {
        let shelf = try BundleShelf(registry: registry)
        let found: JournalRecord?
        do { found = try JournalReader.record(sequence, directory: journal) } catch { throw .audit(error) }
        guard let found, !found.isVoid else { throw .noDecision(sequence: sequence) }
        // Safety: the views are used inside the closure only.
        let result = unsafe found.bytes.withUnsafeBytes { bytes -> (SideBySide?, AbsentBundle?)? in
            var view = AuditRecordView()
            guard unsafe view.read(bytes), !view.isVoid, let digest = unsafe SHA256Digest(bytes: view.digest) else { return nil }
            let name = unsafe String(decoding: view.bundle, as: UTF8.self)
            switch shelf.bundle(digest, name: name) {
            case .success(let bundle): return (ReplayBatch(bundle, version: view.version).sideBySide(view), nil)
            case .failure(let absence):
                return (
                    nil, AbsentBundle(name: name, version: view.version, digest: digest, why: absence.text, recordCount: 1)
                )
            }
        }
        guard let result else { throw .noDecision(sequence: sequence) }
        return result
    }

    private static func merge(_ reports: [ReplayReport]) -> ReplayReport {
        var merged = ReplayReport()
        var bundles: [SHA256Digest: ReplayedBundle] = [:]
        var absent: [SHA256Digest: AbsentBundle] = [:]
        for report in reports {
            merged.comparedCount += report.comparedCount
            merged.derivedCount += report.derivedCount
            merged.explainedCount += report.explainedCount
            merged.closeCount += report.closeCount
            merged.differenceCount += report.differenceCount
            merged.damageCount += report.damageCount
            merged.differencesByPart.merge(report.differencesByPart, uniquingKeysWith: +)
            merged.differences += report.differences
            for bundle in report.bundles { bundles[bundle.digest, default: bundle.empty].count += bundle.count }
            for bundle in report.absent { absent[bundle.digest, default: bundle.empty].recordCount += bundle.recordCount }
        }
        merged.differences.sort { $0.sequence < $1.sequence }
        merged.differences.removeLast(max(0, merged.differences.count - ReplayLimits.differenceCountMax))
        merged.bundles = bundles.values.sorted { ($0.name, $0.version) < ($1.name, $1.version) }
        merged.absent = absent.values.sorted { ($0.name, $0.version) < ($1.name, $1.version) }
        return merged
    }
}

extension TransactionRecords {
    /// All records as a block has them: each with its length before it.
    fileprivate var oldestFirst: [UInt8] {
        records.reversed().flatMap { record in
            let length = UInt32(record.bytes.count)
            return (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + record.bytes
        }
    }
}

extension ReplayedBundle {
    fileprivate var empty: ReplayedBundle { ReplayedBundle(name: name, version: version, digest: digest, count: 0) }
}

extension AbsentBundle {
    fileprivate var empty: AbsentBundle {
        AbsentBundle(name: name, version: version, digest: digest, why: why, recordCount: 0)
    }
}

extension JournalRuns {
    /// The part of a journal that a window may touch.
    static func opened(_ directory: String, _ window: JournalWindow) throws(ReplayError) -> JournalRuns {
        do {
            return try JournalRuns(
                directory: directory, writtenFrom: window.writtenFrom, decidedBefore: window.decidedBefore)
        } catch { throw .audit(error) }
    }
}

/// Time by the clock and on all processors, of this process.
struct Stopwatch {
    private let wall = Clock.monotonicNanoseconds()
    private let processor = Stopwatch.processorNanoseconds

    var elapsed: (wall: UInt64, processor: UInt64) {
        (Clock.monotonicNanoseconds() - wall, Self.processorNanoseconds - processor)
    }

    private static var processorNanoseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
