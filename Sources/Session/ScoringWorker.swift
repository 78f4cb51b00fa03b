import Audit
import Decision
import Forest
import ModelBundle
import Platform
import Privacy
import Registry
import Wire

/// What the sessions of one loop share: memory, the worker's end of the audit trail, its reader of the published bundles, its counters.
///
/// Used by that loop's thread alone. A turn is what one read brought on one connection: `beginTurn` takes the current snapshot of the
/// registry and the time, `endTurn` gives the snapshot back.
@safe
public final class ScoringWorker {
    public let limits: SessionLimits
    public let services: any SessionServices
    public let counters = WorkerCounters()
    /// Takes what must not be answered on the loop. False: the queue is full.
    let submit: (ControlRequest) -> Bool

    let arena = MessageArena()
    // Safety: retained by init, released by deinit; nil: no decision has a record. Not managed, since reading an optional reference counts it
    // in and out, for every request.
    private let trail: Unmanaged<TrailEnd>?
    private let auditMode: AuditMode
    /// nil: personal data is not accepted.
    let keys: SubjectKeys?
    /// nil: no record ever is on disk.
    public let disk: DiskWait?
    /// What a request waits for that says nothing.
    let durability: WireDurability
    /// Bytes of replies that wait for the disk, on all connections; and the numbers of the first and the last of them.
    var heldByteCount = 0
    var lowestHeld: UInt64 = 0
    var highestHeld: UInt64 = 0
    /// This turn has held replies that the journal does not know of.
    var hasUnannounced = false
    private let reader: SnapshotReader
    private let slots: VersionSlots

    // Safety: valid between beginTurn and endTurn only, by the reader's promise.
    private(set) var snapshot: Unmanaged<RegistrySnapshot>?
    /// Counter slot of each entry of the snapshot of `slotsGeneration`.
    private var slotOfEntry: [Int] = []
    private var slotsGeneration = UInt64.max
    private(set) var turnStartNanoseconds: UInt64 = 0
    /// The monotonic clock as last read: at the turn's start, or by the last decision.
    private(set) var latestNanoseconds: UInt64 = 0
    /// What this turn answers arrived then or later.
    private var waitingSince: UInt64 = 0
    /// Unix time minus the monotonic clock, and when it was looked at.
    private var wallOffsetNanoseconds: Int64 = 0
    private var wallReadNanoseconds: UInt64 = 0
    /// How long a change of the machine's time may go unseen.
    private static let wallReadIntervalNanoseconds: UInt64 = 1_000_000

    let rows = RowScratch()
    // Safety: allocated by init, freed by deinit. One place for all decisions, since the fields are too many to be copied for each.
    let fields = UnsafeMutablePointer<DecisionFields>.allocate(capacity: 1)

    public init(
        limits: SessionLimits, services: any SessionServices, reader: SnapshotReader, producer: AuditProducer?,
        auditMode: AuditMode = .required, keys: SubjectKeys? = nil, disk: DiskWait? = nil,
        durability: WireDurability = .memory, slots: VersionSlots,
        submit: @escaping (ControlRequest) -> Bool
    ) {
        self.limits = limits
        self.services = services
        self.reader = reader
        precondition((producer == nil) == (auditMode == .off), "a trail has a producer, and audit \(auditMode.rawValue)")
        unsafe trail = producer.map { unsafe Unmanaged.passRetained(TrailEnd(producer: $0)) }
        self.auditMode = auditMode
        self.keys = keys
        self.disk = disk
        self.durability = durability
        self.slots = slots
        self.submit = submit
        unsafe fields.initialize(to: .empty)
    }

    deinit {
        unsafe trail?.release()
        unsafe fields.deinitialize(count: 1)
        unsafe fields.deallocate()
    }

    func beginTurn(waitingSince: UInt64? = nil) {
        turnStartNanoseconds = readClock()
        self.waitingSince = waitingSince ?? turnStartNanoseconds
        if turnStartNanoseconds &- wallReadNanoseconds >= Self.wallReadIntervalNanoseconds { readWall() }
        let entered = unsafe reader.enter()
        unsafe snapshot = entered
        unsafe entered._withUnsafeGuaranteedRef { current in
            if current.generation != slotsGeneration { learnSlots(current) }
        }
    }

    func endTurn() {
        unsafe snapshot = nil
        reader.leave()
    }

