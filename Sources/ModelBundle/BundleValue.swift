import Forest

/// What features travel in: Float or Double.
protocol BundleValue: BinaryFloatingPoint, BitwiseCopyable {
    static func score(
        _ scoring: BundleScoring, _ rows: UnsafePointer<Self>, rowCount: Int, raw: UnsafeMutablePointer<Double>,
        outputs: UnsafeMutablePointer<Double>)

    static func explain(
        _ explainer: Explainer, _ rows: UnsafePointer<Self>, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        _ scratch: inout ExplainerScratch)
}

extension Float: BundleValue {
    static func score(
        _ scoring: BundleScoring, _ rows: UnsafePointer<Float>, rowCount: Int, raw: UnsafeMutablePointer<Double>,
        outputs: UnsafeMutablePointer<Double>
    ) {
        unsafe scoring.score(rows, rowCount: rowCount, raw: raw, outputs: outputs)
    }

    static func explain(
        _ explainer: Explainer, _ rows: UnsafePointer<Float>, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        _ scratch: inout ExplainerScratch
    ) {
        unsafe explainer.contributions(rows, rowCount: rowCount, into: contributions, scratch: &scratch)
    }
}

extension Double: BundleValue {
    static func score(
        _ scoring: BundleScoring, _ rows: UnsafePointer<Double>, rowCount: Int, raw: UnsafeMutablePointer<Double>,
        outputs: UnsafeMutablePointer<Double>
    ) {
        unsafe scoring.score(rows, rowCount: rowCount, raw: raw, outputs: outputs)
    }

    static func explain(
        _ explainer: Explainer, _ rows: UnsafePointer<Double>, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        _ scratch: inout ExplainerScratch
    ) {
        unsafe explainer.contributions(rows, rowCount: rowCount, into: contributions, scratch: &scratch)
    }
}
