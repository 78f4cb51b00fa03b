/// All requests of a run, by kind, and the order in which the kinds take their turn.
struct RequestMix: Sendable {
    /// What the reader of replies must know of a kind; plain numbers, so that reading one touches no reference count.
    struct Shape: Sendable {
        var rowsPerRequest: Int
        var rowCount: Int
    }

    let parts: [PreparedRequests]
    let shapes: [Shape]
    /// Which kind the next request is of, round and round: each as often as its weight says, shuffled by the seed.
    let order: [UInt16]

    init(_ parts: [PreparedRequests], weights: [Double] = [1], seed: UInt64 = 1) {
        self.parts = parts
        shapes = parts.map { Shape(rowsPerRequest: $0.rowsPerItem, rowCount: $0.rowCount) }
        order = parts.count == 1 ? [0] : Self.shuffled(weights, seed: seed)
    }

    var frameByteCountMax: Int { parts.map(\.frameByteCountMax).max() ?? 0 }

    /// As many places as weights say, exactly: what rounding leaves over goes to the largest remainders; none is left out.
    private static func shuffled(_ weights: [Double], seed: UInt64) -> [UInt16] {
        let total = weights.reduce(0, +)
        let wanted = weights.map { $0 / total * Double(LoadLimits.orderCount) }
        var counts = wanted.map { max(1, Int($0)) }
        let byRemainder = wanted.indices.sorted { wanted[$0] - Double(counts[$0]) > wanted[$1] - Double(counts[$1]) }
        let left = max(0, LoadLimits.orderCount - counts.reduce(0, +))
        for place in 0..<left { counts[byRemainder[place % byRemainder.count]] += 1 }
        var generator = SplitMix(seed: seed)
        return counts.indices.flatMap { [UInt16](repeating: UInt16($0), count: counts[$0]) }.shuffled(using: &generator)
    }
}
