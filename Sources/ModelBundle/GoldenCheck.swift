import Forest

/// Scores golden rows and compares every result with its reference.
struct GoldenCheck {
    let scoring: BundleScoring

    /// Refuses what would keep admission busy for long.
    func checkCost(rowCount: Int) throws(BundleError) {
        guard rowCount <= BundleLimits.goldenRowCountMax else {
            throw .goldenTooMany(rows: rowCount, limit: BundleLimits.goldenRowCountMax)
        }
        let steps = rowCount * max(scoring.stepsPerRow, 1)
        guard steps <= BundleLimits.goldenStepCountMax else {
            throw .goldenTooCostly(steps: steps, limit: BundleLimits.goldenStepCountMax)
        }
    }

    /// Scores `rows`, `[rowCount, featureCount]`, and returns raw scores and outputs.
    func score<Value: BundleValue>(
        _ rows: UnsafeBufferPointer<Value>, rowCount: Int
    ) throws(BundleError) -> (raw: [Double], outputs: [Double]) {
        let shape = scoring.shape
        for index in rows.indices where unsafe rows[index].isInfinite {
            throw .goldenRowInfinite(row: index / shape.featureCount, feature: index % shape.featureCount)
        }
        var raw = [Double](repeating: 0, count: rowCount * shape.rawCount)
        var outputs = [Double](repeating: 0, count: rowCount * shape.outputCount)
        guard rowCount > 0 else { return (raw, outputs) }
        unsafe raw.withUnsafeMutableBufferPointer { raw in
            unsafe outputs.withUnsafeMutableBufferPointer { outputs in
                // Safety: the three buffers have rowCount rows of the widths that the shape says.
                unsafe Value.score(
                    scoring, rows.baseAddress!, rowCount: rowCount, raw: raw.baseAddress!, outputs: outputs.baseAddress!)
            }
        }
        return (raw, outputs)
    }

    static func compare(
        _ actual: [Double], _ expected: some RandomAccessCollection<Double>, width: Int, tolerance: Double,
        _ column: BundleError.GoldenColumn
    ) throws(BundleError) {
        for (index, pair) in zip(actual, expected).enumerated() {
            // Any number is within any tolerance of an infinite reference.
            let isClose = tolerance > 0 && pair.1.isFinite && abs(pair.0 - pair.1) <= tolerance * max(1, abs(pair.1))
            guard isClose || pair.0.bitPattern == pair.1.bitPattern else {
                throw .goldenMismatch(row: index / width, output: index % width, column, expected: pair.1, actual: pair.0)
            }
        }
    }
}

/// The golden rows of a mapped bundle, in place.
@safe struct GoldenSection: @unchecked Sendable {
    let rowCount: Int
    let tolerance: GoldenTolerance
    private let precision: Precision
    // Safety: borrowed from the mapping that the bundle being admitted owns; the counts were checked against the section's length.
    private let rows: UnsafeRawBufferPointer
    let raw: UnsafeBufferPointer<Double>
    let outputs: UnsafeBufferPointer<Double>

    static let headerByteCount = 24

    init(_ table: SectionTable, identity: BundleIdentity) throws(BundleError) {
        let bytes = unsafe table.bytes(of: .goldenRows)
        guard bytes.count >= Self.headerByteCount else { throw .sectionMalformed(.goldenRows, offset: 0) }
        rowCount = unsafe Int(bytes.load(as: UInt32.self))
        guard unsafe bytes.load(fromByteOffset: 4, as: UInt32.self) == 0 else { throw .sectionMalformed(.goldenRows, offset: 4) }
        tolerance = unsafe GoldenTolerance(
            raw: bytes.load(fromByteOffset: 8, as: Double.self), outputs: bytes.load(fromByteOffset: 16, as: Double.self))
        try tolerance.check()
        precision = identity.precision
        let shape = identity.shape
        let featureByteCount = rowCount * shape.featureCount * precision.byteCount
        let rawStart = Self.headerByteCount + (featureByteCount + 7) / 8 * 8
        let outputStart = rawStart + 8 * rowCount * shape.rawCount
        let end = outputStart + 8 * rowCount * shape.outputCount
        guard bytes.count == end else { throw .sectionByteCountWrong(.goldenRows, stored: bytes.count, expected: end) }
        // Safety: sections are 64-byte aligned, and all three parts end inside the section by the check above.
        unsafe rows = UnsafeRawBufferPointer(rebasing: bytes[Self.headerByteCount..<(Self.headerByteCount + featureByteCount)])
        unsafe raw = UnsafeRawBufferPointer(rebasing: bytes[rawStart..<outputStart]).bindMemory(to: Double.self)
        unsafe outputs = UnsafeRawBufferPointer(rebasing: bytes[outputStart...]).bindMemory(to: Double.self)
        for offset in (Self.headerByteCount + featureByteCount)..<rawStart where unsafe bytes[offset] != 0 {
            throw .sectionMalformed(.goldenRows, offset: offset)
        }
    }

    /// The rows, widened.
    var features: [Double] {
        precision == .float32
            ? unsafe rows.bindMemory(to: Float.self).map(Double.init) : unsafe Array(rows.bindMemory(to: Double.self))
    }

    func check(_ scoring: BundleScoring) throws(BundleError) {
        let check = GoldenCheck(scoring: scoring)
        try check.checkCost(rowCount: rowCount)
        let scores =
            precision == .float32
            ? try unsafe check.score(rows.bindMemory(to: Float.self), rowCount: rowCount)
            : try unsafe check.score(rows.bindMemory(to: Double.self), rowCount: rowCount)
        let shape = scoring.shape
        try unsafe GoldenCheck.compare(scores.raw, raw, width: shape.rawCount, tolerance: tolerance.raw, .raw)
        try unsafe GoldenCheck.compare(
            scores.outputs, outputs, width: shape.outputCount, tolerance: tolerance.outputs, .transformed)
    }
}
