import CForestKernels

/// Trees of six complete levels and, below, nodes of four bytes, each with the distance to its left child; the right one follows
/// it.
extension ByteTrees {
    /// So that distances fit 16 bits, gaps included.
    static let steppedNodeCountMax = 60_000

    mutating func appendSteps(_ range: Range<Int>, _ run: Run) {
        for tree in range {
            alignSteps()
            let first = UInt32(longLinks.count - run.firstLongLink)
            trees.append(assay_tree(first_link: first, first_leaf: first))
            let ends = appendTop(root: view.nodeRange(ofTree: tree).lowerBound, run)
            var lower = SteppedNodes()
            let firstExit = exits.count
            exits += repeatElement(0, count: 64)
            for end in ends { exits[firstExit + end.place] = UInt16(lower.append(end.node)) }
            lower.appendBelow(view)
            for (node, distance) in zip(lower.nodes, lower.distances) { appendStep(node, distance) }
        }
        if run.plan.form.isPairs { fillLastEight(range.count, run) }
        precondition(
            ordinals.count - run.firstOrdinal == longLinks.count - run.firstLongLink, "a node without a place for its leaf")
    }

    /// Trees that only have the padding leaf, minus zero.
    private mutating func fillLastEight(_ count: Int, _ run: Run) {
        for _ in 0..<((8 - count % 8) % 8) {
            let first = UInt32(longLinks.count - run.firstLongLink)
            trees.append(assay_tree(first_link: first, first_leaf: first))
            appendStep(nil, 0)
            shortLinks += repeatElement(Self.emptyPair, count: 64)
            exits += repeatElement(0, count: 64)
        }
    }

    /// Begins a tree's nodes with a line, and its leaves at the same place.
    private mutating func alignSteps() {
        while longLinks.count % 16 != 0 { appendStep(nil, 0) }
    }

    /// The first six levels, and the nodes where they end, by their place among the 64 ends.
    private mutating func appendTop(root: Int, _ run: Run) -> [(place: Int, node: Int)] {
        let isPairs = run.plan.form.isPairs
        let word = isPairs ? 0 : appendWord()
        let firstLink = shortLinks.count
        if isPairs { shortLinks += repeatElement(Self.emptyPair, count: 64) }
        var ends: [(place: Int, node: Int)] = []
        var pending = [(node: root, place: 1, level: 0)]
        while let (index, place, level) = pending.popLast() {
            let node = view.node(index)
            let distance = view.distance(of: node)
            guard distance > 0, level < 6 else {
                ends.append((place << (6 - level) - 64, index))
                continue
            }
            if !isPairs {
                decide(node, word: word, bit: Self.bit(of: place, level: level, levelCount: 6), isFlipped: false)
            } else if let decision = slots.decision(of: node, view) {
                shortLinks[firstLink + place] = UInt16(decision.slot) | UInt16(decision.rank) << 8
            }
            pending.append((index + distance + 1, 2 * place + 1, level + 1))
            pending.append((index + distance, 2 * place, level + 1))
        }
        return ends
    }

    private mutating func appendStep(_ index: Int?, _ distance: Int) {
        var link: UInt32 = 0xff00
        var ordinal = UInt32(view.shape.leafCount)
        if let index {
            let node = view.node(index)
            if distance == 0 {
                ordinal = node.key
            } else if let decision = slots.decision(of: node, view) {
                link = UInt32(decision.slot) | UInt32(decision.rank) << 8 | UInt32(distance) << 16
            }
        }
        longLinks.append(link)
        ordinals.append(ordinal)
    }
}

/// Nodes in an order in which a walk finds several levels in one cache line: each line of 16 nodes takes up, breadth first, what
/// lies below the node that it begins with.
struct SteppedNodes {
    /// Node indices in the forest, nil for gaps; distances to left children, 0 for leaves.
    private(set) var nodes: [Int?] = []
    private(set) var distances: [Int] = []
    private static let lineNodeCount = 16

    mutating func append(_ node: Int?) -> Int {
        nodes.append(node)
        distances.append(0)
        return nodes.count - 1
    }

    /// Appends what lies below the nodes appended before.
    mutating func appendBelow(_ view: ForestView) {
        var pending = Array(nodes.indices.reversed())
        while nodes.count % Self.lineNodeCount != 0 { _ = append(nil) }
        while let place = pending.popLast() {
            var line = [place]
            var next = 0
            // Of a full line, what is left over begins lines of its own.
            repeat {
                appendChildren(of: line[next], view, &line)
                next += 1
            } while next < line.count && nodes.count % Self.lineNodeCount != 0
            pending += line[next...].reversed()
        }
    }

    private mutating func appendChildren(of place: Int, _ view: ForestView, _ line: inout [Int]) {
        guard let index = nodes[place] else { return }
        let distance = view.distance(of: view.node(index))
        guard distance > 0 else { return }
        distances[place] = nodes.count - place
        line.append(append(index + distance))
        line.append(append(index + distance + 1))
    }
}
