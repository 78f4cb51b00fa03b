import CForestKernels

/// What the fast kernels derive from a checked forest, and the memory it lies in.
///
/// Every forest gets tables in which a value's rank among a feature's thresholds is found 16 comparisons at a time (`RankTable`),
/// and byte trees: a row becomes slots of one byte, each a rank among 255 thresholds of a feature (`SlotTable`), and a node is a
/// slot and the rank that the row must exceed to go right (`ByteTrees`). A forest that does not fit is walked by its own nodes.
///
/// The plan takes time and memory in proportion to the forest, at most `ByteTrees.byteCountMax` for trees and as much for
/// categories. It never changes after `init`.
@safe final class ScoringPlan: @unchecked Sendable {
    // Safety: `memory` is filled in `init`, only read afterwards, and freed with the plan. `scorer` lies in it and points into it
    // and into the view's memory, which whoever made the view keeps at least as long as the plan.
    let scorer: UnsafePointer<assay_scorer>
    private let memory: PlanMemory
    /// Whether there are byte trees.
    let hasByteTrees: Bool

    /// What the plan takes beside the forest.
    var byteCount: Int { unsafe memory.byteCount }

    /// A plan for a checked view.
    init(_ view: ForestView, kernel: Kernel) {
        var memory = unsafe PlanMemory()
        var plan = unsafe assay_plan()
        var ranks = RankTable(view)
        if let slots = SlotTable(view),
            let trees = ByteTrees(view, slots: slots, forms: kernel.forms(slotCount: slots.slotCount)),
            let categories = CategoryMasks(view, trees.categoryDecisions, maskCount: trees.flips.count)
        {
            ranks.assign(slots)
            unsafe plan.add(slots, &memory)
            unsafe plan.add(trees, &memory)
            unsafe plan.add(categories, &memory)
        }
        unsafe plan.add(ranks, view, &memory)
        unsafe plan.addTinyValues(view, &memory)
        hasByteTrees = unsafe plan.slot_count > 0
        unsafe scorer = unsafe memory.keep([assay_scorer(forest: assay_forest(view), plan: plan)])
        unsafe self.memory = memory
    }
}

extension assay_plan {
    fileprivate mutating func add(_ table: RankTable, _ view: ForestView, _ memory: inout PlanMemory) {
        unsafe rank_values = memory.keep(table.values, view.shape.featurePrecision)
        unsafe ranks = memory.keep(table.ranks)
        unsafe upper_levels = memory.keep(table.upperLevels)
        unsafe rank_count = UInt32(table.ranks.count)
        unsafe one_level_end = UInt32(table.oneLevelEnd)
        unsafe two_level_end = UInt32(table.twoLevelEnd)
    }

    /// LightGBM's flushing of tiny values to zero, and features whose zeros are missing.
    fileprivate mutating func addTinyValues(_ view: ForestView, _ memory: inout PlanMemory) {
        let zeroIsMissing = (0..<view.shape.featureCount).map { view.zeroIsMissing(feature: $0) }
        guard view.shape.flushesTiny || zeroIsMissing.contains(true) else { return }
        let limit = Double(ForestView.tiny)
        unsafe tiny = memory.keep(zeroIsMissing.map { $0 || view.shape.flushesTiny ? limit : -1 }, view.shape.featurePrecision)
        unsafe replacements = memory.keep(zeroIsMissing.map { $0 ? Double.nan : 0 }, view.shape.featurePrecision)
    }

    fileprivate mutating func add(_ table: SlotTable, _ memory: inout PlanMemory) {
        unsafe chunks = memory.keep(table.chunks)
        unsafe slot_count = UInt32(max(table.slotCount, 1))
    }

    fileprivate mutating func add(_ trees: ByteTrees, _ memory: inout PlanMemory) {
        let runs = unsafe trees.runs(&memory)
        unsafe self.runs = unsafe memory.keep(runs)
        unsafe run_count = UInt32(runs.count)
        unsafe mask_count = UInt32(trees.flips.count)
        if trees.hasMasks { unsafe flips = memory.keep(trees.flips) }
        let isFlat = trees.runs.allSatisfy { $0.plan.form.isBlendable }
        unsafe is_blendable = !trees.hasMasks && trees.view.shape.leafWidth == 1 && isFlat ? 1 : 0
    }

    fileprivate mutating func add(_ categories: CategoryMasks, _ memory: inout PlanMemory) {
        let masks = unsafe memory.keep(categories.masks)
        let lookups = unsafe categories.features.map { feature in
            unsafe assay_category_lookup(
                feature: UInt32(feature.index), first_row: UInt32(feature.firstRow), row_count: UInt32(feature.rowCount), zero: 0,
                masks: masks + feature.firstLine * Int(mask_count))
        }
        unsafe category_lookups = memory.keep(lookups)
        unsafe category_rows = memory.keep(categories.rows)
    }
}

extension assay_forest {
    /// A view as C sees it.
    fileprivate init(_ view: ForestView) {
        let shape = view.shape
        unsafe self.init(
            nodes: UnsafeRawPointer(view.nodes).assumingMemoryBound(to: assay_node.self), roots: view.roots,
            tree_outputs: view.treeOutputs, group_depths: view.groupDepths, base_margins: view.baseMargins,
            features: UnsafeRawPointer(view.features).assumingMemoryBound(to: assay_feature.self), thresholds: view.thresholds,
            leaf_values: view.leafValues, leaf_numbers: view.leafNumbers,
            category_features: UnsafeRawPointer(view.categoryFeatures).assumingMemoryBound(to: assay_category_feature.self),
            categories: view.categories, category_words: view.categoryWords, feature_count: UInt32(shape.featureCount),
            category_feature_count: UInt32(shape.categoryFeatureCount), slot_count: UInt32(shape.slotCount),
            slot_bit_count: UInt32(shape.slotBitCount), tree_count: UInt32(shape.treeCount), raw_count: UInt32(shape.rawCount),
            leaf_width: UInt32(shape.leafWidth), features_are_double: shape.featurePrecision == .float64 ? 1 : 0,
            sums_are_double: shape.sumPrecision == .float64 ? 1 : 0, flushes_tiny: shape.flushesTiny ? 1 : 0,
            categories_round_toward_zero: shape.categoryRule == .towardZero ? 1 : 0)
    }
}
