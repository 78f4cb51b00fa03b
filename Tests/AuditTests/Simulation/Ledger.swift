import Platform
import Wire

@testable import Audit

/// What was promised to callers so far, and what was on the disk before a recovery.
struct Ledger {
    /// Acknowledged as durable, or found after a recovery: must be there whatever happens.
    private var durable: Set<UInt64> = []
    /// Committed, in memory's durability: must be there unless the power is cut.
    private var committed: [UInt64] = []
    /// Committed before a power cut: there, or said to be lost.
    private var perhapsLost: Set<UInt64> = []
    private(set) var highestGiven: UInt64 = 0
    private var givenTwice: UInt64?
    private var identity: JournalIdentity?
    /// Bits have flipped: the journal may be unsound, and only what they didn't hit must be there.
    var hasRotted = false
    /// What was in blocks whose bits flipped: it may be gone, but not without a word.
    private var rotted: Set<UInt64> = []
    /// Bits have flipped in `proof`; the entry that followed them then, if any: while it is there, the damage must be told.
    private var hasProofRotted = false
    private var entriesAfterRot: [ProofEntry] = []
    /// Checkpoints whose signing was completed, as somebody elsewhere has them.
    private(set) var checkpoints: [CheckpointLine] = []
    /// Retention has deleted the records up to here.
    private(set) var retiredThrough: UInt64 = 0
    /// What the journal had after the last recovery, and what was committed since.
    private var present: Set<UInt64> = []
    /// Records in segments that retention has begun to delete: a look-up may find them or not.
    private(set) var leaving: Set<UInt64> = []
    /// The segments' bytes before the recovery that is under way, and whether the medium had them all.
    private var bytes: [String: [UInt8]]?
    private var areBytesSettled = false

    mutating func give(_ first: UInt64, count: Int) {
        if first <= highestGiven { givenTwice = first }
        highestGiven = first + UInt64(count) - 1
    }

    mutating func commit(_ sequences: [UInt64]) {
        committed += sequences
        present.formUnion(sequences)
    }

    mutating func sign(_ entry: ProofEntry) { checkpoints.append(CheckpointLine(entry)) }

    mutating func retire(through sequence: UInt64) {
        retiredThrough = max(retiredThrough, sequence)
        leaving.formUnion(present.filter { $0 <= sequence })
        present.subtract(leaving)
    }

    /// What a look-up must find when so much is written, ascending.
    func findable(through written: UInt64) -> [UInt64] {
        present.filter { $0 <= written }.sorted()
    }

    mutating func acknowledge(through sequence: UInt64) {
        durable.formUnion(committed.filter { $0 <= sequence })
        committed.removeAll { $0 <= sequence }
    }

    mutating func losePower(_ disk: SimulatedDisk) {
        perhapsLost.formUnion(committed)
        committed = []
        if !areBytesSettled { bytes = nil }
    }

    mutating func excuse(_ sequences: ClosedRange<UInt64>) {
        durable = durable.filter { !sequences.contains($0) }
        perhapsLost = perhapsLost.filter { !sequences.contains($0) }
        rotted.formUnion(present.filter(sequences.contains))
    }

    mutating func excuseProof(entryAfter: ProofEntry?) {
        hasProofRotted = true
        if let entryAfter { entriesAfterRot.append(entryAfter) }
    }

    /// After a recovery: what is there now is durable.
    mutating func settle(_ contents: JournalBytes.Contents) {
        present = Set(contents.records.map(\.sequence))
        leaving = []
        durable.formUnion(present)
        committed = []
        bytes = nil
    }

    // MARK: Checking

    mutating func check(identity: JournalIdentity) throws(BrokenPromise) {
        if let known = self.identity, known != identity { throw BrokenPromise("the journal has another identity") }
        self.identity = identity
    }

