import Audit
import Glibc
import ModelBundle
import Platform
import Wire

/// One thread of a backtest: gathers recorded features, scores them with the challenger, counts.
///
/// Used by one thread at a time. Safety: what waits points into records, which are there until `take` returns; it flushes before. The
/// memory for what waits is owned, as long as the batch, and freed by deinit.
@safe
final class BacktestWorker: RecordConsumer, @unchecked Sendable {
    /// A decision whose row is in the batch.
    @unsafe private struct Waiting {
        let score: Double
        let timeNanoseconds: Int64
        let record: UnsafeRawBufferPointer
        let outcome: Int
    }

    /// What is known of the records of one bundle.
    private struct Source {
        let digest: SHA256Digest
        /// nil: a bundle of another name.
        let mapping: FeatureMapping?
    }

    private let plan: BacktestPlan
    private let challenger: Bundle
    private let policy: OutcomePolicy
    private let outputCount: Int
    private let isNarrow: Bool
    let memory: BatchMemory
    private let waiting: UnsafeMutablePointer<Waiting>
    private var waitingCount = 0
    private let derivation = Derivation()
    private var sources: [Source] = []
    private var lastSource = -1
    let tally = BacktestTally(bits: 6)
    let groups: SegmentTally?
    let costs: CostTally?
    private var flips: FlipLines?
    private let pieces: OrderedPieces?

    private(set) var failure: ReplayError?
    private(set) var versions: Set<UInt32> = []
    private(set) var comparedNames = true
    private(set) var otherCount = 0
    private(set) var derivedCount = 0
    private(set) var underivableCount = 0
    private(set) var damageCount = 0
    /// The most rows that were scored together.
    private(set) var rowCountSeen = 0

    init(_ plan: BacktestPlan, _ pieces: OrderedPieces?) {
        self.plan = plan
        self.pieces = pieces
        challenger = plan.challenger
        policy = plan.policy
        outputCount = plan.challenger.outputCount
        isNarrow = plan.challenger.precision == .float32
        memory = BatchMemory(plan.challenger, rowCountMax: ReplayLimits.backtestRowCountMax)
        unsafe waiting = .allocate(capacity: memory.rowCountMax)
        groups = plan.segment.map { SegmentTally($0, isNarrow: plan.challenger.precision == .float32) }
        costs = plan.costs.map { CostTally($0) }
        flips = pieces == nil ? nil : FlipLines()
    }

    deinit { unsafe waiting.deallocate() }

    func take(_ records: JournalRecords) {
        var records = records
        var view = AuditRecordView()
        let window = plan.window
        while let bytes = unsafe records.next() {
            guard unsafe view.read(bytes) else {
                damageCount += 1
                continue
            }
            guard !view.isVoid, window.contains(view), let mapping = mapping(view) else { continue }
            guard (1...3).contains(view.outcome) else {
                damageCount += 1
                continue
            }
            guard fill(mapping, view) else { continue }
            unsafe (waiting + waitingCount).initialize(
                to: Waiting(
                    score: view.score, timeNanoseconds: view.timeNanoseconds, record: bytes, outcome: Int(view.outcome)))
            waitingCount += 1
            if waitingCount == memory.rowCountMax { flush() }
        }
        if records.isBroken { damageCount += 1 }
        flush()
        if groups?.hasTooMany == true { failure = .tooManySegments(limit: ReplayLimits.segmentCountMax) }
        if tally.hasTooManyDays { failure = .tooManyDays(limit: ReplayLimits.dayCountMax) }
    }

    func finish(run: Int) {
        pieces?.take(run, flips?.takeLines() ?? [])
    }

