import CForestKernels

/// Writes groups one after another into the block of an explainer's plan.
@safe struct ExplainerWriter {
    // Safety: the plan's memory, of which each group takes what it counted, in order.
    private let start: UnsafeMutableRawPointer
    private var splits: UnsafeMutablePointer<assay_shap_split>
    private var leaves: UnsafeMutablePointer<Double>
    private var factors: UnsafeMutablePointer<Double>
    private let ruleOffsets: [Int: Int]
    private let view: ForestView
    private let columns: ExplainerColumns

    init(_ view: ForestView, _ columns: ExplainerColumns, _ start: UnsafeMutableRawPointer, _ layout: ExplainerPlan.Layout) {
        self.view = view
        self.columns = columns
        unsafe self.start = start
        ruleOffsets = layout.ruleOffsets
        unsafe splits = (start + layout.splits).assumingMemoryBound(to: assay_shap_split.self)
        unsafe leaves = (start + layout.leaves).assumingMemoryBound(to: Double.self)
        unsafe factors = (start + layout.factors).assumingMemoryBound(to: Double.self)
    }

    mutating func write(_ group: ExplainerGroups.Group, _ nodes: ExplainerGroupNodes) -> assay_shap_group {
        let rule = unsafe (start + (ruleOffsets[group.pointCount] ?? 0)).assumingMemoryBound(to: Double.self)
        unsafe writeRule(group, to: rule)
        writeLeaves(group, nodes.nodes)
        unsafe writeSplits(group, nodes.nodes, rule)
        let written = unsafe assay_shap_group(
            splits: splits, leaves: leaves, rule: rule, factors: factors, root_count: UInt32(group.trees.count),
            inner_count: UInt32(group.innerCount), pair_count: UInt32(group.pairCount), leaf_count: UInt32(group.leafCount),
            point_count: UInt32(group.pointCount), stride: UInt32(group.stride))
        unsafe splits += group.splitCount
        unsafe leaves += group.leafCount * view.shape.leafWidth
        unsafe factors += group.factorCount
        return unsafe written
    }

    /// Weights, points, and what remains of 1; a vector is filled up with points of weight 0.
    private func writeRule(_ group: ExplainerGroups.Group, to rule: UnsafeMutablePointer<Double>) {
        let quadrature = ExplainerQuadrature(count: group.pointCount)
        let stride = group.stride
        for index in 0..<stride {
            let isPoint = index < group.pointCount
            let point = isPoint ? quadrature.points[index] : 0.5
            unsafe rule[index] = isPoint ? quadrature.weights[index] : 0
            unsafe rule[stride + index] = point
            unsafe rule[2 * stride + index] = 1 - point
        }
    }

    private func writeLeaves(_ group: ExplainerGroups.Group, _ nodes: [ExplainerGroupNodes.Node]) {
        for node in nodes {
            guard let left = node.left else { continue }
            for (side, child) in nodes[left...(left + 1)].enumerated() where child.left == nil {
                let place =
                    node.isPair ? 2 * (node.name - group.innerCount) + side : child.name - group.splitCount + 2 * group.pairCount
                let ordinal = unsafe Int(view.nodes[child.index].key)
                for column in 0..<view.shape.leafWidth {
                    unsafe leaves[column * group.leafCount + place] = view.leafValue(ordinal, column)
                }
            }
        }
    }

    private func writeSplits(
        _ group: ExplainerGroups.Group, _ nodes: [ExplainerGroupNodes.Node], _ rule: UnsafePointer<Double>
    ) {
        let count = 2 * group.stride
        if group.hasFactors {
            unsafe writeFactors(at: 0, reach: nil, group, rule)
            unsafe writeFactors(at: count, reach: 1, group, rule)
        }
        var factor = 2 * count
        for node in nodes {
            guard let left = node.left else { continue }
            var split = split(node, nodes, left)
            if !group.hasFactors {
                split.reach = node.path.reach
            } else if node.path.above == .none {
                split.factor = UInt64(count)
            } else {
                split.factor = UInt64(factor)
                unsafe writeFactors(at: factor, reach: node.path.reach, group, rule)
                factor += count
            }
            unsafe splits[node.name] = split
        }
    }

    /// k and t of a split with so much reach, or of a path that the row has left.
    private func writeFactors(
        at offset: Int, reach: Double?, _ group: ExplainerGroups.Group, _ rule: UnsafePointer<Double>
    ) {
        let stride = group.stride
        for index in 0..<stride {
            let point = unsafe rule[stride + index]
            let rest = unsafe rule[2 * stride + index]
            let sum = point + rest * (reach ?? 0)
            unsafe factors[offset + index] = reach.map { rest * $0 / sum } ?? 1
            unsafe factors[offset + stride + index] = reach.map { $0 / (sum * sum) } ?? 0
        }
    }

    private func split(_ node: ExplainerGroupNodes.Node, _ nodes: [ExplainerGroupNodes.Node], _ left: Int) -> assay_shap_split {
        let packed = unsafe view.nodes[node.index]
        let share = view.leftShare(left: nodes[left].index)
        let slot = view.slot(of: packed)
        let above = node.path.above
        var split = assay_shap_split()
        split.key = packed.key
        split.slot = columns.placeOfSlot[slot]
        split.column = columns.columnOfSlot[slot]
        if above != .none { split.above = UInt32(2 + 2 * nodes[above.node].name + (above.isRight ? 1 : 0)) }
        if !node.isPair { split.child = (UInt32(nodes[left].name), UInt32(nodes[left + 1].name)) }
        split.share = (1 - share, share)
        return split
    }
}
