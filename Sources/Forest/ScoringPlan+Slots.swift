import CForestKernels

/// The bytes of a row: one for every 255 thresholds of a feature and each direction that missing values take in splits there.
struct SlotTable {
    static let chunkThresholdCount = ASSAY_CHUNK_THRESHOLDS

    private(set) var slotCount = 0
    /// The chunks of all features, and for each feature its first.
    private(set) var chunks: [assay_chunk] = []
    private(set) var firstChunk: [Int] = []

    static func chunkCount(thresholdCount: Int) -> Int { (thresholdCount + chunkThresholdCount - 1) / chunkThresholdCount }

    /// Nil if the forest needs more slots than a byte can number.
    init?(_ view: ForestView) {
        var chunkCount = 0
        for feature in 0..<view.shape.featureCount {
            firstChunk.append(chunkCount)
            chunkCount += Self.chunkCount(thresholdCount: view.thresholdRange(ofFeature: feature).count)
        }
        // Every chunk has at least one split in most forests: no use in looking at the nodes of such a one.
        guard chunkCount <= 2 * ASSAY_SLOTS else { return nil }
        var isUsed = [Bool](repeating: false, count: 2 * chunkCount)
        for index in 0..<view.shape.nodeCount {
            if let place = chunkPlace(of: view.node(index), view) { isUsed[place] = true }
        }
        slotCount = isUsed.count(where: \.self)
        guard slotCount <= ASSAY_SLOTS else { return nil }
        number(isUsed)
    }

    /// Twice the chunk of a numeric split's threshold, and 1 more if missing values go right.
    private func chunkPlace(of node: ForestNode, _ view: ForestView) -> Int? {
        let slot = view.slot(of: node)
        guard slot > 0, slot < Slot.firstCategorySlot(featureCount: view.shape.featureCount) else { return nil }
        return 2 * (firstChunk[(slot - 1) / 2] + Int(node.key) / Self.chunkThresholdCount) + (slot - 1) % 2
    }

    private mutating func number(_ isUsed: [Bool]) {
        let unused = UInt16(ASSAY_UNUSED_SLOT)
        var next: UInt16 = 0
        func slot(_ isUsed: Bool) -> UInt16 {
            guard isUsed else { return unused }
            next += 1
            return next - 1
        }
        chunks = stride(from: 0, to: isUsed.count, by: 2).map { assay_chunk(left: slot(isUsed[$0]), right: slot(isUsed[$0 + 1])) }
    }

    /// The slot of a numeric split and the rank that goes right if exceeded.
    func decision(of node: ForestNode, _ view: ForestView) -> (slot: UInt8, rank: UInt8)? {
        guard let place = chunkPlace(of: node, view) else { return nil }
        let chunk = chunks[place / 2]
        let slot = place % 2 == 0 ? chunk.left : chunk.right
        return (UInt8(truncatingIfNeeded: slot), UInt8(Int(node.key) % Self.chunkThresholdCount))
    }
}

extension ForestView {
    @inline(__always)
    func node(_ index: Int) -> ForestNode { unsafe nodes[index] }
}
