import Wire

/// Counts by segment, of one thread.
final class SegmentTally {
    private final class Group {
        let order: Int
        let tally = BacktestTally(bits: 4)
        init(order: Int) { self.order = order }
    }

    private let key: SegmentKey
    private let isNarrow: Bool
    private var groups: [String: Group] = [:]
    private(set) var hasTooMany = false

    init(_ key: SegmentKey, isNarrow: Bool) {
        self.key = key
        self.isNarrow = isNarrow
    }

    func add(
        _ record: borrowing AuditRecordView, _ row: UnsafeRawPointer, _ outcome: Int, challenger score: Double, _ other: Int
    ) {
        let (name, order) = unsafe key.group(record, row, isNarrow: isNarrow)
        group(name, order)?.tally.add(
            record.score, outcome, challenger: score, other, timeNanoseconds: record.timeNanoseconds)
    }

    private func group(_ name: String, _ order: Int) -> Group? {
        if let known = groups[name] { return known }
        guard groups.count < ReplayLimits.segmentCountMax else {
            hasTooMany = true
            return nil
        }
        let group = Group(order: order)
        groups[name] = group
        return group
    }

    func add(_ other: SegmentTally) {
        for (name, group) in other.groups { self.group(name, group.order)?.tally.add(group.tally) }
        hasTooMany = hasTooMany || other.hasTooMany
    }

    /// In the order of their values; those without one by size.
    var segments: [BacktestSegment] {
        let sorted = groups.sorted { a, b in
            (a.value.order, -a.value.tally.count, a.key) < (b.value.order, -b.value.tally.count, b.key)
        }
        return sorted.map { name, group in
            let tally = group.tally
            let flips = tally.flips
            return BacktestSegment(
                name: name, count: tally.count, recordedAlerts: tally.count - flips[0].reduce(0, +),
                challengerAlerts: tally.count - flips.reduce(0) { $0 + $1[0] },
                flipCount: tally.count - (0..<3).reduce(0) { $0 + flips[$1][$1] },
                recorded: ScoreDistribution(tally.recorded, sum: tally.recordedSum),
                challenger: ScoreDistribution(tally.challenger, sum: tally.challengerSum),
                stabilityIndex: tally.recorded.stabilityIndex(of: tally.challenger))
        }
    }
}

/// Expected costs, of one thread.
final class CostTally {
    private let matrix: CostMatrix
    private var sums = (FixedSum(), FixedSum(), FixedSum(), FixedSum())
    private var improbableCount = 0

    init(_ matrix: CostMatrix) { self.matrix = matrix }

    func add(_ score: Double, _ outcome: Int, challenger other: Double, _ otherOutcome: Int) {
        guard score >= 0, score <= 1, other >= 0, other <= 1 else {
            improbableCount += 1
            return
        }
        sums.0.add(matrix.expected(outcome, probability: score))
        sums.1.add(matrix.expected(otherOutcome, probability: score))
        sums.2.add(matrix.expected(outcome, probability: other))
        sums.3.add(matrix.expected(otherOutcome, probability: other))
    }

    func add(_ other: CostTally) {
        sums.0.add(other.sums.0)
        sums.1.add(other.sums.1)
        sums.2.add(other.sums.2)
        sums.3.add(other.sums.3)
        improbableCount += other.improbableCount
    }

    var costs: BacktestCosts {
        var costs = BacktestCosts(matrix: matrix)
        costs.recordedByRecorded = sums.0.value
        costs.challengerByRecorded = sums.1.value
        costs.recordedByChallenger = sums.2.value
        costs.challengerByChallenger = sums.3.value
        costs.improbableCount = improbableCount
        return costs
    }
}
