extension ForestView {
    /// By raw score: the score expected over the training data, which is the base margin and each tree's mean leaf.
    func expectedScores() -> [Double] {
        var scores = (0..<shape.rawCount).map { unsafe baseMargins[$0] }
        for tree in 0..<shape.treeCount {
            let nodes = nodeRange(ofTree: tree)
            for column in 0..<shape.leafWidth {
                let output = unsafe shape.leafWidth > 1 ? column : Int(treeOutputs[tree])
                scores[output] += meanLeaf(nodes, column: column)
            }
        }
        return scores
    }

    /// The mean of a tree's leaves over the training data.
    private func meanLeaf(_ range: Range<Int>, column: Int) -> Double {
        var means = [Double](repeating: 0, count: range.count)
        // Children come after their parent.
        for index in range.reversed() {
            let place = index - range.lowerBound
            if isSplit(index) {
                let distance = unsafe distance(of: nodes[index])
                let share = leftShare(left: index + distance)
                means[place] = share * means[place + distance] + (1 - share) * means[place + distance + 1]
            } else {
                means[place] = unsafe leafValue(Int(nodes[index].key), column)
            }
        }
        return means[0]
    }
}
