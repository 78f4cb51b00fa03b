import Platform

/// How much of the journal is kept; nil: all of it.
public struct RetentionLimits: Sendable, Equatable {
    public var nanoseconds: Int64?
    public var byteCount: Int?

    public init(nanoseconds: Int64? = nil, byteCount: Int? = nil) {
        self.nanoseconds = nanoseconds
        self.byteCount = byteCount
    }

    var isOff: Bool { nanoseconds == nil && byteCount == nil }
}

/// What retention has done and what it found when it last looked.
public struct RetentionStatus: Sendable, Equatable {
    /// The first number that the journal still has.
    public var firstSequence: UInt64 = 1
    public var segmentCount = 0
    public var byteCount = 0
    /// Since the trail was opened.
    public var retiredSegmentCount: UInt64 = 0
    public var retiredByteCount = 0
    /// Segments are over the limits and are kept, because PostgreSQL hasn't confirmed them.
    public var isBlocked = false
}

/// A segment as retention sees it.
struct SegmentFacts: Equatable {
    let firstSequence: UInt64
    let byteCount: Int
    /// When the next segment was begun, with its predecessor's hash; nil: this one is being written.
    let end: End?

    struct End: Equatable {
        let timeNanoseconds: Int64
        let nextSequence: UInt64
        let hash: SHA256Digest
    }

    /// Whether all its numbers are smaller.
    func ends(before sequence: UInt64) -> Bool { end.map { $0.nextSequence <= sequence } ?? false }
}

/// Decides which segments go: whole ones, oldest first, closed, confirmed.
struct RetentionPlan: Equatable {
    /// How many of the oldest segments go.
    let count: Int
    /// More would go if the sink had confirmed them.
    let isBlocked: Bool

    /// - Parameter confirmed: the last number that every sink has; nil: not known.
    init(_ segments: [SegmentFacts], limits: RetentionLimits, now: Int64, confirmed: UInt64?) {
        var rest = segments.reduce(0) { $0 + $1.byteCount }
        var count = 0
        var isBlocked = false
        for segment in segments {
            guard let end = segment.end else { break }
            let isOld = limits.nanoseconds.map { end.timeNanoseconds < now - $0 } ?? false
            let isOver = limits.byteCount.map { rest > $0 } ?? false
            guard isOld || isOver else { break }
            guard let confirmed, confirmed >= end.nextSequence - 1 else {
                isBlocked = true
                break
            }
            rest -= segment.byteCount
            count += 1
        }
        self.count = count
        self.isBlocked = isBlocked
    }
}

extension SegmentFacts {
    /// All segments, ascending. The last one, and one before a header that can't be read, count as being written.
    static func all(_ storage: any JournalStorage) throws(SystemError) -> [SegmentFacts] {
        let numbers = try JournalDirectory.segments(storage)
        var facts: [SegmentFacts] = []
        for (index, first) in numbers.enumerated() {
            let file = try storage.openForReading(JournalDirectory.segmentName(first))
            var end: End?
            if index + 1 < numbers.count {
                let next = try storage.openForReading(JournalDirectory.segmentName(numbers[index + 1]))
                end = try SegmentCursor(next).segmentHeader().map {
                    End(timeNanoseconds: $0.timeNanoseconds, nextSequence: numbers[index + 1], hash: $0.previousHash)
                }
            }
            facts.append(SegmentFacts(firstSequence: first, byteCount: try file.byteCount(), end: end))
        }
        return facts
    }
}
