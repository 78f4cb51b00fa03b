import Forest

/// Scoring whole arrays, where allocations do not matter.
extension Bundle {
    /// Scores rows, rounded to the bundle's precision.
    ///
    /// - Parameter rows: `[rowCount, featureCount]` row-major, NaN where missing, valid as the schema says.
    /// - Returns: `[rowCount, rawCount]` and `[rowCount, outputCount]`.
    /// - Precondition: `rows` is a whole number of rows.
    public func score(rows: [Double]) -> (raw: [Double], outputs: [Double]) {
        let rowCount = rows.count / featureCount
        precondition(rows.count == rowCount * featureCount, "\(rows.count) values are no rows of \(featureCount) features")
        var raw = [Double](repeating: 0, count: rowCount * rawCount)
        var outputs = [Double](repeating: 0, count: rowCount * outputCount)
        guard rowCount > 0 else { return (raw, outputs) }
        let narrow = precision == .float32 ? rows.map(Float.init) : []
        unsafe raw.withUnsafeMutableBufferPointer { raw in
            unsafe outputs.withUnsafeMutableBufferPointer { outputs in
                // Safety: the arrays have rowCount rows of the widths that `score` demands, none of which is zero.
                if precision == .float32 {
                    unsafe narrow.withUnsafeBufferPointer { rows in
                        unsafe score(
                            rows.baseAddress!, rowCount: rowCount, raw: raw.baseAddress!, outputs: outputs.baseAddress!)
                    }
                } else {
                    unsafe rows.withUnsafeBufferPointer { rows in
                        unsafe score(
                            rows.baseAddress!, rowCount: rowCount, raw: raw.baseAddress!, outputs: outputs.baseAddress!)
                    }
                }
            }
        }
        return (raw, outputs)
    }
}
