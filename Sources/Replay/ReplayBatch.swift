import Decision
import Glibc
import ModelBundle
import Platform
import Wire

/// Decisions by one bundle that wait to be scored anew together.
///
/// Safety: the views of records are used before the records' memory is gone: whoever appends flushes. The row for derived features is
/// owned, as long as a row, and freed by deinit.
@safe
final class ReplayBatch {
    private let memory: BatchMemory
    private let reasoning: Reasoning
    private let derivation = Derivation()
    private let derived: UnsafeMutableRawPointer
    private let arena = MessageArena(byteCount: 64 << 10)
    private var views: [AuditRecordView] = []
    private(set) var replayed: ReplayedBundle

    init(_ bundle: Bundle, version: UInt32) {
        memory = BatchMemory(bundle, rowCountMax: ReplayLimits.batchRowCountMax)
        reasoning = Reasoning(bundle)
        unsafe derived = .allocate(byteCount: memory.rowByteCount, alignment: 16)
        views.reserveCapacity(memory.rowCountMax)
        replayed = ReplayedBundle(name: bundle.name, version: version, digest: bundle.digest, count: 0)
    }

    deinit { unsafe derived.deallocate() }

    func isOf(_ digest: UnsafeRawBufferPointer) -> Bool {
        unsafe replayed.digest.withUnsafeBytes { own in
            // Safety: as many bytes as both have.
            unsafe digest.count == own.count && memcmp(digest.baseAddress!, own.baseAddress!, own.count) == 0
        }
    }

    func append(_ view: AuditRecordView, _ report: inout ReplayReport) {
        report.comparedCount += 1
        replayed.count += 1
        let features = memory.bundle.precision == .float32 ? unsafe view.features32 : unsafe view.features64
        guard features.count == memory.rowByteCount else {
            note(.featureCount, view, row: nil, problem: nil, &report)
            return
        }
        // Safety: exactly a row's bytes, of which the memory has rowCountMax.
        unsafe memory.row(views.count).copyMemory(from: features.baseAddress!, byteCount: features.count)
        views.append(view)
        if views.count == memory.rowCountMax { flush(&report) }
    }

    /// Scores and compares all that was appended.
    func flush(_ report: inout ReplayReport) {
        guard !views.isEmpty else { return }
        memory.score(views.count)
        for row in views.indices { compare(row, &report) }
        views.removeAll(keepingCapacity: true)
    }

    private func compare(_ row: Int, _ report: inout ReplayReport) {
        let view = views[row]
        let bundle = memory.bundle
        let outputs = unsafe UnsafeBufferPointer(start: memory.outputs + row * bundle.outputCount, count: bundle.outputCount)
        let decided = unsafe DecisionEngine.judge(outputs.baseAddress!, policy: bundle.policy)
        var parts: DifferingParts = []
        var problem: String?
        if view.hasTransaction {
            report.derivedCount += 1
            problem = unsafe derivation.derive(view, for: bundle, into: derived)
            // Safety: both are one row.
            if unsafe problem != nil || memcmp(derived, memory.row(row), memory.rowByteCount) != 0 { parts.insert(.features) }
        }
        if view.scoreBits != decided.score.bitPattern { parts.insert(.score) }
        // Safety: compared only when both have the same length.
        if unsafe view.scores.count != 8 * outputs.count
            || memcmp(view.scores.baseAddress!, outputs.baseAddress!, 8 * outputs.count) != 0
        {
            parts.insert(.outputs)
        }
        if view.outcome != UInt32(decided.outcome.rawValue) { parts.insert(.outcome) }
        if view.stage != decided.stage.rawValue { parts.insert(.stage) }
        if unsafe !hasSameReasons(view, row, decided, outputs, &report) { parts.insert(.reasons) }
        if !parts.isEmpty { note(parts, view, row: row, problem: problem, &report) }
    }

    private func hasSameReasons(
        _ view: AuditRecordView, _ row: Int, _ decided: ScoredDecision, _ outputs: UnsafeBufferPointer<Double>,
        _ report: inout ReplayReport
    ) -> Bool {
        if view.reasonCount == 0 { return decided.reason == nil }
        defer { arena.reset() }
        guard let record = unsafe AuditRecord.decode(view.bytes, arena: arena) else { return false }
        let policy = record.reasons.filter { $0.feature.isEmpty }
        let contributions = record.reasons.filter { !$0.feature.isEmpty }
        let expected = decided.reason.map { [ReasonMessage($0)] } ?? []
        guard policy.count == expected.count, zip(policy, expected).allSatisfy({ $0.isSame(as: $1) }) else { return false }
        guard !contributions.isEmpty else { return true }
        report.explainedCount += 1
        let features = memory.features(views.count).row(row, featureCount: memory.bundle.featureCount)
        switch unsafe reasoning.compare(contributions, features, outputs: outputs) {
        case .equal: return true
        case .close:
            report.closeCount += 1
            return true
        case .different: return false
        }
    }

    /// - Parameter row: where the record was scored; nil when it could not be.
    private func note(
        _ parts: DifferingParts, _ view: AuditRecordView, row: Int?, problem: String?, _ report: inout ReplayReport
    ) {
        report.differenceCount += 1
        for (part, name) in DifferingParts.names where parts.contains(part) { report.differencesByPart[name, default: 0] += 1 }
        guard report.takes(view.sequence), let record = unsafe AuditRecord.decode(view.bytes) else { return }
        report.take(
            ReplayDifference(sequence: view.sequence, parts: parts, comparison: side(record, view, row: row, problem: problem)))
    }

    /// Recorded and recomputed side by side; the record is the one in `row`.
    private func side(_ record: AuditRecord, _ view: AuditRecordView, row: Int?, problem: String?) -> SideBySide {
        guard let row else { return SideBySide(record, unscorableBy: memory.bundle) }
        let hasDerived = view.hasTransaction && problem == nil
        return unsafe SideBySide(
            record, memory, row: row, derived: hasDerived ? UnsafeRawPointer(derived) : nil, problem: problem, reasoning)
    }

    /// One decision in full; its view must be valid during the call.
    func sideBySide(_ view: AuditRecordView) -> SideBySide? {
        guard let record = unsafe AuditRecord.decode(view.bytes) else { return nil }
        let features = memory.bundle.precision == .float32 ? unsafe view.features32 : unsafe view.features64
        guard features.count == memory.rowByteCount else { return SideBySide(record, unscorableBy: memory.bundle) }
        // Safety: exactly one row's bytes.
        unsafe memory.row(0).copyMemory(from: features.baseAddress!, byteCount: features.count)
        memory.score(1)
        let problem = view.hasTransaction ? unsafe derivation.derive(view, for: memory.bundle, into: derived) : nil
        return side(record, view, row: 0, problem: problem)
    }
}
