/// The shape of a LightGBM tree: every node but the root has one parent, and the root reaches them all.
struct LightGBMShape {
    /// Inner nodes from 0, leaves from -1 down; as many lefts as rights, one fewer than leaves.
    let left: [Int]
    let right: [Int]
    let tree: Int

    /// Where a node is in the ensemble's tree: inner nodes keep their numbers, leaf ~k comes at k after them all.
    static func place(_ node: Int, _ innerCount: Int) -> Int { node >= 0 ? node : innerCount + ~node }

    func check() throws(LightGBMError) {
        let count = left.count
        var hasParent = [Bool](repeating: false, count: 2 * count + 1)
        hasParent[0] = true
        for node in 0..<count {
            for child in [left[node], right[node]] {
                guard (-count - 1..<count).contains(child) else { throw .childOutOfRange(tree: tree, node: node, child: child) }
                let place = Self.place(child, count)
                guard !hasParent[place] else { throw .childReachedTwice(tree: tree, node: node, child: child) }
                hasParent[place] = true
            }
        }
        // With one parent each, what the root does not reach goes round in a circle.
        var isReached = [Bool](repeating: false, count: count)
        var waiting = [0]
        while let node = waiting.popLast() {
            isReached[node] = true
            for child in [left[node], right[node]] where child >= 0 { waiting.append(child) }
        }
        if let node = isReached.firstIndex(of: false) { throw .nodeUnreached(tree: tree, node: node) }
    }
}
