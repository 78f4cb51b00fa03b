import CForestKernels

/// Trees as chains.
extension ByteTrees {
    mutating func appendChains(_ range: Range<Int>, wordCount: Int, _ run: Run) {
        for tree in range {
            guard let chains = chained[tree] else { preconditionFailure("tree \(tree) has no chains") }
            let entries = ChainEntries(chains, view, tree: tree, isWide: run.plan.form.isWide)
            trees.append(
                assay_tree(
                    first_link: UInt32(
                        run.plan.form.isWide ? longLinks.count - run.firstLongLink : shortLinks.count - run.firstShortLink),
                    first_leaf: UInt32(truncatingIfNeeded: ordinals.count - run.firstOrdinal - entries.firstLeafIndex)))
            if run.plan.form.isWide {
                longLinks += entries.entries
            } else {
                shortLinks += entries.entries.map { UInt16($0) }
            }
            ordinals += entries.ordinals
            appendDecisions(chains, root: view.nodeRange(ofTree: tree).lowerBound, wordCount: wordCount)
        }
        if !run.plan.form.isWide { fillWordsUp(range.count, run) }
    }

    /// Trees of one word go abreast; those that are missing have the padding leaf alone, minus zero.
    private mutating func fillWordsUp(_ count: Int, _ run: Run) {
        for _ in 0..<((8 - count % 8) % 8) {
            trees.append(
                assay_tree(
                    first_link: UInt32(shortLinks.count - run.firstShortLink),
                    first_leaf: UInt32(ordinals.count - run.firstOrdinal)))
            // A leaf's entry, which leads to itself.
            shortLinks.append(UInt16(ChainedTree.wordDecisionCount))
            ordinals.append(UInt32(view.shape.leafCount))
            flips[appendWord()] = 1 << UInt64(ChainedTree.wordDecisionCount) | 1
            chainEnds.append(0)
        }
    }

    private mutating func appendDecisions(_ tree: ChainedTree, root: Int, wordCount: Int) {
        let firstWord = flips.count
        for _ in 0..<wordCount {
            flips[appendWord()] = 1 << UInt64(ChainedTree.wordDecisionCount)
            chainEnds.append(0)
        }
        for chain in tree.chains {
            for (index, place) in chain.splits.enumerated() {
                decide(
                    view.node(root + place), word: firstWord + chain.word, bit: chain.bit + index,
                    isFlipped: !tree.exitIsRight[place])
            }
            let end = chain.bit + chain.splits.count
            let lastEnd = chainEnds.count - wordCount + chain.word
            if end < ChainedTree.wordDecisionCount { chainEnds[lastEnd] |= 1 << UInt64(end) }
            // A tree of one leaf leaves its empty chain at once.
            if chain.splits.isEmpty { flips[firstWord] |= 1 }
        }
    }
}

/// Where chains lead: for each chain an entry for each of its splits and one for its end, then an entry for each leaf, which
/// leads to itself by way of bit 63 of word 0. An entry is the bit, the word if there are several, and the index of the entry for
/// that bit.
struct ChainEntries {
    private(set) var entries: [UInt32] = []
    /// The index of the first leaf's entry.
    let firstLeafIndex: Int
    /// The leaves' ordinals in the order of their entries.
    let ordinals: [UInt32]

    init(_ tree: ChainedTree, _ view: ForestView, tree index: Int, isWide: Bool) {
        let range = view.nodeRange(ofTree: index)
        let ordinals = range.lazy.map(view.node).filter { view.distance(of: $0) == 0 }.map(\.key)
        self.ordinals = Array(ordinals)
        let firstOrdinal = self.ordinals.first ?? 0
        var firstEntries: [Int] = []
        var count = 0
        for chain in tree.chains {
            firstEntries.append(count)
            count += chain.splits.count + 1
        }
        let firstLeafIndex = count
        self.firstLeafIndex = firstLeafIndex
        func entry(word: Int, bit: Int, index: Int) -> UInt32 {
            UInt32(isWide ? bit | word << 6 | index << 10 : bit | index << 6)
        }
        func leafEntry(_ ordinal: UInt32) -> UInt32 {
            entry(word: 0, bit: 63, index: firstLeafIndex + Int(ordinal - firstOrdinal))
        }
        func entry(_ target: ChainedTree.Target) -> UInt32 {
            switch target {
            case .chain(let chain): entry(word: tree.chains[chain].word, bit: tree.chains[chain].bit, index: firstEntries[chain])
            case .leaf(let place): leafEntry(view.node(range.lowerBound + place).key)
            }
        }
        entries.reserveCapacity(count + self.ordinals.count)
        for chain in tree.chains {
            for place in chain.splits { entries.append(entry(tree.exits[place])) }
            entries.append(entry(chain.end))
        }
        for ordinal in self.ordinals { entries.append(leafEntry(ordinal)) }
    }
}
