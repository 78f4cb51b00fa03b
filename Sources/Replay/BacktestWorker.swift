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
        let digest: DigestWords
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
    private let derivation = Derivation()
    private var sources: [Source] = []
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
        memory = BatchMemory(plan.challenger, rowCountMax: ReplayLimits.batchRowCountMax)
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
        // Neighbours are by the same bundle, mostly. Locals, for a class's variables are guarded at every access.
        var digest = DigestWords()
        var mapping: FeatureMapping?
        var takesAsRecorded = false
        var count = 0
        while let bytes = unsafe records.next() {
            guard unsafe view.read(bytes) else {
                damageCount += 1
                continue
            }
            guard !view.isVoid, window.contains(view) else { continue }
            if unsafe !digest.areThose(of: view.digest) {
                guard let source = learn(view) else {
                    damageCount += 1
                    continue
                }
                (digest, mapping) = (source.digest, source.mapping)
                takesAsRecorded = source.mapping?.isAsRecorded ?? false
            }
            guard takesAsRecorded || mapping != nil else {
                otherCount += 1
                continue
            }
            guard (1...3).contains(view.outcome) else {
                damageCount += 1
                continue
            }
            if takesAsRecorded {
                guard copyFeatures(view, row: count) else { continue }
            } else {
                guard let mapping, fill(mapping, view, row: count) else { continue }
            }
            unsafe (waiting + count).initialize(
                to: Waiting(
                    score: view.score, timeNanoseconds: view.timeNanoseconds, record: bytes, outcome: Int(view.outcome)))
            count += 1
            if count == memory.rowCountMax {
                flush(count)
                count = 0
            }
        }
        if records.isBroken { damageCount += 1 }
        if count > 0 { flush(count) }
        if groups?.hasTooMany == true { failure = .tooManySegments(limit: ReplayLimits.segmentCountMax) }
        if tally.hasTooManyDays { failure = .tooManyDays(limit: ReplayLimits.dayCountMax) }
    }

    func finish(run: Int) {
        pieces?.take(run, flips?.takeLines() ?? [])
    }

    /// Fills a row with what was recorded; false when that is no row.
    @inline(__always)
    private func copyFeatures(_ view: borrowing AuditRecordView, row index: Int) -> Bool {
        let features = isNarrow ? unsafe view.features32 : unsafe view.features64
        guard features.count == memory.rowByteCount else { return fails(view.sequence) }
        // Safety: exactly a row's bytes, of which the memory has rowCountMax.
        unsafe memcpy(memory.row(index), features.baseAddress!, memory.rowByteCount)
        return true
    }

    /// Fills a row; false when the record has no row for the challenger.
    private func fill(_ mapping: FeatureMapping, _ view: borrowing AuditRecordView, row index: Int) -> Bool {
        switch mapping {
        case .asRecorded: return copyFeatures(view, row: index)
        case .picked(let indices):
            if unsafe FeatureMapping.pick(indices, view, into: memory.row(index), challenger) { return true }
            return fails(view.sequence)
        case .derived(let error):
            guard view.hasTransaction else {
                if failure == nil { failure = error }
                return false
            }
            guard unsafe derivation.derive(view, for: challenger, into: memory.row(index)) == nil else {
                underivableCount += 1
                return false
            }
            derivedCount += 1
            return true
        }
    }

    /// Gives up on account of a record whose features are not as many as its bundle's; false.
    private func fails(_ sequence: UInt64) -> Bool {
        if failure == nil { failure = .recordMalformed(sequence: sequence) }
        return false
    }

    /// What is known of the record's bundle; nil when it names none.
    private func learn(_ view: borrowing AuditRecordView) -> Source? {
        guard let digest = unsafe SHA256Digest(bytes: view.digest) else { return nil }
        let words = unsafe DigestWords(view.digest)
        if let known = sources.first(where: { $0.digest == words }) { return known }
        guard sources.count < ReplayLimits.bundleCountMax else {
            failure = .tooManyBundles(limit: ReplayLimits.bundleCountMax)
            return nil
        }
        let source = Source(digest: words, mapping: newMapping(view, digest))
        sources.append(source)
        return source
    }

    private func newMapping(_ view: borrowing AuditRecordView, _ digest: SHA256Digest) -> FeatureMapping? {
        let name = unsafe String(decoding: view.bundle, as: UTF8.self)
        guard name == plan.name else { return nil }
        versions.insert(view.version)
        let recorded = digest == challenger.digest ? challenger : try? plan.shelf?.bundle(digest, name: name).get()
        if recorded == nil { comparedNames = false }
        return FeatureMapping(view, recorded: recorded, challenger: challenger)
    }

    private func flush(_ count: Int) {
        memory.score(count)
        rowCountSeen = max(rowCountSeen, count)
        let deciding = policy.decidingOutput
        let needsMore = groups != nil || flips != nil || costs != nil
        for row in 0..<count {
            let decision = unsafe waiting[row]
            // Safety: admission checked that the deciding output is one of the bundle's.
            let score = unsafe memory.outputs[row &* outputCount &+ deciding]
            let outcome = Int(policy.outcome(score: score).rawValue)
            unsafe tally.add(
                decision.score, unsafe decision.outcome, challenger: score, outcome, timeNanoseconds: decision.timeNanoseconds)
            if needsMore { unsafe note(decision, score, outcome, row) }
        }
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

/// The 32 bytes of a digest as words, so that comparing two costs four instructions.
private struct DigestWords: Equatable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Of no bundle.
    init() {}

    /// - Parameter bytes: 32.
    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe words = (Self.word(bytes, 0), Self.word(bytes, 8), Self.word(bytes, 16), Self.word(bytes, 24))
    }

    @inline(__always)
    func areThose(of bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe bytes.count == 32 && self == DigestWords(bytes)
    }

    static func == (a: DigestWords, b: DigestWords) -> Bool { a.words == b.words }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
}
