/// Trees as complete heaps of pairs, for kernels that walk eight trees side by side.
extension ByteTrees {
    /// A split that always goes left: no rank is above 255.
    static let emptyPair: UInt16 = 0xff00

    mutating func appendPairs(_ range: Range<Int>, levelCount: Int) {
        let leafCount = 1 << levelCount
        // Trees that fill the last eight up go left to the padding leaf, minus zero.
        let paddedCount = (range.count + ForestShape.groupTreeCount - 1) / ForestShape.groupTreeCount * ForestShape.groupTreeCount
        let firstLink = shortLinks.count
        let firstOrdinal = ordinals.count
        shortLinks += repeatElement(Self.emptyPair, count: paddedCount * leafCount)
        ordinals += repeatElement(UInt32(view.shape.leafCount), count: paddedCount * leafCount)
        for (index, tree) in range.enumerated() {
            var pending = [(node: view.nodeRange(ofTree: tree).lowerBound, place: 1, level: 0)]
            while let (node, place, level) = pending.popLast() {
                let distance = view.distance(of: view.node(node))
                guard distance > 0 else {
                    ordinals[firstOrdinal + (index - 1) * leafCount + place << (levelCount - level)] = view.node(node).key
                    continue
                }
                if let decision = slots.decision(of: view.node(node), view) {
                    shortLinks[firstLink + index * leafCount + place] = UInt16(decision.slot) | UInt16(decision.rank) << 8
                }
                pending.append((node + distance, 2 * place, level + 1))
                pending.append((node + distance + 1, 2 * place + 1, level + 1))
            }
        }
    }
}