    /// Fills the next row; false when the record has no row for the challenger.
    @inline(__always)
    private func fill(_ mapping: FeatureMapping, _ view: borrowing AuditRecordView) -> Bool {
        let row = unsafe memory.row(waitingCount)
        switch mapping {
        case .asRecorded:
            let features = isNarrow ? unsafe view.features32 : unsafe view.features64
            guard features.count == memory.rowByteCount else { break }
            // Safety: exactly a row's bytes, of which the memory has rowCountMax.
            unsafe memcpy(row, features.baseAddress!, memory.rowByteCount)
            return true
        case .picked(let indices):
            if unsafe FeatureMapping.pick(indices, view, into: row, challenger) { return true }
        case .derived(let error):
            guard view.hasTransaction else {
                failure = failure ?? error
                return false
            }
            guard unsafe derivation.derive(view, for: challenger, into: row) == nil else {
                underivableCount += 1
                return false
            }
            derivedCount += 1
            return true
        }
        if failure == nil { failure = .recordMalformed(sequence: view.sequence) }
        return false
    }

    /// nil: another bundle's decision, or nothing that could be scored.
    @inline(__always)
    private func mapping(_ view: borrowing AuditRecordView) -> FeatureMapping? {
        if lastSource >= 0, unsafe sources[lastSource].digest.isEqual(to: view.digest) {
            let mapping = sources[lastSource].mapping
            if mapping == nil { otherCount += 1 }
            return mapping
        }
        return learn(view)
    }

    private func learn(_ view: borrowing AuditRecordView) -> FeatureMapping? {
        guard let digest = unsafe SHA256Digest(bytes: view.digest) else {
            damageCount += 1
            return nil
        }
        if let known = sources.firstIndex(where: { $0.digest == digest }) {
            lastSource = known
        } else {
            guard sources.count < ReplayLimits.bundleCountMax else {
                failure = .tooManyBundles(limit: ReplayLimits.bundleCountMax)
                return nil
            }
            sources.append(Source(digest: digest, mapping: newMapping(view, digest)))
            lastSource = sources.count - 1
        }
        let mapping = sources[lastSource].mapping
        if mapping == nil { otherCount += 1 }
        return mapping
    }

    private func newMapping(_ view: borrowing AuditRecordView, _ digest: SHA256Digest) -> FeatureMapping? {
        let name = unsafe String(decoding: view.bundle, as: UTF8.self)
        guard name == plan.name else { return nil }
        versions.insert(view.version)
        let recorded = digest == challenger.digest ? challenger : try? plan.shelf?.bundle(digest, name: name).get()
        if recorded == nil { comparedNames = false }
        return FeatureMapping(view, recorded: recorded, challenger: challenger)
    }

    private func flush() {
        guard waitingCount > 0 else { return }
        memory.score(waitingCount)
        rowCountSeen = max(rowCountSeen, waitingCount)
        let deciding = policy.decidingOutput
        let needsMore = groups != nil || flips != nil || costs != nil
        for row in 0..<waitingCount {
            let decision = unsafe waiting[row]
            // Safety: admission checked that the deciding output is one of the bundle's.
            let score = unsafe memory.outputs[row &* outputCount &+ deciding]
            let outcome = Int(policy.outcome(score: score).rawValue)
            unsafe tally.add(
                decision.score, unsafe decision.outcome, challenger: score, outcome, timeNanoseconds: decision.timeNanoseconds)
            if needsMore { unsafe note(decision, score, outcome, row) }
        }
        waitingCount = 0
    }

    private func note(_ decision: Waiting, _ score: Double, _ outcome: Int, _ row: Int) {
        let recorded = unsafe decision.outcome
        unsafe costs?.add(decision.score, recorded, challenger: score, outcome)
        let isFlip = outcome != recorded
        guard groups != nil || (isFlip && flips != nil) else { return }
        var view = AuditRecordView()
        guard unsafe view.read(decision.record) else { return }
        unsafe groups?.add(view, memory.row(row), recorded, challenger: score, outcome)
        if isFlip { flips?.add(view, challenger: score, outcome) }
    }
}

extension SHA256Digest {
    /// Whether the digest is these bytes.
    @inline(__always)
    fileprivate func isEqual(to bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe withUnsafeBytes { own in
            // Safety: as many bytes as both have.
            unsafe bytes.count == own.count && memcmp(bytes.baseAddress!, own.baseAddress!, own.count) == 0
        }
    }
}
