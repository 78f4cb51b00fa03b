import Audit
import Decision
import ModelBundle
import Platform
import Wire

/// One thread of a replay: gathers records by bundle, scores them as a server does, compares.
///
/// Used by one thread at a time.
final class ReplayWorker: RecordConsumer, @unchecked Sendable {
    private let window: JournalWindow
    private let shelf: BundleShelf
    private var batches: [SHA256Digest: ReplayBatch] = [:]
    private var absent: [SHA256Digest: AbsentBundle] = [:]
    private var last: ReplayBatch?
    private var view = AuditRecordView()
    private(set) var report = ReplayReport()
    private(set) var failure: ReplayError?

    init(_ window: JournalWindow, _ shelf: BundleShelf) {
        self.window = window
        self.shelf = shelf
    }

    func take(_ records: JournalRecords) {
        var records = records
        while let bytes = unsafe records.next() {
            guard unsafe view.read(bytes) else {
                report.damageCount += 1
                continue
            }
            if !view.isVoid, window.contains(view), let batch = batch() { batch.append(view, &report) }
        }
        if records.isBroken { report.damageCount += 1 }
        // What the batches point to is gone after this call.
        for batch in batches.values { batch.flush(&report) }
    }

    func finish(run: Int) {}

    /// What was found, and which bundles were not.
    func finished() -> ReplayReport {
        report.absent = Array(absent.values)
        report.bundles = batches.values.map(\.replayed)
        return report
    }

    /// The batch of the record's bundle; nil when there is no such bundle.
    private func batch() -> ReplayBatch? {
        if let last, unsafe last.isOf(view.digest) { return last }
        guard let digest = unsafe SHA256Digest(bytes: view.digest) else {
            report.damageCount += 1
            return nil
        }
        if let known = batches[digest] {
            last = known
            return known
        }
        if absent[digest] != nil {
            absent[digest]?.recordCount += 1
            return nil
        }
        guard batches.count + absent.count < ReplayLimits.bundleCountMax else {
            failure = .tooManyBundles(limit: ReplayLimits.bundleCountMax)
            return nil
        }
        let name = unsafe String(decoding: view.bundle, as: UTF8.self)
        switch shelf.bundle(digest, name: name) {
        case .success(let bundle):
            let batch = ReplayBatch(bundle, version: view.version)
            batches[digest] = batch
            last = batch
            return batch
        case .failure(let absence):
            absent[digest] = AbsentBundle(
                name: name, version: view.version, digest: digest, why: absence.text, recordCount: 1)
            return nil
        }
    }
}
