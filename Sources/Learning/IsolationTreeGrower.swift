/// Grows one tree, parents before children, left before right: the order in which random numbers are drawn is part of the
/// definition.
struct IsolationTreeGrower {
    private let rows: [Float]
    private let featureCount: Int
    /// What the tree may split by; reordered by the draws.
    private var features: [Int]
    private var random: Xoshiro256
    private var tree = IsolationTree()
    /// The rows of the sample, those of a node side by side.
    private var sample: [Int] = []
    private var depthMax = 0

    init(rows: [Float], featureCount: Int, features: [Int], random: Xoshiro256) {
        self.rows = rows
        self.featureCount = featureCount
        self.features = features
        self.random = random
    }

    mutating func grow(_ sample: [Int]) -> IsolationTree {
        self.sample = sample
        // ceil(log2(samples))
        depthMax = Int.bitWidth - (max(sample.count, 2) - 1).leadingZeroBitCount
        _ = grow(0..<sample.count, depth: 0)
        return tree
    }

    /// Grows the node of some rows and what is below it; at most 16 levels.
    private mutating func grow(_ some: Range<Int>, depth: Int) -> Int {
        let node = tree.append(rowCount: some.count, depth: depth)
        guard some.count > 1, depth < depthMax, let (feature, values) = drawFeature(some) else { return node }
        let threshold = drawThreshold(values)
        let middle = partition(some, feature: feature, threshold: threshold)
        let left = grow(some.lowerBound..<middle, depth: depth + 1)
        let right = grow(middle..<some.upperBound, depth: depth + 1)
        tree.split(node, feature: feature, threshold: threshold, left: left, right: right)
        return node
    }

    /// A feature, each as likely, that is not the same in all rows; nil if there is none.
    private mutating func drawFeature(_ some: Range<Int>) -> (feature: Int, values: ClosedRange<Float>)? {
        for drawn in features.indices {
            features.swapAt(drawn, drawn + random.below(features.count - drawn))
            let feature = features[drawn]
            let values = valueRange(some, feature: feature)
            if values.lowerBound < values.upperBound { return (feature, values) }
        }
        return nil
    }

    private func valueRange(_ some: Range<Int>, feature: Int) -> ClosedRange<Float> {
        var least = Float.infinity
        var greatest = -Float.infinity
        for index in some {
            let value = rows[sample[index] * featureCount + feature]
            least = min(least, value)
            greatest = max(greatest, value)
        }
        return least...greatest
    }

    /// A number t drawn evenly from the least value on, below the greatest; as "x <= t goes left" it becomes the least float
    /// above t, which is above the least value and at most the greatest: no side stays empty.
    private mutating func drawThreshold(_ values: ClosedRange<Float>) -> Float {
        let (least, greatest) = (Double(values.lowerBound), Double(values.upperBound))
        var drawn = least + random.unit() * (greatest - least)
        if drawn >= greatest { drawn = least }
        let rounded = Float(drawn)
        return Double(rounded) > drawn ? rounded : rounded.nextUp
    }

    /// Puts the rows below the threshold first; returns where the others begin.
    private mutating func partition(_ some: Range<Int>, feature: Int, threshold: Float) -> Int {
        var middle = some.lowerBound
        for index in some where rows[sample[index] * featureCount + feature] < threshold {
            sample.swapAt(index, middle)
            middle += 1
        }
        return middle
    }
}