    /// Numbers for `count` records of at most `byteCountMax` bytes each: the first one. 0: there will be no records, as the operator chose;
    /// never where a record `isRequired`.
    func reserve(count: Int, byteCountMax: Int, isRequired: Bool) throws(Refusal) -> UInt64 {
        guard let trail = unsafe trail else { return 0 }
        let (largest, first) = unsafe trail._withUnsafeGuaranteedRef { end -> (Int, UInt64?) in
            let largest = end.producer.byteCountMax(count: count)
            return (largest, byteCountMax <= largest ? end.producer.reserve(count: count, byteCountMax: byteCountMax) : nil)
        }
        guard byteCountMax <= largest else {
            // A retry helps where there is no room now, not where there never is.
            throw count == 1 ? .transactionTooLarge(byteCount: byteCountMax) : .batchTooLarge(rowCount: count)
        }
        if let first { return first }
        guard auditMode == .drop, !isRequired else { throw .auditUnavailable }
        counters.countDropped(count)
        return 0
    }

    /// Appends the record with a number that `reserve` gave; `write` fills the room and returns how many bytes it took.
    @inline(__always)
    func record(_ sequence: UInt64, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        unsafe trail?._withUnsafeGuaranteedRef { end in unsafe end.producer.append(sequence: sequence, write) }
    }

    /// From here on what was recorded survives the process: only now may a reply leave.
    @inline(__always)
    func commitRecord() {
        unsafe trail?._withUnsafeGuaranteedRef { end in end.producer.commit() }
    }

    /// The worker's end of the trail, for many records at once.
    var producer: AuditProducer? { unsafe trail?.takeUnretainedValue().producer }

    func counterSlot(entry: Int) -> Int { slotOfEntry[entry] }

    /// Reads the monotonic clock.
    func readClock() -> UInt64 {
        latestNanoseconds = Clock.monotonicNanoseconds()
        return latestNanoseconds
    }

    /// How long what is answered now has waited at most.
    var queueNanoseconds: UInt64 { latestNanoseconds > waitingSince ? latestNanoseconds - waitingSince : 0 }

    /// Unix time at a time of the monotonic clock.
    func wallNanoseconds(at monotonic: UInt64) -> Int64 { wallOffsetNanoseconds &+ Int64(bitPattern: monotonic) }

    /// Once a millisecond, not once a turn: reading a clock costs as much as many a step of a decision.
    private func readWall() {
        wallReadNanoseconds = Clock.monotonicNanoseconds()
        wallOffsetNanoseconds = Clock.wallNanoseconds() &- Int64(bitPattern: wallReadNanoseconds)
    }

    /// Once a publication, not once a request.
    private func learnSlots(_ snapshot: RegistrySnapshot) {
        slotOfEntry = snapshot.entries.map { slots.slot(bundle: $0.name, version: $0.version) }
        slotsGeneration = snapshot.generation
    }
}

/// Holds a worker's end of the audit trail.
private final class TrailEnd {
    let producer: AuditProducer

    init(producer: AuditProducer) { self.producer = producer }
}

/// Rows of numbers on their way through a model; grows to the largest request seen and stays.
///
/// Safety: each buffer is owned by this object and freed by deinit; pointers handed out die at the next call that may grow it.
@safe
final class RowScratch {
    private(set) var features32 = UnsafeMutableBufferPointer<Float>.allocate(capacity: 256)
    private(set) var features64 = UnsafeMutableBufferPointer<Double>.allocate(capacity: 256)
    private(set) var raw = UnsafeMutableBufferPointer<Double>.allocate(capacity: 64)
    private(set) var outputs = UnsafeMutableBufferPointer<Double>.allocate(capacity: 64)
    /// A row's contributions to its raw scores.
    private(set) var contributions = UnsafeMutableBufferPointer<Double>.allocate(capacity: 0)
    var explaining = ExplainerScratch(byteCount: 0)

    deinit {
        unsafe features32.deallocate()
        unsafe features64.deallocate()
        unsafe raw.deallocate()
        unsafe outputs.deallocate()
        unsafe contributions.deallocate()
    }

    func reserve(featureCount: Int, rawCount: Int, outputCount: Int) {
        if featureCount > (unsafe features32.count) {
            unsafe features32 = Self.another(for: features32, featureCount)
            unsafe features64 = Self.another(for: features64, featureCount)
        }
        if rawCount > (unsafe raw.count) { unsafe raw = Self.another(for: raw, rawCount) }
        if outputCount > (unsafe outputs.count) { unsafe outputs = Self.another(for: outputs, outputCount) }
    }

    func reserve(contributionCount: Int, scratchByteCount: Int) {
        if scratchByteCount > explaining.byteCount { explaining = ExplainerScratch(byteCount: scratchByteCount) }
        if contributionCount > (unsafe contributions.count) {
            unsafe contributions = Self.another(for: contributions, contributionCount)
        }
    }

    /// A buffer of `count` in the place of a smaller one.
    private static func another<Element>(
        for buffer: UnsafeMutableBufferPointer<Element>, _ count: Int
    ) -> UnsafeMutableBufferPointer<Element> {
        unsafe buffer.deallocate()
        return .allocate(capacity: count)
    }
}
