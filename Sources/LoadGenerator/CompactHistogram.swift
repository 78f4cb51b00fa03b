/// Counts of latencies in buckets that are 1.6 % wide: small enough to keep one for every tenth of a second of a run.
struct CompactHistogram {
    /// Below 128 ns a bucket is one nanosecond, above 64 buckets share each power of two.
    static let bucketCount = bucket(of: latencyNanosecondsMax) + 1

    static func bucket(of nanoseconds: UInt64) -> Int {
        guard nanoseconds >= 128 else { return Int(nanoseconds) }
        let shift = 57 - nanoseconds.leadingZeroBitCount
        return shift << 6 + Int(nanoseconds >> UInt64(shift))
    }

    /// The middle of a bucket, in nanoseconds.
    static func value(ofBucket bucket: Int) -> UInt64 {
        guard bucket >= 128 else { return UInt64(bucket) }
        let shift = UInt64(bucket >> 6 - 1)
        return UInt64(bucket & 63 + 64) << shift + (1 << shift) >> 1
    }

    /// A bucket that is not empty.
    struct Entry: Sendable, Equatable {
        var bucket: UInt16
        var count: UInt32
    }

    private var counts = [UInt32](repeating: 0, count: bucketCount)

    @inline(__always)
    mutating func record(_ nanoseconds: UInt64) {
        counts[Self.bucket(of: nanoseconds)] += 1
    }

    /// Adds what another thread counted.
    mutating func add(_ entries: [Entry]) {
        for entry in entries { counts[Int(entry.bucket)] += entry.count }
    }

    /// The buckets that are not empty, which are emptied.
    mutating func takeEntries() -> [Entry] {
        var entries: [Entry] = []
        for bucket in counts.indices where counts[bucket] > 0 {
            entries.append(Entry(bucket: UInt16(bucket), count: counts[bucket]))
            counts[bucket] = 0
        }
        return entries
    }
}

extension [CompactHistogram.Entry] {
    /// The value below or at which `percent` of all lie, in nanoseconds; 0 when there is none.
    func value(atPercentile percent: Double) -> UInt64 {
        let total = reduce(0) { $0 + UInt64($1.count) }
        guard total > 0 else { return 0 }
        let wanted = Swift.max(1, (Double(total) * percent / 100).rounded(.up))
        var seen: UInt64 = 0
        for entry in self {
            seen += UInt64(entry.count)
            if Double(seen) >= wanted { return CompactHistogram.value(ofBucket: Int(entry.bucket)) }
        }
        return CompactHistogram.value(ofBucket: Int(self[count - 1].bucket))
    }
}
