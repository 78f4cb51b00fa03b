import Glibc

/// Counts of numbers in buckets of equal relative width, so that quantiles are known to a few percent of their value (of magnitudes from
/// 2^-30 to 2^18; what is smaller counts as zero, what is larger as 2^18). The same counts whatever the order of adding.
///
/// Safety: the buckets are owned by this object, initialised to zero, and freed by deinit; `index` is always one of them.
@safe
final class FineHistogram {
    private static let exponentMin = -30
    private static let exponentCount = 48

    /// Buckets between a power of two and the next: 2 to this.
    let bits: Int
    /// Buckets on each side of zero.
    private let sideCount: Int
    private let lowest: Int
    let counts: UnsafeMutableBufferPointer<UInt64>

    init(bits: Int) {
        self.bits = bits
        sideCount = Self.exponentCount << bits
        lowest = (1023 + Self.exponentMin) << bits
        unsafe counts = .allocate(capacity: 2 * sideCount + 2)
        unsafe counts.initialize(repeating: 0)
    }

    deinit { unsafe counts.deallocate() }

    /// The buckets in the order of their values; the last one is for NaN.
    private var nanIndex: Int { 2 * sideCount + 1 }

    @inline(__always)
    func add(_ value: Double) {
        unsafe counts[index(value)] &+= 1
    }

    @inline(__always)
    private func index(_ value: Double) -> Int {
        let magnitude = value.bitPattern & 0x7fff_ffff_ffff_ffff
        if magnitude > 0x7ff0_0000_0000_0000 { return nanIndex }
        let step = min(max(Int(magnitude >> UInt64(52 - bits)) - lowest + 1, 0), sideCount)
        return value.bitPattern >> 63 == 0 ? sideCount + step : sideCount - step
    }

    func add(_ other: FineHistogram) {
        precondition(other.bits == bits, "histograms of \(bits) and \(other.bits) bits")
        for index in unsafe counts.indices { unsafe counts[index] += other.counts[index] }
    }

    /// How many numbers, NaN left out.
    var total: UInt64 { unsafe counts.dropLast().reduce(0, +) }
    var nanCount: UInt64 { unsafe counts[nanIndex] }
    /// Buckets but that for NaN.
    var bucketCount: Int { 2 * sideCount + 1 }

    /// The values from … up to … that fall into a bucket.
    func range(_ index: Int) -> ClosedRange<Double> {
        let step = index - sideCount
        if step == 0 { return 0...0 }
        let low = edge(step.magnitude - 1)
        let high = edge(step.magnitude)
        return step > 0 ? low...high : -high ... -low
    }

    private func edge(_ step: UInt) -> Double { Double(bitPattern: UInt64(lowest + Int(step)) << UInt64(52 - bits)) }

    /// The value below which `share` (0 … 1) of the numbers are, NaN left out; nil when there are none.
    func quantile(_ share: Double) -> Double? {
        let total = self.total
        guard total > 0 else { return nil }
        let wanted = max(1, (share * Double(total)).rounded(.up))
        var below = 0.0
        for index in 0..<bucketCount {
            let count = unsafe Double(counts[index])
            if count > 0, below + count >= wanted {
                let bucket = range(index)
                return bucket.lowerBound + (bucket.upperBound - bucket.lowerBound) * (wanted - below) / count
            }
            below += count
        }
        return range(bucketCount - 1).upperBound
    }

    /// Numbers spread over `count` intervals of equal width; those outside go to the first or the last.
    func binned(_ bounds: ClosedRange<Double>, count: Int) -> [Double] {
        var bins = [Double](repeating: 0, count: count)
        let width = (bounds.upperBound - bounds.lowerBound) / Double(count)
        for index in 0..<bucketCount where unsafe counts[index] > 0 {
            let bucket = range(index)
            let first = place(bucket.lowerBound, bounds, width, count)
            let last = max(first, place(bucket.upperBound.nextDown, bounds, width, count))
            for bin in first...last {
                let from = max(bucket.lowerBound, bounds.lowerBound + Double(bin) * width)
                let to = min(bucket.upperBound, bounds.lowerBound + Double(bin + 1) * width)
                let size = bucket.upperBound - bucket.lowerBound
                let share = first == last ? 1 : size > 0 ? max(0, to - from) / size : 0
                bins[bin] += unsafe Double(counts[index]) * share
            }
        }
        return bins
    }

    private func place(_ value: Double, _ bounds: ClosedRange<Double>, _ width: Double, _ count: Int) -> Int {
        let place = (value - bounds.lowerBound) / width
        return place < 0 || width <= 0 ? 0 : place >= Double(count) ? count - 1 : Int(place)
    }
}

extension FineHistogram {
    /// The population stability index of `other` against this: over the tenths of this distribution, the sum of
    /// (q - p) ln(q / p) of the shares p here and q there. nil where one of them is empty.
    func stabilityIndex(of other: FineHistogram) -> Double? {
        precondition(other.bits == bits, "histograms of \(bits) and \(other.bits) bits")
        let (own, others) = (Double(total), Double(other.total))
        guard own > 0, others > 0 else { return nil }
        var sum = 0.0
        var (below, p, q) = (0.0, 0.0, 0.0)
        var tenth = 1.0
        for index in 0..<bucketCount {
            unsafe p += Double(counts[index])
            unsafe q += Double(other.counts[index])
            unsafe below += Double(counts[index])
            guard below >= own * tenth / 10, tenth < 10 else { continue }
            sum += Self.term(p / own, q / others)
            (p, q) = (0, 0)
            while tenth < 10, below >= own * tenth / 10 { tenth += 1 }
        }
        return sum + Self.term(p / own, q / others)
    }

    /// An empty share counts as a ten-thousandth, so that the index stays finite.
    private static func term(_ p: Double, _ q: Double) -> Double {
        if p == 0, q == 0 { return 0 }
        let (p, q) = (max(p, 1e-4), max(q, 1e-4))
        return (q - p) * log(q / p)
    }
}
