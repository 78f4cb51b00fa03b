/// What one thread of a backtest counts: whole numbers and sums that do not depend on the order of adding.
///
/// Safety: the counters are owned by this object, initialised to zero, and freed by deinit; outcomes are 1, 2 or 3.
@safe
final class BacktestTally {
    private static let dayNanoseconds: Int64 = 86_400_000_000_000
    /// Recorded approve, review, decline, then the challenger's.
    private static let dayWidth = 6

    let recorded: FineHistogram
    let challenger: FineHistogram
    /// In memory of its own, for a class's variables are guarded at every access.
    private let state = UnsafeMutablePointer<State>.allocate(capacity: 1)
    /// `[recorded, challenger]`, the outcomes' numbers less one.
    private let matrix = UnsafeMutablePointer<UInt64>.allocate(capacity: 9)
    private var days: [Int64: DayCounters] = [:]
    private(set) var hasTooManyDays = false

    /// What changes with every decision.
    @unsafe private struct State {
        var recordedSum = FixedSum()
        var challengerSum = FixedSum()
        var distanceSum = FixedSum()
        var dayStart = Int64.max
        /// The counters of the day that begins there.
        var today: UnsafeMutablePointer<UInt64>
    }

    var recordedSum: FixedSum { unsafe state.pointee.recordedSum }
    var challengerSum: FixedSum { unsafe state.pointee.challengerSum }
    var distanceSum: FixedSum { unsafe state.pointee.distanceSum }

    init(bits: Int) {
        recorded = FineHistogram(bits: bits)
        challenger = FineHistogram(bits: bits)
        unsafe matrix.initialize(repeating: 0, count: 9)
        unsafe state.initialize(to: State(today: matrix))
    }

    deinit {
        unsafe matrix.deallocate()
        unsafe state.deallocate()
    }

    @inline(__always)
    func add(_ score: Double, _ outcome: Int, challenger other: Double, _ otherOutcome: Int, timeNanoseconds: Int64) {
        recorded.add(score)
        challenger.add(other)
        unsafe state.pointee.recordedSum.add(score)
        unsafe state.pointee.challengerSum.add(other)
        unsafe state.pointee.distanceSum.add((other - score).magnitude)
        unsafe matrix[(outcome - 1) * 3 + otherOutcome - 1] &+= 1
        let dayStart = unsafe state.pointee.dayStart
        if timeNanoseconds < dayStart || timeNanoseconds &- dayStart >= Self.dayNanoseconds { turn(to: timeNanoseconds) }
        let today = unsafe state.pointee.today
        unsafe today[outcome - 1] &+= 1
        unsafe today[otherOutcome + 2] &+= 1
    }

    private func turn(to nanoseconds: Int64) {
        let day = nanoseconds >= 0 ? nanoseconds / Self.dayNanoseconds : (nanoseconds + 1) / Self.dayNanoseconds - 1
        unsafe state.pointee.dayStart = day &* Self.dayNanoseconds
        unsafe state.pointee.today = counters(ofDay: day)
    }

    private func counters(ofDay day: Int64) -> UnsafeMutablePointer<UInt64> {
        if let known = days[day] { return unsafe known.values }
        if days.count == ReplayLimits.dayCountMax { hasTooManyDays = true }
        let counters = DayCounters(count: Self.dayWidth)
        days[day] = counters
        return unsafe counters.values
    }

    func add(_ other: BacktestTally) {
        recorded.add(other.recorded)
        challenger.add(other.challenger)
        unsafe state.pointee.recordedSum.add(other.recordedSum)
        unsafe state.pointee.challengerSum.add(other.challengerSum)
        unsafe state.pointee.distanceSum.add(other.distanceSum)
        for index in 0..<9 { unsafe matrix[index] += other.matrix[index] }
        for (day, counters) in other.days {
            let own = unsafe self.counters(ofDay: day)
            for index in 0..<Self.dayWidth { unsafe own[index] += counters.values[index] }
        }
        hasTooManyDays = hasTooManyDays || other.hasTooManyDays
    }

    var count: Int { (0..<9).reduce(0) { unsafe $0 + Int(matrix[$1]) } }

    /// `[recorded][challenger]`
    var flips: [[Int]] { (0..<3).map { row in (0..<3).map { unsafe Int(matrix[row * 3 + $0]) } } }

    /// Ascending.
    var daily: [BacktestDay] {
        days.sorted { $0.key < $1.key }.map { day, own in
            let counters = unsafe own.values
            return BacktestDay(
                daysSince1970: day, recorded: (0..<3).map { unsafe Int(counters[$0]) },
                challenger: (3..<6).map { unsafe Int(counters[$0]) })
        }
    }
}

/// A day's counters.
///
/// Safety: owned, initialised to zero, freed by deinit.
@safe
private final class DayCounters {
    let values: UnsafeMutablePointer<UInt64>

    init(count: Int) {
        unsafe values = .allocate(capacity: count)
        unsafe values.initialize(repeating: 0, count: count)
    }

    deinit { unsafe values.deallocate() }
}
