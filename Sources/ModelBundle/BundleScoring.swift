import Forest

/// What a bundle computes: scaler, weights or trees, transform.
@safe struct BundleScoring: @unchecked Sendable {
    let scorer: ForestScorer
    // Safety: borrowed from the mapping that the bundle owns; `[rawCount, featureCount]` and `[2, featureCount]`, checked at admission.
    let weights: UnsafePointer<Double>?
    let scaler: UnsafePointer<Double>?

    var forest: ForestView { scorer.view }
    var shape: ForestShape { forest.shape }
    var hasWeights: Bool { unsafe weights != nil }

    /// The measure of a row's cost.
    var stepsPerRow: Int {
        forest.stepsPerRow + (unsafe weights == nil ? 0 : shape.rawCount * shape.featureCount) + shape.slotCount
    }

    init(_ scorer: ForestScorer, weights: UnsafePointer<Double>?, scaler: UnsafePointer<Double>?) {
        self.scorer = scorer
        unsafe self.weights = weights
        unsafe self.scaler = scaler
    }

    @inline(__always)
    func score(
        _ rows: UnsafePointer<Float>, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        if unsafe weights == nil && scaler == nil {
            unsafe scorer.score(rows, rowCount: rowCount, raw: raw, outputs: outputs)
        } else {
            unsafe scorePrepared(rows, rowCount, raw, outputs)
        }
    }

    @inline(__always)
    func score(
        _ rows: UnsafePointer<Double>, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        if unsafe weights == nil && scaler == nil {
            unsafe scorer.score(rows, rowCount: rowCount, raw: raw, outputs: outputs)
        } else {
            unsafe scorePrepared(rows, rowCount, raw, outputs)
        }
    }

    /// One row after another through the scaler; a row of up to 128 features needs no allocation.
    @inline(never)
    private func scorePrepared<Value: BundleValue>(
        _ rows: UnsafePointer<Value>, _ rowCount: Int, _ raw: UnsafeMutablePointer<Double>,
        _ outputs: UnsafeMutablePointer<Double>
    ) {
        let featureCount = shape.featureCount
        unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: featureCount) { scaled in
            // Safety: a bundle has at least one feature.
            let scaled = scaled.baseAddress!
            for row in 0..<rowCount {
                unsafe scale(rows + row * featureCount, into: scaled)
                unsafe scoreScaled(scaled, raw + row * shape.rawCount, outputs + row * shape.outputCount)
            }
        }
    }

    /// Memory for one row.
    func withScaledRow(_ body: (UnsafeMutablePointer<Double>) -> Void) {
        unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: shape.featureCount) { scaled in
            // Safety: a bundle has at least one feature.
            unsafe body(scaled.baseAddress!)
        }
    }

    func scale<Value: BundleValue>(_ row: UnsafePointer<Value>, into scaled: UnsafeMutablePointer<Double>) {
        for feature in 0..<shape.featureCount {
            var value = unsafe Double(row[feature])
            if let scaler = unsafe scaler { unsafe value = (value - scaler[feature]) / scaler[shape.featureCount + feature] }
            unsafe scaled[feature] = value.rounded(to: shape.featurePrecision)
        }
    }

    private func scoreScaled(
        _ row: UnsafePointer<Double>, _ raw: UnsafeMutablePointer<Double>, _ outputs: UnsafeMutablePointer<Double>
    ) {
        guard let weights = unsafe weights else {
            return unsafe scorer.score(row, rowCount: 1, raw: raw, outputs: outputs)
        }
        for output in 0..<shape.rawCount {
            let own = unsafe weights + output * shape.featureCount
            unsafe raw[output] =
                shape.sumPrecision == .float32
                ? Double(sum32(row, own, forest.baseMargins[output])) : sum64(row, own, forest.baseMargins[output])
        }
        unsafe shape.transform.apply(raw, rawCount: shape.rawCount, outputs, precision: shape.sumPrecision)
    }

    private func sum32(_ row: UnsafePointer<Double>, _ weights: UnsafePointer<Double>, _ base: Double) -> Float {
        var sum = Float(base)
        for feature in 0..<shape.featureCount where unsafe !row[feature].isNaN {
            sum += unsafe Float(row[feature]) * Float(weights[feature])
        }
        return sum
    }

    private func sum64(_ row: UnsafePointer<Double>, _ weights: UnsafePointer<Double>, _ base: Double) -> Double {
        var sum = base
        for feature in 0..<shape.featureCount where unsafe !row[feature].isNaN { sum += unsafe row[feature] * weights[feature] }
        return sum
    }
}
