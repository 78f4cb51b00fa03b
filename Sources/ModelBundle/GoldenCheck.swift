import Forest

/// Scores golden rows and compares every result with its reference, bit for bit.
struct GoldenCheck {
    let view: ForestView

    /// Refuses what would keep admission busy for long.
    func checkCost(rowCount: Int) throws(BundleError) {
        guard rowCount <= BundleLimits.goldenRowCountMax else {
            throw .goldenTooMany(rows: rowCount, limit: BundleLimits.goldenRowCountMax)
        }
        let steps = rowCount * max(view.stepsPerRow, 1)
        guard steps <= BundleLimits.goldenStepCountMax else {
            throw .goldenTooCostly(steps: steps, limit: BundleLimits.goldenStepCountMax)
        }
    }

    /// Scores `rows`, `[rowCount, featureCount]`, and returns raw scores and outputs.
    func score(_ rows: UnsafeBufferPointer<Float>, rowCount: Int) throws(BundleError) -> (raw: [Float], outputs: [Float]) {
        let featureCount = view.shape.featureCount
        for index in rows.indices where unsafe rows[index].isInfinite {
            throw .goldenRowInfinite(row: index / featureCount, feature: index % featureCount)
        }
        var raw = [Float](repeating: 0, count: rowCount * view.shape.rawCount)
        var outputs = [Float](repeating: 0, count: rowCount * view.shape.outputCount)
        guard rowCount > 0 else { return (raw, outputs) }
        unsafe raw.withUnsafeMutableBufferPointer { raw in
            unsafe outputs.withUnsafeMutableBufferPointer { outputs in
                // Safety: the three buffers have rowCount rows of the widths that the shape says.
                unsafe view.scoreBatch(
                    rows.baseAddress!, rowCount: rowCount, raw: raw.baseAddress!, outputs: outputs.baseAddress!)
            }
        }
        return (raw, outputs)
    }

    static func compare(
        _ actual: [Float], _ expected: some RandomAccessCollection<Float>, width: Int, _ column: BundleError.GoldenColumn
    ) throws(BundleError) {
        for (index, pair) in zip(actual, expected).enumerated() where pair.0.bitPattern != pair.1.bitPattern {
            throw .goldenMismatch(
                row: index / width, output: index % width, column, expectedBits: pair.1.bitPattern, actualBits: pair.0.bitPattern)
        }
    }
}

/// The golden rows of a mapped bundle, in place.
@safe struct GoldenSection: @unchecked Sendable {
    let rowCount: Int
    // Safety: borrowed from the mapping that the bundle being admitted owns; the counts were checked against the section's length.
    let features: UnsafeBufferPointer<Float>
    let raw: UnsafeBufferPointer<Float>
    let outputs: UnsafeBufferPointer<Float>

    private static let headerByteCount = 8

    init(_ table: SectionTable, shape: ForestShape) throws(BundleError) {
        let bytes = unsafe table.bytes(of: .goldenRows)
        guard bytes.count >= Self.headerByteCount else { throw .sectionMalformed(.goldenRows, offset: 0) }
        rowCount = unsafe Int(bytes.load(as: UInt32.self))
        guard unsafe bytes.load(fromByteOffset: 4, as: UInt32.self) == 0 else { throw .sectionMalformed(.goldenRows, offset: 4) }
        let widths = (shape.featureCount, shape.rawCount, shape.outputCount)
        let expected = Self.headerByteCount + 4 * rowCount * (widths.0 + widths.1 + widths.2)
        guard bytes.count == expected else {
            throw .sectionByteCountWrong(.goldenRows, stored: bytes.count, expected: expected)
        }
        // Safety: sections are 64-byte aligned, and all three parts end inside the section by the check above.
        let floats = unsafe UnsafeRawBufferPointer(rebasing: bytes[Self.headerByteCount...]).bindMemory(to: Float.self)
        let rawStart = rowCount * widths.0
        let outputStart = rawStart + rowCount * widths.1
        unsafe features = UnsafeBufferPointer(rebasing: floats[..<rawStart])
        unsafe raw = UnsafeBufferPointer(rebasing: floats[rawStart..<outputStart])
        unsafe outputs = UnsafeBufferPointer(rebasing: floats[outputStart...])
    }

    func check(_ view: ForestView) throws(BundleError) {
        let check = GoldenCheck(view: view)
        try check.checkCost(rowCount: rowCount)
        let scores = try unsafe check.score(features, rowCount: rowCount)
        try unsafe GoldenCheck.compare(scores.raw, raw, width: view.shape.rawCount, .raw)
        try unsafe GoldenCheck.compare(scores.outputs, outputs, width: view.shape.outputCount, .transformed)
    }
}
