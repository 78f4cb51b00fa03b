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
    /// The segments' bytes before the recovery that is under way, and whether the medium had them all.
    private var bytes: [String: [UInt8]]?
    private var areBytesSettled = false

    mutating func give(_ first: UInt64, count: Int) {
        if first <= highestGiven { givenTwice = first }
        highestGiven = first + UInt64(count) - 1
    }

    mutating func commit(_ sequences: [UInt64]) { committed += sequences }

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
    }

    /// After a recovery: what is there now is durable.
    mutating func settle(_ contents: JournalBytes.Contents) {
        durable.formUnion(contents.records.map(\.sequence))
        committed = []
        bytes = nil
    }

    // MARK: Checking

    mutating func check(identity: JournalIdentity) throws(BrokenPromise) {
        if let known = self.identity, known != identity { throw BrokenPromise("the journal has another identity") }
        self.identity = identity
    }

    func check(_ contents: JournalBytes.Contents) throws(BrokenPromise) {
        if let givenTwice { throw BrokenPromise("number \(givenTwice) was given twice") }
        if !hasRotted, let damage = contents.report.damages.first { throw BrokenPromise("the journal is damaged: \(damage)") }
        let found = Set(contents.records.map(\.sequence))
        if found.count != contents.records.count { throw BrokenPromise("a record is in the journal twice") }
        if let lost = durable.subtracting(found).min() { throw BrokenPromise("record \(lost), acknowledged as durable, is lost") }
        if let lost = committed.first(where: { !found.contains($0) }) {
            throw BrokenPromise("record \(lost), committed and without a power cut, is lost")
        }
        if hasRotted { return }
        for lost in perhapsLost.subtracting(found) {
            let range = contents.report.voids.first { $0.first <= lost && lost <= $0.last }
            if range?.cause != .memoryLost { throw BrokenPromise("record \(lost) is lost and the journal says \(range as Any)") }
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
