import CForestKernels

/// What decides in which form a tree, or all trees of a run, cost least.
struct TreeOutline {
    /// Levels of splits.
    var depth = 0
    /// The deepest level with a category split, counted from 1; 0 if there is none.
    var categoryDepth = 0
    /// The most chains that a path goes through, and in how many words the chains fit.
    var chainDepth = 0
    var chainWordCount = 1
    var nodeCount = 0

    /// What holds two trees.
    func merged(with other: TreeOutline) -> TreeOutline {
        TreeOutline(
            depth: max(depth, other.depth), categoryDepth: max(categoryDepth, other.categoryDepth),
            chainDepth: max(chainDepth, other.chainDepth),
            chainWordCount: max(chainWordCount, other.chainWordCount), nodeCount: max(nodeCount, other.nodeCount))
    }

    /// The forms of trees, see CForestKernels.
    enum Form: Equatable {
        case heap(levelCount: Int)
        case chains(depth: Int)
        case wideChains(depth: Int, wordCount: Int)
        case steps(count: Int)
        case pairs(levelCount: Int)
        case pairSteps(count: Int)

        /// The most trees of a run.
        var runTreeCountMax: Int {
            switch self {
            case .heap(let levelCount), .pairs(let levelCount):
                Int(levelCount <= ByteTrees.topLevelCountMax ? ASSAY_RUN_TREES : ASSAY_LARGE_RUN_TREES)
            default: Int(ASSAY_LARGE_RUN_TREES)
            }
        }

        /// Whether many rows can go through it side by side.
        var isBlendable: Bool {
            switch self {
            case .heap(let levelCount), .pairs(let levelCount): levelCount <= ByteTrees.topLevelCountMax
            default: false
            }
        }

        var isPairs: Bool {
            switch self {
            case .pairs, .pairSteps: true
            default: false
            }
        }

        var isWide: Bool {
            if case .wideChains = self { return true }
            return false
        }
    }

    /// The form that costs least, and how many instructions a tree then takes; nil if none can hold it.
    func best(_ forms: TreeForms) -> (form: Form, cost: Int)? {
        ((forms.hasWords ? wordForms(forms.decisionCost) : []) + (forms.hasPairs ? pairForms : [])).min { $0.cost < $1.cost }
    }

    private var pairForms: [(form: Form, cost: Int)] {
        let levelCount = max(depth, 2)
        guard categoryDepth == 0 else { return [] }
        if levelCount <= 8 { return [(.pairs(levelCount: levelCount), 4 + 5 * levelCount)] }
        // Larger heaps leave the second-level cache; a step from node to node takes less memory.
        return nodeCount <= ByteTrees.steppedNodeCountMax ? [(.pairSteps(count: depth - 6), 40 + 8 * (depth - 6))] : []
    }

    private func wordForms(_ decisionCost: Int) -> [(form: Form, cost: Int)] {
        var candidates: [(form: Form, cost: Int)] = []
        let levelCount = max(depth, 2)
        if levelCount <= 6, categoryDepth <= 6 {
            let shared = (6 + decisionCost) >> (6 - levelCount)
            candidates.append((.heap(levelCount: levelCount), 2 + 2 * levelCount + shared))
        } else if levelCount <= 10, categoryDepth <= 6 {
            candidates.append((.heap(levelCount: levelCount), 20 + decisionCost + 6 * (levelCount - 6)))
        }
        if chainWordCount == 1, (1...6).contains(chainDepth) {
            candidates.append((.chains(depth: chainDepth), 9 + decisionCost + 8 * chainDepth))
        }
        if chainWordCount <= ASSAY_TREE_WORDS, chainDepth > 0 {
            let cost = (7 + decisionCost) * chainWordCount + 11 * chainDepth
            candidates.append((.wideChains(depth: chainDepth, wordCount: chainWordCount), cost))
        }
        if depth > 6, categoryDepth <= 6, nodeCount <= ByteTrees.steppedNodeCountMax {
            candidates.append((.steps(count: depth - 6), 23 + decisionCost + 7 * (depth - 6)))
        }
        return candidates
    }
}

/// Which forms of trees a kernel has code for.
struct TreeForms: Equatable {
    /// 64 decisions at a time.
    let hasWords: Bool
    /// Split after split, eight trees side by side.
    let hasPairs: Bool
    /// What a word's decisions cost more than with one permutation of 64 bytes, in instructions.
    let decisionCost: Int
}

extension TreeOutline {
    init(_ view: ForestView, tree: Int) {
        let range = view.nodeRange(ofTree: tree)
        nodeCount = range.count
        let firstCategorySlot = Slot.firstCategorySlot(featureCount: view.shape.featureCount)
        // Children come after their parent.
        var levels = [UInt16](repeating: 1, count: range.count)
        for index in range {
            let node = view.node(index)
            let distance = view.distance(of: node)
            guard distance > 0 else { continue }
            let level = levels[index - range.lowerBound]
            levels[index - range.lowerBound + distance] = level + 1
            levels[index - range.lowerBound + distance + 1] = level + 1
            depth = max(depth, Int(level))
            if view.slot(of: node) >= firstCategorySlot { categoryDepth = max(categoryDepth, Int(level)) }
        }
    }

    func with(_ chains: ChainedTree?) -> TreeOutline {
        var outline = self
        outline.chainDepth = chains?.depth ?? 0
        outline.chainWordCount = chains?.wordCount ?? ChainedTree.impossibleWordCount
        return outline
    }
}

/// Consecutive trees in one form.
struct PlannedRun {
    var form: TreeOutline.Form
    var trees: Range<Int>

    /// What it costs to go from one run to the next, in instructions.
    static let changeCost = 40

    /// Cuts a forest into runs: trees join the run before them where that costs less than a change.
    static func plan(_ outlines: [TreeOutline], _ forms: TreeForms) -> [PlannedRun]? {
        var runs: [PlannedRun] = []
        var first = 0
        var current = TreeOutline()
        var currentCost = 0
        func close(before end: Int) {
            if let best = current.best(forms), end > first {
                runs.append(PlannedRun(form: best.form, trees: first..<end))
            }
        }
        for start in stride(from: 0, to: outlines.count, by: ForestShape.groupTreeCount) {
            let end = min(start + ForestShape.groupTreeCount, outlines.count)
            let group = outlines[start..<end].reduce(TreeOutline()) { $0.merged(with: $1) }
            guard let alone = group.best(forms) else { return nil }
            if start > first, let together = current.merged(with: group).best(forms),
                end - first <= together.form.runTreeCountMax,
                together.cost * (end - first) <= currentCost * (start - first) + alone.cost * (end - start) + changeCost
            {
                current = current.merged(with: group)
                currentCost = together.cost
            } else {
                close(before: start)
                (first, current, currentCost) = (start, group, alone.cost)
            }
        }
        close(before: outlines.count)
        return runs
    }
}
