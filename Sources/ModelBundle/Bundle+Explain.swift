import Forest

/// Why a row scores as it does.
extension Bundle {
    /// Whether contributions can be computed: of weights always, of trees when the covers of their nodes are known.
    public var explains: Bool { explainer != nil || scoring.hasWeights }

    /// How much scratch memory `contributions` needs.
    public var explainerScratchByteCount: Int { explainer?.scratchByteCount ?? 0 }

    /// What each feature adds to each raw score: exact path-dependent TreeSHAP of trees; weight times value of weights.
    ///
    /// - Parameters:
    ///   - rows: `[rowCount, featureCount]` row-major, NaN where missing, already validated.
    ///   - contributions: `[rowCount, rawCount, featureCount + 1]`, the base (what a row scores that nothing is known of) last. A raw score
    ///     is the sum of its contributions.
    ///   - scratch: of at least `explainerScratchByteCount`; a thread's own.
    /// - Precondition: the bundle explains.
    public func contributions(
        _ rows: UnsafePointer<Float>, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        scratch: inout ExplainerScratch
    ) {
        unsafe scoring.contributions(rows, rowCount: rowCount, into: contributions, explainer, &scratch)
    }

    /// As for Float.
    public func contributions(
        _ rows: UnsafePointer<Double>, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        scratch: inout ExplainerScratch
    ) {
        unsafe scoring.contributions(rows, rowCount: rowCount, into: contributions, explainer, &scratch)
    }

    /// The raw score that the deciding output comes from: its own, or that of the class which an argmax named.
    ///
    /// - Parameter outputs: at least `[outputCount]`, one row's.
    public func decidingRaw(outputs: UnsafeBufferPointer<Double>) -> Int {
        rawCount == outputCount ? policy.decidingOutput : unsafe Int(outputs[0])
    }

    /// Contributions of whole rows, rounded to the bundle's precision: `[rowCount, rawCount, featureCount + 1]`.
    ///
    /// - Precondition: the bundle explains, and `rows` is a whole number of rows.
    public func contributions(rows: [Double]) -> [Double] {
        let rowCount = rows.count / featureCount
        precondition(rows.count == rowCount * featureCount, "\(rows.count) values are no rows of \(featureCount) features")
        var result = [Double](repeating: 0, count: rowCount * rawCount * (featureCount + 1))
        guard rowCount > 0 else { return result }
        let rounded = precision == .float32 ? rows.map { Double(Float($0)) } : rows
        var scratch = ExplainerScratch(byteCount: explainerScratchByteCount)
        unsafe rounded.withUnsafeBufferPointer { rows in
            unsafe result.withUnsafeMutableBufferPointer { result in
                // Safety: both have rowCount rows of the widths that `contributions` demands, none of which is zero.
                unsafe contributions(rows.baseAddress!, rowCount: rowCount, into: result.baseAddress!, scratch: &scratch)
            }
        }
        return result
    }

    /// The leaf that each row reaches in each tree, as the framework counts them: `[rowCount, treeCount]`.
    ///
    /// - Precondition: `rows` is a whole number of rows.
    public func leaves(rows: [Double]) -> [UInt32] {
        let rowCount = rows.count / featureCount
        precondition(rows.count == rowCount * featureCount, "\(rows.count) values are no rows of \(featureCount) features")
        var result = [UInt32](repeating: 0, count: rowCount * treeCount)
        guard rowCount > 0, treeCount > 0 else { return result }
        let rounded = precision == .float32 ? rows.map { Double(Float($0)) } : rows
        unsafe rounded.withUnsafeBufferPointer { rows in
            unsafe result.withUnsafeMutableBufferPointer { result in
                // Safety: as above.
                unsafe scoring.leaves(rows.baseAddress!, rowCount: rowCount, into: result.baseAddress!)
            }
        }
        return result
    }
}
