import CForestKernels

extension ByteTrees {
    /// The runs for C, their parts copied into the plan's memory.
    func runs(_ memory: inout PlanMemory) -> [assay_run] {
        let blocks = unsafe memory.keep(blocks)
        let chainEnds = unsafe memory.keep(chainEnds)
        let shortLinks = unsafe memory.keep(shortLinks)
        let longLinks = unsafe memory.keep(longLinks)
        let units = unsafe memory.keep(units)
        let trees = unsafe memory.keep(trees)
        let exits = unsafe memory.keep(exits)
        let ordinals = unsafe memory.keep(ordinals)
        let values = unsafe leafValues(&memory)
        return unsafe runs.map { run in
            var result = unsafe assay_run()
            unsafe result.first_tree = UInt32(run.plan.trees.lowerBound)
            unsafe result.tree_count = UInt32(run.plan.trees.count)
            unsafe result.word_count = UInt32(run.words.count)
            unsafe result.first_mask = UInt32(run.words.lowerBound)
            unsafe result.blocks = blocks + 128 * run.words.lowerBound
            unsafe result.links = UnsafeRawPointer(shortLinks + run.firstShortLink)
            unsafe result.trees = trees + run.firstTree
            unsafe result.chain_ends = chainEnds + run.firstEnd
            unsafe result.exits = exits + run.firstExit
            unsafe result.ordinals = ordinals + run.firstOrdinal
            unsafe result.values = values.map { unsafe $0 + run.firstOrdinal * view.shape.sumPrecision.byteCount }
            switch run.plan.form {
            case .heap(let levelCount):
                unsafe result.kind = ASSAY_RUN_HEAP.rawValue
                unsafe result.level_count = UInt32(levelCount)
                let unit = HeapUnit(levelCount: max(levelCount - Self.topLevelCountMax, 0), view.shape.sumPrecision)
                unsafe result.unit_size = UInt32(unit.byteCount)
                unsafe result.links = UnsafeRawPointer(units + run.firstUnit)
            case .pairs(let levelCount):
                unsafe result.kind = ASSAY_RUN_PAIRS.rawValue
                unsafe result.level_count = UInt32(levelCount)
            case .chains(let depth):
                unsafe result.kind = ASSAY_RUN_CHAINS.rawValue
                unsafe result.level_count = UInt32(depth)
            case .wideChains(let depth, let wordCount):
                unsafe result.kind = ASSAY_RUN_WIDE_CHAINS.rawValue
                unsafe result.level_count = UInt32(depth)
                unsafe result.word_count = UInt32(wordCount)
                unsafe result.links = UnsafeRawPointer(longLinks + run.firstLongLink)
            case .steps(let count):
                unsafe result.kind = ASSAY_RUN_STEPS.rawValue
                unsafe result.level_count = UInt32(count)
                unsafe result.links = UnsafeRawPointer(longLinks + run.firstLongLink)
            case .pairSteps(let count):
                unsafe result.kind = ASSAY_RUN_PAIR_STEPS.rawValue
                unsafe result.level_count = UInt32(count)
                unsafe result.short_links = shortLinks + run.firstShortLink
                unsafe result.links = UnsafeRawPointer(longLinks + run.firstLongLink)
            }
            return unsafe result
        }
    }

    /// What the leaf at each position adds; nil if leaves are vectors.
    private func leafValues(_ memory: inout PlanMemory) -> UnsafeRawPointer? {
        guard view.shape.leafWidth == 1 else { return nil }
        return unsafe memory.keep(ordinals.map { view.leafValue(Int($0), 0) }, view.shape.sumPrecision)
    }
}
