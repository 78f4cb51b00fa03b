import Forest

extension BundleScoring {
    /// Contributions of rows: of trees by the explainer, else weight times value.
    func contributions<Value: BundleValue>(
        _ rows: UnsafePointer<Value>, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        _ explainer: Explainer?, _ scratch: inout ExplainerScratch
    ) {
        if let explainer, unsafe scaler == nil {
            return unsafe Value.explain(explainer, rows, rowCount: rowCount, into: contributions, &scratch)
        }
        let (featureCount, rawCount) = (shape.featureCount, shape.rawCount)
        unsafe withScaledRow { scaled in
            for row in 0..<rowCount {
                unsafe scale(rows + row * featureCount, into: scaled)
                let own = unsafe contributions + row * rawCount * (featureCount + 1)
                if let explainer {
                    unsafe explainer.contributions(scaled, rowCount: 1, into: own, scratch: &scratch)
                } else {
                    unsafe explainWeights(scaled, into: own)
                }
            }
        }
    }

    /// The leaves of rows: `[rowCount, treeCount]`.
    func leaves(_ rows: UnsafePointer<Double>, rowCount: Int, into leaves: UnsafeMutablePointer<UInt32>) {
        unsafe withScaledRow { scaled in
            for row in 0..<rowCount {
                unsafe scale(rows + row * shape.featureCount, into: scaled)
                unsafe scorer.leaves(scaled, rowCount: 1, into: leaves + row * shape.treeCount)
            }
        }
    }

    private func explainWeights(_ row: UnsafePointer<Double>, into contributions: UnsafeMutablePointer<Double>) {
        guard let weights = unsafe weights else { preconditionFailure("neither weights nor covers: `explains` was not asked") }
        let featureCount = shape.featureCount
        for output in 0..<shape.rawCount {
            let own = unsafe contributions + output * (featureCount + 1)
            for feature in 0..<featureCount {
                let value = unsafe row[feature]
                unsafe own[feature] = value.isNaN ? 0 : value * weights[output * featureCount + feature]
            }
            unsafe own[featureCount] = forest.baseMargins[output]
        }
    }
}
