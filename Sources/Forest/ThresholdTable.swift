/// The distinct thresholds of each feature, ascending.
struct ThresholdTable {
    private(set) var values: [Double] = []
    /// For each feature the index after its last threshold.
    private(set) var ends: [Int] = []

    init(_ splits: [ForestPacker.PendingSplit], featureCount: Int) {
        var perFeature = [[Double]](repeating: [], count: featureCount)
        // Adding zero makes -0 and +0, which compare equal, the same.
        for split in splits { if case .threshold(let threshold) = split.test { perFeature[split.feature].append(threshold + 0) } }
        for thresholds in perFeature {
            var last: Double?
            for threshold in thresholds.sorted() where threshold != last {
                values.append(threshold)
                last = threshold
            }
            ends.append(values.count)
        }
    }

    /// The index of a threshold among its feature's.
    func index(of threshold: Double, feature: Int) -> Int {
        let start = feature == 0 ? 0 : ends[feature - 1]
        var low = start
        var high = ends[feature]
        while low < high {
            let middle = (low + high) / 2
            if values[middle] < threshold { low = middle + 1 } else { high = middle }
        }
        return low - start
    }
}
