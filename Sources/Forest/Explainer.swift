import CForestKernels

/// Says how much each feature contributed to a row's raw scores: exact path-dependent Shapley values, the TreeSHAP of XGBoost,
/// LightGBM and the shap package.
///
/// A row's contributions to a raw score and its base, which is the score expected over the training data, sum to the score. What is
/// not known of a row is taken as in the training data: a row takes both ways from a split, each with the share of training rows
/// (`covers`) that took it. The shares of a split's children are of their covers' sum; both are a half if no training row is known
/// to have come there.
///
/// The method is quadrature TreeSHAP; `shap.h` of CForestKernels has the formulas. Memory: see `ExplainerLimits`.
public final class Explainer: @unchecked Sendable {
    // Safety: nothing is changed after `init`; the plan's memory is freed with the explainer. The view's memory must be kept by
    // whoever made the view for as long as the explainer lives.
    private let view: ForestView
    private let columns: ExplainerColumns
    private let plan: ExplainerPlan
    private let layout: ScratchLayout
    /// Fewer rows than this are explained one by one.
    private let lanesRowCountMin: Int
    public let kernel: ExplainerKernel
    /// By raw score: what every row's contributions are counted from, the score expected over the training data.
    public let bases: [Double]

    /// Derives an explainer from a forest; one that the processor has no instructions for explains with the plain kernel.
    ///
    /// - Parameters:
    ///   - view: A forest that passed `check`, in memory that outlives the explainer.
    ///   - kernel: The instructions to use; the fastest ones if nil.
    /// - Throws: Why its scores cannot be explained.
    public convenience init(_ view: ForestView, kernel: ExplainerKernel? = nil) throws(ExplainerError) {
        try self.init(
            view, kernel: kernel, byteCountMax: ExplainerLimits.byteCountMax, rowByteCountMax: ExplainerLimits.rowByteCountMax)
    }

    /// See `ExplainerLimits` for the last two.
    init(_ view: ForestView, kernel: ExplainerKernel?, byteCountMax: Int, rowByteCountMax: Int) throws(ExplainerError) {
        let shape = view.shape
        guard shape.hasCovers || shape.treeCount == 0 else { throw .noCovers }
        columns = ExplainerColumns(view)
        var paths = ExplainerPaths(view, columnOfSlot: columns.columnOfSlot, columnCount: columns.features.count)
        let groups = ExplainerGroups(view, &paths)
        let byteCount = ExplainerPlan.Layout(view, groups).byteCount
        guard byteCount <= byteCountMax else { throw .tooLarge(byteCount: byteCount, limit: byteCountMax) }
        plan = ExplainerPlan(view, columns, groups, &paths)
        bases = view.expectedScores()
        layout = ScratchLayout(view, columns, groups, rowByteCountMax: rowByteCountMax)
        let wanted = kernel ?? .best
        self.kernel = wanted.isAvailable ? wanted : .plain
        lanesRowCountMin = layout.hasRoomForOne ? self.kernel.lanesRowCountMin : 1
        self.view = view
    }

    /// How much scratch memory `contributions` needs.
    public var scratchByteCount: Int { layout.byteCount }

    /// How much memory the explainer keeps.
    public var byteCount: Int { plan.byteCount }

    /// How many contributions a row has: `[rawCount, featureCount + 1]`.
    public var contributionCount: Int { view.shape.rawCount * (view.shape.featureCount + 1) }

    /// Computes contributions; several threads may, each with a scratch of its own.
    ///
    /// - Parameters:
    ///   - rows: `[rowCount, featureCount]` row-major, NaN where missing.
    ///   - contributions: `[rowCount, rawCount, featureCount + 1]`, in the raw score's unit; the last column is the base.
    ///   - scratch: Of at least `scratchByteCount`.
    public func contributions(
        _ rows: UnsafePointer<Float>, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        scratch: inout ExplainerScratch
    ) {
        unsafe explain(rowCount, contributions, &scratch) { row, keys in
            unsafe view.fillKeys(keys, from: rows + row &* view.shape.featureCount)
        }
    }

    /// As for Float; values are rounded to the forest's feature precision.
    public func contributions(
        _ rows: UnsafePointer<Double>, rowCount: Int, into contributions: UnsafeMutablePointer<Double>,
        scratch: inout ExplainerScratch
    ) {
        unsafe explain(rowCount, contributions, &scratch) { row, keys in
            unsafe view.fillKeys(keys, from: rows + row &* view.shape.featureCount)
        }
    }

    private func explain(
        _ rowCount: Int, _ contributions: UnsafeMutablePointer<Double>, _ scratch: inout ExplainerScratch,
        fillKeys: (Int, UnsafeMutablePointer<UInt32>) -> Void
    ) {
        precondition(scratch.byteCount >= layout.byteCount, "\(scratch.byteCount) bytes of scratch, \(layout.byteCount) needed")
        var parts = unsafe layout.parts(of: scratch.memory.start)
        var row = 0
        while row < rowCount {
            let count = rowCount - row < lanesRowCountMin ? 1 : min(rowCount - row, Self.laneCount)
            let isLanes = count > 1 || lanesRowCountMin == 1
            for lane in 0..<count {
                unsafe fillKeys(row + lane, parts.rowKeys)
                unsafe gather(parts, lane: lane, stride: isLanes ? Self.laneCount : 1)
            }
            unsafe explain(row, count, isLanes, &parts, contributions)
            row += count
        }
    }

    /// Picks the keys that are needed out of one row's, for one of `stride` rows.
    private func gather(_ parts: ScratchLayout.Parts, lane: Int, stride: Int) {
        let slots = columns.slots
        for index in slots.indices { unsafe parts.keys[index &* stride &+ lane] = parts.rowKeys[Int(slots[index])] }
    }

    private func explain(
        _ firstRow: Int, _ count: Int, _ isLanes: Bool, _ parts: inout ScratchLayout.Parts,
        _ contributions: UnsafeMutablePointer<Double>
    ) {
        let featureCount = view.shape.featureCount
        let width = isLanes ? Self.laneCount : 4
        for output in 0..<view.shape.rawCount {
            unsafe parts.kernel.sums.update(repeating: 0, count: columns.features.count &* width)
            let range = plan.ranges[output]
            let leafRow = view.shape.leafWidth > 1 ? output : 0
            unsafe (isLanes ? assay_shap_rows : assay_shap_row)(
                kernel.isa, plan.groups + range.lowerBound, range.count, leafRow, parts.keys, &parts.kernel)
            for lane in 0..<count {
                let row = firstRow &+ lane
                let out = unsafe contributions + (row &* view.shape.rawCount &+ output) &* (featureCount &+ 1)
                unsafe out.update(repeating: 0, count: featureCount)
                unsafe out[featureCount] = bases[output]
                unsafe scatter(parts.kernel.sums, lane: lane, isLanes: isLanes, to: out)
            }
        }
    }

    private func scatter(
        _ sums: UnsafeMutablePointer<Double>, lane: Int, isLanes: Bool, to contributions: UnsafeMutablePointer<Double>
    ) {
        let features = columns.features
        for column in features.indices {
            let sum = unsafe sums + column &* (isLanes ? Self.laneCount : 4)
            let value = unsafe isLanes ? sum[lane] : (sum[0] + sum[1]) + (sum[2] + sum[3])
            unsafe contributions[Int(features[column])] = value
        }
    }

    static let laneCount = ASSAY_SHAP_LANES
}
