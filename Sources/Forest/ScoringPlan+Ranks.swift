import CForestKernels

/// The thresholds of each feature as a tree of blocks of 16, the last level first: blocks of thresholds, blocks of the last
/// threshold of each of those blocks, and so on until one block is left. Blocks are filled up with NaN, which counts as above
/// every value, so that a search never leaves the blocks there are.
struct RankTable {
    static let blockCount = 16

    /// Exact in the feature precision.
    private(set) var values: [Double] = []
    private(set) var ranks: [assay_rank] = []
    private(set) var upperLevels: [UInt32] = []
    /// How many of `ranks`, which are sorted by their level count, have one level, and how many two at most.
    private(set) var oneLevelEnd = 0
    private(set) var twoLevelEnd = 0

    init(_ view: ForestView) {
        for feature in 0..<view.shape.featureCount {
            let range = view.thresholdRange(ofFeature: feature)
            if !range.isEmpty { append(feature, range.map(view.threshold)) }
        }
        ranks.sort { ($0.level_count, $0.feature) < ($1.level_count, $1.feature) }
        oneLevelEnd = ranks.count { $0.level_count == 1 }
        twoLevelEnd = ranks.count { $0.level_count <= 2 }
    }

    /// Tells each feature's rank its slots.
    mutating func assign(_ slots: SlotTable) {
        for index in ranks.indices {
            let first = slots.firstChunk[Int(ranks[index].feature)]
            ranks[index].first_chunk = UInt32(first)
            ranks[index].chunk = slots.chunks[first]
        }
    }

    private mutating func append(_ feature: Int, _ thresholds: [Double]) {
        var rank = assay_rank()
        rank.feature = UInt32(feature)
        rank.upper = UInt32(upperLevels.count)
        rank.chunk_count = UInt16(clamping: SlotTable.chunkCount(thresholdCount: thresholds.count))
        var level = thresholds
        // A value above all thresholds goes on in the block after the last full one, which must be there, too.
        if level.count > Self.blockCount { level.append(.nan) }
        while true {
            while level.count % Self.blockCount != 0 { level.append(.nan) }
            switch rank.level_count {
            case 0: rank.levels.0 = UInt32(values.count)
            case 1: rank.levels.1 = UInt32(values.count)
            default: upperLevels.append(UInt32(values.count))
            }
            rank.level_count += 1
            values += level
            if level.count == Self.blockCount { break }
            level = stride(from: Self.blockCount - 1, to: level.count, by: Self.blockCount).map { level[$0] }
        }
        ranks.append(rank)
    }
}