    /// `confirmed`: the last number that the sink has.
    func check(_ contents: JournalBytes.Contents, confirmed: UInt64) throws(BrokenPromise) {
        let report = contents.report
        if let givenTwice { throw BrokenPromise("number \(givenTwice) was given twice") }
        if !hasRotted, let damage = report.damages.first(where: { !isExpected($0) }) {
            throw BrokenPromise("the journal is damaged: \(damage)")
        }
        let found = Set(contents.records.map(\.sequence))
        if found.count != contents.records.count { throw BrokenPromise("a record is in the journal twice") }
        if let lost = missing(durable, found).first { throw BrokenPromise("record \(lost), acknowledged as durable, is lost") }
        if let lost = committed.first(where: { !found.contains($0) }) {
            throw BrokenPromise("record \(lost), committed and without a power cut, is lost")
        }
        if let through = report.retirement?.sequence, through > confirmed {
            throw BrokenPromise("records up to \(through) are to go, and the sink has those up to \(confirmed)")
        }
        try checkProof(contents)
        if hasRotted { return try checkRot(contents, found) }
        for lost in missing(perhapsLost, found) {
            let range = report.voids.first { $0.first <= lost && lost <= $0.last }
            if range?.cause != .memoryLost { throw BrokenPromise("record \(lost) is lost and the journal says \(range as Any)") }
        }
    }

    private func missing(_ sequences: Set<UInt64>, _ found: Set<UInt64>) -> [UInt64] {
        sequences.filter { $0 > retiredThrough && !found.contains($0) }.sorted()
    }

    /// Where `proof` has rotted, it says so; a retirement that can't be read any more leaves a beginning that nothing explains.
    private func isExpected(_ damage: JournalDamage) -> Bool {
        if !hasProofRotted { return false }
        if case .beginningMissing = damage.kind { return true }
        return damage.segment == JournalDirectory.proofName
    }

    private func checkProof(_ contents: JournalBytes.Contents) throws(BrokenPromise) {
        let isTold = contents.report.damages.contains { $0.segment == JournalDirectory.proofName }
        if !isTold, contents.proof.contains(where: entriesAfterRot.contains) {
            throw BrokenPromise("bits flipped in the proof, and nothing says so")
        }
    }

    /// What bits took is said, by a void or by a damage that names the numbers (or can't know them).
    private func checkRot(_ contents: JournalBytes.Contents, _ found: Set<UInt64>) throws(BrokenPromise) {
        let report = contents.report
        for lost in missing(rotted, found) {
            let isTold =
                report.voids.contains { $0.first <= lost && lost <= $0.last }
                || report.damages.contains { $0.records?.contains(lost) ?? true }
            if !isTold { throw BrokenPromise("record \(lost) can't be read, and only this is said: \(report.damages)") }
        }
    }

    // MARK: Nothing is deleted

    /// The bytes before a recovery's first attempt count.
    mutating func noteBytes(of disk: SimulatedDisk) {
        if bytes != nil { return }
        bytes = disk.lasting.filter { $0.key.hasSuffix(JournalDirectory.segmentSuffix) }
        areBytesSettled = disk.isSettled
    }

    mutating func noteRot(_ disk: SimulatedDisk) { bytes = nil }

    /// Each byte that segments had before the recovery is where it was, or in the quarantine.
    func checkBytes(_ disk: SimulatedDisk) throws(BrokenPromise) {
        for (name, old) in bytes ?? [:] {
            let quarantine = disk.lasting.filter { $0.key.hasPrefix("\(JournalDirectory.quarantineName)/\(name).") }
            let whole = [disk.bytes(name) ?? []] + quarantine.filter { !$0.key.hasSuffix(".cut") }.values
            let kept = whole.map { Self.commonPrefix($0, old) }.max() ?? 0
            if kept == old.count { continue }
            let isCut = quarantine.contains { path, bytes in
                guard path.hasSuffix(".cut"), let start = Self.start(ofCut: path, name), start <= kept else { return false }
                return Array(old[start...]) == bytes
            }
            if !isCut { throw BrokenPromise("\(name) had \(old.count) bytes, those from \(kept) on are gone") }
        }
    }

    private static func start(ofCut path: String, _ name: String) -> Int? {
        path.dropFirst(JournalDirectory.quarantineName.count + name.count + 2).split(separator: ".").first.flatMap { Int($0) }
    }

    private static func commonPrefix(_ a: [UInt8], _ b: [UInt8]) -> Int {
        let count = min(a.count, b.count)
        if a.prefix(count).elementsEqual(b.prefix(count)) { return count }
        return zip(a, b).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? count
    }
}
