import Synchronization
import Wire

/// What one worker counts: written by its thread alone, read by any.
///
/// Plain loads and stores would do on the writer's side; relaxed atomics cost the same there and make the readers' side defined.
@safe
public final class WorkerCounters: @unchecked Sendable {
    /// Upper bounds of the buckets of the score duration, in nanoseconds; a last bucket takes the rest.
    public static let durationBoundsNanoseconds: [UInt64] = [
        1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
        25_000_000,
        50_000_000, 100_000_000,
    ]
    /// Distinct versions whose decisions are counted apart; those of later ones go to slot 0, which belongs to no version.
    public static let versionSlotCount = 4096

    private static let statusCount = Status.allCases.count
    private static let methodCount = Method.allCases.count
    private static let requestCells = methodCount * statusCount
    private static let durationStart = requestCells
    private static let durationCells = durationBoundsNanoseconds.count + 2
    private static let decisionStart = durationStart + durationCells
    private static let decisionCells = versionSlotCount * 4
    private static let badFrameStart = decisionStart + decisionCells
    private static let droppedStart = badFrameStart + 1
    private static let heldStart = droppedStart + 1
    private static let cellCount = heldStart + 1

    // Safety: allocated here, freed by deinit; every index is computed from the constants above and checked by `cell`.
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    public init() {
        unsafe cells = .allocate(capacity: Self.cellCount)
        for index in 0..<Self.cellCount { unsafe (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe cells.deinitialize(count: Self.cellCount)
        unsafe cells.deallocate()
    }

    @inline(__always)
    private func add(_ index: Int, _ amount: UInt64) {
        precondition(index >= 0 && index < Self.cellCount)
        // Single writer: no read-modify-write is needed. Partner: the relaxed loads of `value`.
        let cell = unsafe cells + index
        unsafe cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    private func value(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < Self.cellCount)
        return unsafe cells[index].load(ordering: .relaxed)
    }

    // MARK: Writing (the worker's thread)

    public func countRequest(_ method: Method, _ status: Status) {
        add(method.position * Self.statusCount + Int(status.rawValue), 1)
    }

    func countDecision(slot: Int, outcome: WireOutcome, count: UInt64 = 1) {
        add(Self.decisionStart + slot * 4 + Int(outcome.rawValue), count)
    }

    func countDuration(nanoseconds: UInt64) {
        var bucket = 0
        while bucket < Self.durationBoundsNanoseconds.count, nanoseconds > Self.durationBoundsNanoseconds[bucket] { bucket += 1 }
        add(Self.durationStart + bucket, 1)
        add(Self.durationStart + Self.durationCells - 1, nanoseconds)
    }

    func countBadFrame() { add(Self.badFrameStart, 1) }

    /// Replies held from now on, or (negative) no longer.
    func countHeld(_ change: Int) { add(Self.heldStart, UInt64(bitPattern: Int64(change))) }

    func countDropped(_ count: Int) { add(Self.droppedStart, UInt64(count)) }

    // MARK: Reading (any thread)

    public func requests(_ method: Method, _ status: Status) -> UInt64 {
        value(method.position * Self.statusCount + Int(status.rawValue))
    }

    /// Decisions of the version at `slot` of the ``VersionSlots``.
    public func decisions(slot: Int, outcome: WireOutcome) -> UInt64 {
        value(Self.decisionStart + slot * 4 + Int(outcome.rawValue))
    }

    /// Score requests by duration: one count a bucket (not cumulative), the last above all bounds.
    public var durationCounts: [UInt64] {
        (0...Self.durationBoundsNanoseconds.count).map { value(Self.durationStart + $0) }
    }
    public var durationSumNanoseconds: UInt64 { value(Self.durationStart + Self.durationCells - 1) }
    public var badFrames: UInt64 { value(Self.badFrameStart) }
    /// Replies that wait for the disk now.
    public var held: UInt64 { value(Self.heldStart) }
    /// Decisions that went without a record because the trail took none.
    public var dropped: UInt64 { value(Self.droppedStart) }
}

extension Method {
    /// Dense number, in declaration order.
    var position: Int {
        switch self {
        case .score: 0
        case .scoreBatch: 1
        case .hello: 2
        case .health: 3
        case .getDecision: 4
        case .listModels: 5
        case .describeModel: 6
        case .fetchBundle: 7
        case .stats: 8
        case .setAlias: 9
        case .rollback: 10
        }
    }
}

/// Which counter slot belongs to which version of which bundle, for all workers and the life of the process.
public final class VersionSlots: Sendable {
    public struct Key: Hashable, Sendable {
        public let bundle: String
        public let version: UInt32
    }

    private let slots = Mutex<[Key: Int]>([:])

    public init() {}

    /// The slot of a version, a new one on first sight; 0 when all are taken.
    func slot(bundle: String, version: UInt32) -> Int {
        slots.withLock { slots in
            let key = Key(bundle: bundle, version: version)
            if let known = slots[key] { return known }
            guard slots.count + 1 < WorkerCounters.versionSlotCount else { return 0 }
            slots[key] = slots.count + 1
            return slots.count
        }
    }

    public var all: [(key: Key, slot: Int)] {
        slots.withLock { slots in slots.map { (key: $0.key, slot: $0.value) } }
    }
}
