/// A sum that is the same whatever the order of adding: in units of 2^-48, of numbers up to 2^40 (larger ones count as that).
struct FixedSum: Sendable {
    private static let unit = 281_474_976_710_656.0  // 2^48
    private static let largest = 1_099_511_627_776.0  // 2^40
    private var units: Int128 = 0

    @inline(__always)
    mutating func add(_ value: Double) {
        let scaled = value * Self.unit
        // Nearly all scores are small enough for one machine word.
        if scaled.magnitude < 9.0e18 {
            units &+= Int128(Int64(scaled))
        } else {
            addLarge(value)
        }
    }

    private mutating func addLarge(_ value: Double) {
        guard !value.isNaN else { return }
        units += Int128((min(max(value, -Self.largest), Self.largest) * Self.unit).rounded())
    }

    mutating func add(_ other: FixedSum) { units += other.units }

    var value: Double { Double(units) / Self.unit }
}
