import CForestKernels

/// A tree cut into chains: from its first node a chain follows, split after split, the child that itself needs more chains, until
/// a leaf. However deep the tree, no path goes through more chains than the logarithm of its leaves. The decisions of a chain are
/// consecutive bits of a word; a bit is 1 where the row leaves the chain.
struct ChainedTree {
    /// The last bit of a word is always 1, and ends the last chain.
    static let wordDecisionCount = 63
    /// More words than any tree may have.
    static let impossibleWordCount = Int.max

    struct Chain {
        /// Node indices within the tree.
        var splits: [Int] = []
        /// The leaf at its end, or the chain that continues one too long for a word.
        var end: Target = .leaf(0)
        var word = 0
        var bit = 0
    }

    /// Where a chain goes on.
    enum Target {
        case leaf(Int)
        case chain(Int)
    }

    private(set) var chains: [Chain] = []
    /// For each split, where it goes when the row leaves the chain there, and whether that is its right child.
    private(set) var exits: [Target]
    private(set) var exitIsRight: [Bool]
    private(set) var depth = 0
    private(set) var wordCount = 0

    /// Nil if the tree has more splits than words can hold.
    init?(_ view: ForestView, tree: Int) {
        let range = view.nodeRange(ofTree: tree)
        let words = ASSAY_TREE_WORDS
        guard range.count <= 2 * words * Self.wordDecisionCount else { return nil }
        exits = Array(repeating: .leaf(0), count: range.count)
        exitIsRight = Array(repeating: false, count: range.count)
        let needs = Self.chainNeeds(view, range)
        var depths = [1]
        chains.append(Chain())
        var pending = [(chain: 0, node: 0)]
        while let (chain, first) = pending.popLast() {
            follow(view, range, chain: chain, from: first, needs: needs, depths: &depths, pending: &pending)
        }
        depth = depths.max() ?? 1
        place()
        guard wordCount <= words else { return nil }
    }

    /// How many chains a path below each node goes through at most: as with the Strahler number of rivers.
    private static func chainNeeds(_ view: ForestView, _ range: Range<Int>) -> [Int] {
        var needs = [Int](repeating: 0, count: range.count)
        for index in range.reversed() {
            let distance = view.distance(of: view.node(index))
            guard distance > 0 else { continue }
            let place = index - range.lowerBound
            let left = needs[place + distance]
            let right = needs[place + distance + 1]
            needs[place] = max(max(left, right), min(left, right) + 1)
        }
        return needs
    }

    private mutating func follow(
        _ view: ForestView, _ range: Range<Int>, chain: Int, from first: Int, needs: [Int], depths: inout [Int],
        pending: inout [(chain: Int, node: Int)]
    ) {
        var place = first
        func begin(_ node: Int) -> Target {
            chains.append(Chain())
            depths.append(depths[chain] + 1)
            pending.append((chains.count - 1, node))
            return .chain(chains.count - 1)
        }
        func target(_ node: Int) -> Target {
            view.distance(of: view.node(range.lowerBound + node)) > 0 ? begin(node) : .leaf(node)
        }
        while true {
            let distance = view.distance(of: view.node(range.lowerBound + place))
            guard distance > 0 else {
                chains[chain].end = .leaf(place)
                return
            }
            if chains[chain].splits.count == Self.wordDecisionCount {
                chains[chain].end = begin(place)
                return
            }
            chains[chain].splits.append(place)
            let left = place + distance
            let leavesRight = needs[left] >= needs[left + 1]
            exitIsRight[place] = leavesRight
            exits[place] = target(leavesRight ? left + 1 : left)
            place = leavesRight ? left : left + 1
        }
    }

    /// Puts each chain into the first word that has room.
    private mutating func place() {
        var used: [Int] = []
        for index in chains.indices {
            let count = chains[index].splits.count
            let word = used.firstIndex { $0 + count <= Self.wordDecisionCount } ?? used.count
            if word == used.count { used.append(0) }
            chains[index].word = word
            chains[index].bit = used[word]
            used[word] += count
        }
        wordCount = used.count
    }
}
