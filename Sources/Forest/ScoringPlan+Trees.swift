import CForestKernels

/// The trees of a forest in the forms that kernels take, see CForestKernels: blocks of 64 nodes that are decided at a time, or
/// pairs of slot and rank, node after node.
///
/// Words of decisions are numbered over the whole forest; each has a block of 64 slots and 64 ranks, and a mask that is xored to
/// it.
struct ByteTrees {
    var runs: [Run] = []
    /// `[words, 2, 64]`
    var blocks: [UInt8] = []
    /// `[words, filled up to a multiple of 8]`
    var flips: [UInt64] = []
    /// Whether any flip is set or there are categories.
    var hasMasks = false
    var chainEnds: [UInt64] = []
    var shortLinks: [UInt16] = []
    var longLinks: [UInt32] = []
    /// See `HeapUnit`.
    var units: [UInt8] = []
    var trees: [assay_tree] = []
    var exits: [UInt16] = []
    /// For each position the ordinal of its leaf, or the padding leaf's.
    var ordinals: [UInt32] = []
    /// The category splits, to be turned into masks.
    var categoryDecisions: [CategoryDecision] = []
    private(set) var chained: [ChainedTree?] = []
    let view: ForestView
    let slots: SlotTable
    let forms: TreeForms

    /// Where a run's parts begin in the arrays.
    struct Run {
        var plan: PlannedRun
        var words: Range<Int>
        var firstEnd = 0
        var firstShortLink = 0
        var firstLongLink = 0
        var firstUnit = 0
        var firstTree = 0
        var firstExit = 0
        var firstOrdinal = 0
    }

    /// A bit that is flipped where a category slot of the forest is 1.
    struct CategoryDecision {
        var slot: Int
        var word: Int
        var bit: Int
    }

    /// Beyond it a forest is walked by its own nodes: 256 MiB, what a server should spend beside the bundle itself.
    static let byteCountMax = 256 << 20

    /// Nil if the forest does not fit: more than `ASSAY_SLOTS` slots, categories in more than `ASSAY_CATEGORY_FEATURES` features
    /// (in any at all without words), trees with categories so large that no form holds them, or more than `byteCountMax` bytes.
    init?(_ view: ForestView, slots: SlotTable, forms: TreeForms) {
        self.view = view
        self.slots = slots
        self.forms = forms
        guard view.shape.categoryFeatureCount <= (forms.hasWords ? Int(ASSAY_CATEGORY_FEATURES) : 0) else { return nil }
        var outlines = (0..<view.shape.treeCount).map { TreeOutline(view, tree: $0) }
        // Heaps of up to eight levels cost less than chains.
        if forms.hasWords, outlines.contains(where: { $0.depth > 8 || $0.categoryDepth > 6 }) {
            chained = outlines.indices.map { ChainedTree(view, tree: $0) }
            outlines = zip(outlines, chained).map { $0.with($1) }
        }
        guard let plan = PlannedRun.plan(outlines, forms) else { return nil }
        for run in plan {
            append(run)
            guard byteCount <= Self.byteCountMax else { return nil }
        }
        while flips.count % 8 != 0 { flips.append(0) }
        guard view.shape.categoryFeatureCount == 0 || flips.count <= ASSAY_MASKS else { return nil }
        hasMasks = view.shape.categoryFeatureCount > 0 || flips.contains { $0 != 0 }
    }

    private var byteCount: Int {
        blocks.count + units.count + 8 * (flips.count + chainEnds.count) + 2 * (shortLinks.count + exits.count) + 4
            * longLinks.count
            + ordinals.count * (4 + view.shape.sumPrecision.byteCount)
    }

    private mutating func append(_ plan: PlannedRun) {
        align()
        var run = Run(
            plan: plan, words: flips.count..<flips.count, firstEnd: chainEnds.count, firstShortLink: shortLinks.count,
            firstLongLink: longLinks.count, firstUnit: units.count, firstTree: trees.count, firstExit: exits.count,
            firstOrdinal: ordinals.count)
        switch plan.form {
        case .heap(let levelCount): appendHeaps(plan.trees, levelCount: levelCount)
        case .pairs(let levelCount): appendPairs(plan.trees, levelCount: levelCount)
        case .chains: appendChains(plan.trees, wordCount: 1, run)
        case .wideChains(_, let wordCount): appendChains(plan.trees, wordCount: wordCount, run)
        case .steps, .pairSteps: appendSteps(plan.trees, run)
        }
        run.words = run.words.lowerBound..<flips.count
        runs.append(run)
    }

    /// Begins each array's part at a multiple of 64 bytes.
    mutating func align() {
        while shortLinks.count % 32 != 0 { shortLinks.append(0) }
        while longLinks.count % 16 != 0 { longLinks.append(0) }
        while units.count % 64 != 0 { units.append(0) }
        while ordinals.count % 16 != 0 { ordinals.append(UInt32(view.shape.leafCount)) }
    }

    /// A word whose decisions are all 0.
    mutating func appendWord() -> Int {
        blocks += repeatElement(0, count: 64)
        blocks += repeatElement(.max, count: 64)
        flips.append(0)
        return flips.count - 1
    }

    /// Makes a bit of a word the decision of a split: 1 where the row goes right, or left if it is flipped.
    mutating func decide(_ node: ForestNode, word: Int, bit: Int, isFlipped: Bool) {
        if let decision = slots.decision(of: node, view) {
            blocks[128 * word + bit] = decision.slot
            blocks[128 * word + 64 + bit] = decision.rank
        } else {
            categoryDecisions.append(CategoryDecision(slot: view.slot(of: node), word: word, bit: bit))
        }
        if isFlipped { flips[word] |= 1 << UInt64(bit) }
    }
}
