import Forest

/// Rows that try the tests of a forest: values at, beside and between its thresholds, categories, and what is special about numbers.
public enum ProbeRows {
    /// `[count, featureCount]`, never infinite, representable in the precision.
    public static func rows(for forest: ForestView, precision: Precision, count: Int, seed: UInt64) -> [Double] {
        var random = SeededRandom(seed: seed)
        let categories = categories(forest)
        var rows: [Double] = []
        rows.reserveCapacity(count * forest.shape.featureCount)
        for _ in 0..<count {
            for feature in 0..<forest.shape.featureCount {
                let thresholds = forest.thresholdRange(ofFeature: feature)
                let value: Double
                switch Int.random(in: 0..<8, using: &random) {
                case 0: value = special[Int.random(in: 0..<special.count, using: &random)]
                case 1...3 where !(categories[feature] ?? []).isEmpty:
                    let own = categories[feature] ?? []
                    value = own[Int.random(in: 0..<own.count, using: &random)]
                case _ where !thresholds.isEmpty:
                    let threshold = forest.threshold(Int.random(in: thresholds, using: &random))
                    value = Bool.random(using: &random) ? threshold : precision.below(threshold)
                default: value = Double.random(in: -3...3, using: &random)
                }
                let rounded = precision.rounded(value)
                rows.append(rounded.isInfinite ? 0 : rounded)
            }
        }
        return rows
    }

    private static let special: [Double] = [
        .nan, 0, -0.0, 1, -1, 0.5, -0.5, 1e-35, 1e-36, -1e-45, 3e38, -3e38, 16_777_215, 16_777_216, 2_147_483_648,
    ]

    /// The first categories of each feature that has some, and what is beside them.
    private static func categories(_ forest: ForestView) -> [Int: [Double]] {
        var categories: [Int: [Double]] = [:]
        for index in 0..<forest.shape.categoryFeatureCount {
            let feature = forest.categoryFeatures[index]
            let first = Int(feature.firstCategory)
            for place in first..<(first + min(Int(feature.categoryCount), 32)) {
                let category = Double(forest.categories[place])
                categories[Int(feature.feature), default: []] += [category, category + 0.5, category + 1]
            }
        }
        return categories
    }
}

extension Precision {
    func rounded(_ value: Double) -> Double { self == .float32 ? Double(Float(value)) : value }
    func below(_ value: Double) -> Double { self == .float32 ? Double(Float(value).nextDown) : value.nextDown }
}

/// SplitMix64: the same numbers from the same seed on every machine.
public struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
