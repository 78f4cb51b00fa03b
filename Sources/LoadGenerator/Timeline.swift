/// What one thread saw, tenth of a second by tenth of a second, by the time of the replies. A pure value.
struct TimelineTally {
    /// One interval with at least a reply or an error.
    struct Point: Sendable {
        var index: Int
        var decisions: UInt64 = 0
        var errors: UInt64 = 0
        var max: UInt64 = 0
        var latencies: [CompactHistogram.Entry] = []
    }

    /// From this interval on a bundle's decisions came from another version than before.
    struct VersionChange: Sendable, Equatable {
        var index: Int
        var bundle: Int
        var version: UInt32
    }

    private let startNanoseconds: UInt64
    let intervalNanoseconds: UInt64
    private(set) var points: [Point] = []
    private(set) var versionChanges: [VersionChange] = []

    private var current = Point(index: 0)
    private var currentEnd: UInt64
    private var histogram = CompactHistogram()
    /// By bundle; 0: none yet.
    private var versions: [UInt32]

    init(startNanoseconds: UInt64, intervalNanoseconds: UInt64, bundleCount: Int) {
        self.startNanoseconds = startNanoseconds
        self.intervalNanoseconds = intervalNanoseconds
        currentEnd = startNanoseconds &+ intervalNanoseconds
        versions = [UInt32](repeating: 0, count: bundleCount)
    }

    @inline(__always)
    mutating func take(elapsed: UInt64, decisions: Int, now: UInt64) {
        if now >= currentEnd { advance(now) }
        histogram.record(elapsed)
        current.decisions += UInt64(decisions)
        if elapsed > current.max { current.max = elapsed }
    }

    mutating func takeErrors(_ count: Int, now: UInt64) {
        if now >= currentEnd { advance(now) }
        current.errors += UInt64(count)
    }

    @inline(__always)
    mutating func take(version: UInt32, bundle: Int, now: UInt64) {
        if versions[bundle] != version { change(bundle, version, now) }
    }

    /// Closes the last interval.
    mutating func finish() { close() }

    private mutating func change(_ bundle: Int, _ version: UInt32, _ now: UInt64) {
        versions[bundle] = version
        let change = VersionChange(index: index(now), bundle: bundle, version: version)
        // Within an interval the last one counts: while a swap spreads over several workers, both versions answer for a moment.
        if let last = versionChanges.lastIndex(where: { $0.bundle == bundle }), versionChanges[last].index == change.index {
            versionChanges[last] = change
        } else if versionChanges.count < LoadLimits.versionChangeCountMax {
            versionChanges.append(change)
        }
    }

    private mutating func advance(_ now: UInt64) {
        close()
        current = Point(index: index(now))
        currentEnd = startNanoseconds &+ UInt64(current.index + 1) &* intervalNanoseconds
    }

    private func index(_ now: UInt64) -> Int {
        now <= startNanoseconds ? 0 : Int(min((now - startNanoseconds) / intervalNanoseconds, 1 << 40))
    }

    private mutating func close() {
        current.latencies = histogram.takeEntries()
        guard current.decisions > 0 || current.errors > 0, points.count < LoadLimits.timelinePointCountMax else { return }
        points.append(current)
    }
}

/// A run over time: what all threads saw.
struct Timeline: Sendable {
    struct Point: Sendable, Equatable {
        /// From the start of the run (with its warm-up) to the beginning of the interval.
        var seconds: Double
        var decisionsPerSecond: Double
        var errors: UInt64
        var p50: UInt64
        var p99: UInt64
        var p999: UInt64
        var max: UInt64
    }

    /// A moment worth a mark.
    struct Mark: Sendable, Equatable {
        var seconds: Double
        var text: String
    }

    var intervalSeconds = 0.1
    var points: [Point] = []
    /// Versions that began to answer while the run went on.
    var marks: [Mark] = []

    init() {}

    /// Adds up what threads saw. Intervals in which nothing came are there, too: a stall is to be seen.
    init(_ tallies: [TimelineTally], bundleNames: [String]) {
        guard let interval = tallies.first?.intervalNanoseconds else { return }
        intervalSeconds = Double(interval) / 1e9
        var byIndex: [Int: TimelineTally.Point] = [:]
        for tally in tallies {
            for point in tally.points {
                guard var known = byIndex[point.index] else {
                    byIndex[point.index] = point
                    continue
                }
                known.decisions += point.decisions
                known.errors += point.errors
                known.max = max(known.max, point.max)
                var histogram = CompactHistogram()
                histogram.add(known.latencies)
                histogram.add(point.latencies)
                known.latencies = histogram.takeEntries()
                byIndex[point.index] = known
            }
        }
        let last = byIndex.keys.max() ?? -1
        guard last < LoadLimits.timelinePointCountMax else { return }
        points = (0..<(last + 1)).map { point($0, byIndex[$0] ?? TimelineTally.Point(index: $0)) }
        marks = marks(tallies.flatMap(\.versionChanges), bundleNames)
    }

    private func point(_ index: Int, _ point: TimelineTally.Point) -> Point {
        Point(
            seconds: Double(index) * intervalSeconds, decisionsPerSecond: Double(point.decisions) / intervalSeconds,
            errors: point.errors, p50: point.latencies.value(atPercentile: 50), p99: point.latencies.value(atPercentile: 99),
            p999: point.latencies.value(atPercentile: 99.9), max: point.max)
    }

    private func marks(_ changes: [TimelineTally.VersionChange], _ bundleNames: [String]) -> [Mark] {
        var marks: [Mark] = []
        for (bundle, name) in bundleNames.enumerated() {
            var version: UInt32?
            for change in changes.filter({ $0.bundle == bundle }).sorted(by: { $0.index < $1.index }) {
                defer { version = change.version }
                // The first version is no change; other threads tell the same change.
                guard let version, version != change.version else { continue }
                let text = bundleNames.count > 1 ? "\(name) \(change.version)" : "version \(change.version)"
                marks.append(Mark(seconds: Double(change.index) * intervalSeconds, text: text))
            }
        }
        return marks.sorted { $0.seconds < $1.seconds }
    }
}
