import Decision
import Forest
import ModelBundle
import Platform
import Wire

extension Session {
    /// The features that moved the deciding raw score most, either way, the strongest first.
    func reasons(
        _ count: Int, _ features: FeatureRows, _ bundle: Bundle, _ rows: RowScratch
    ) throws(Refusal) -> [ContributionFields] {
        guard bundle.explains else { throw .explainUnsupported }
        let width = bundle.featureCount + 1
        rows.reserve(contributionCount: bundle.rawCount * width, scratchByteCount: bundle.explainerScratchByteCount)
        // Safety: the buffer was made long enough, one line above.
        unsafe features.contributions(
            of: bundle, rowCount: 1, into: rows.contributions.baseAddress!, scratch: &rows.explaining)
        let deciding = unsafe bundle.decidingRaw(outputs: UnsafeBufferPointer(rows.outputs))
        let shares = unsafe UnsafeBufferPointer(rebasing: rows.contributions[deciding * width..<(deciding + 1) * width - 1])
        var chosen = [UInt32](repeating: 0, count: count)
        var span = chosen.mutableSpan
        let found = unsafe Explainer.topReasons(shares.span, into: &span)
        return chosen[..<found].map { index in
            let feature = Int(index)
            let description = bundle.schema.features[feature]
            return unsafe ContributionFields(
                feature: description.name, value: features.value(feature), contribution: shares[feature], text: description.reason
            )
        }
    }
}
