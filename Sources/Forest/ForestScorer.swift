import CForestKernels

/// Scores rows with the fastest kernel of this processor: the same signatures, and the same bits, as `ForestView`.
///
/// A scorer owns what was derived from the forest, and borrows the forest: whoever made the view keeps its memory longer than every
/// scorer. Copying a scorer counts a reference; its operations neither count references nor allocate.
@safe public struct ForestScorer: @unchecked Sendable {
    // Safety: what `scorer` points to never changes, and lives as long as `plan`.
    public let view: ForestView
    public let kernel: Kernel
    private let plan: ScoringPlan?
    /// The plan's; nil for the plain kernel.
    private let scorer: UnsafePointer<assay_scorer>?
    private let number: Int32

    /// Prepares a checked view for scoring.
    ///
    /// - Parameter kernel: One of `Kernel.available`; nil for the best of them.
    public init(_ view: ForestView, kernel: Kernel? = nil) {
        self.view = view
        self.kernel = kernel ?? .best
        precondition(Kernel.available.contains(self.kernel), "this processor has no kernel \(self.kernel)")
        plan = self.kernel == .plain ? nil : ScoringPlan(view, kernel: self.kernel)
        unsafe scorer = plan?.scorer
        number = self.kernel.number ?? 0
    }

    /// What was derived from the forest, in bytes.
    public var byteCount: Int { plan?.byteCount ?? 0 }

    /// Whether rows become bytes; else the forest does not fit that, and is walked by its own nodes.
    public var hasByteTrees: Bool { plan?.hasByteTrees ?? false }

    /// As `ForestView.score`.
    public func score(
        _ rows: UnsafePointer<Float>, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        guard let scorer = unsafe scorer else { return unsafe view.score(rows, rowCount: rowCount, raw: raw, outputs: outputs) }
        var rows = unsafe assay_rows(values: UnsafeRawPointer(rows), count: rowCount, are_double: 0)
        unsafe assay_score(number, scorer, &rows, raw)
        unsafe transform(rowCount, raw, outputs)
    }

    /// As `ForestView.score`.
    public func score(
        _ rows: UnsafePointer<Double>, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        guard let scorer = unsafe scorer else { return unsafe view.score(rows, rowCount: rowCount, raw: raw, outputs: outputs) }
        var rows = unsafe assay_rows(values: UnsafeRawPointer(rows), count: rowCount, are_double: 1)
        unsafe assay_score(number, scorer, &rows, raw)
        unsafe transform(rowCount, raw, outputs)
    }

    /// As `ForestView.leaves`.
    public func leaves(_ rows: UnsafePointer<Float>, rowCount: Int, into leaves: UnsafeMutablePointer<UInt32>) {
        guard let scorer = unsafe scorer else { return unsafe view.leaves(rows, rowCount: rowCount, into: leaves) }
        var rows = unsafe assay_rows(values: UnsafeRawPointer(rows), count: rowCount, are_double: 0)
        unsafe assay_leaves(number, scorer, &rows, leaves)
    }

    /// As `ForestView.leaves`.
    public func leaves(_ rows: UnsafePointer<Double>, rowCount: Int, into leaves: UnsafeMutablePointer<UInt32>) {
        guard let scorer = unsafe scorer else { return unsafe view.leaves(rows, rowCount: rowCount, into: leaves) }
        var rows = unsafe assay_rows(values: UnsafeRawPointer(rows), count: rowCount, are_double: 1)
        unsafe assay_leaves(number, scorer, &rows, leaves)
    }

    @inline(__always)
    private func transform(_ rowCount: Int, _ raw: UnsafePointer<Double>, _ outputs: UnsafeMutablePointer<Double>) {
        let shape = view.shape
        for row in 0..<rowCount {
            unsafe shape.transform.apply(
                raw + row &* shape.rawCount, rawCount: shape.rawCount, outputs + row &* shape.outputCount,
                precision: shape.sumPrecision)
        }
    }
}

extension ForestView {
    func zeroIsMissing(feature: Int) -> Bool { unsafe features[feature].flags & PackedFeature.zeroIsMissing != 0 }
}
