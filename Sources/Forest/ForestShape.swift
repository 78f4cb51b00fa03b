/// The numbers that say how long the parts of a packed forest are, and what they hold.
public struct ForestShape: Sendable, Equatable {
    public var featureCount: Int
    public var featurePrecision: Precision
    public var sumPrecision: Precision
    public var flushesTiny: Bool
    public var categoryRule: TreeEnsemble.CategoryRule
    /// How many sums there are; `outputCount` differs for argmax only.
    public var rawCount: Int
    /// 1, or `rawCount` when leaves are vectors.
    public var leafWidth: Int
    public var transform: Transform
    public var treeCount: Int
    /// Including the padding leaf.
    public var nodeCount: Int
    /// Without the padding leaf.
    public var leafCount: Int
    public var thresholdCount: Int
    public var categoryFeatureCount: Int
    public var categoryCount: Int
    public var categoryWordCount: Int
    public var categorySlotCount: Int
    /// Whether the cover of each node is known.
    public var hasCovers: Bool

    public init(
        featureCount: Int, featurePrecision: Precision, sumPrecision: Precision, flushesTiny: Bool,
        categoryRule: TreeEnsemble.CategoryRule, rawCount: Int, leafWidth: Int, transform: Transform, treeCount: Int,
        nodeCount: Int, leafCount: Int, thresholdCount: Int, categoryFeatureCount: Int, categoryCount: Int,
        categoryWordCount: Int, categorySlotCount: Int, hasCovers: Bool
    ) {
        self.featureCount = featureCount
        self.featurePrecision = featurePrecision
        self.sumPrecision = sumPrecision
        self.flushesTiny = flushesTiny
        self.categoryRule = categoryRule
        self.rawCount = rawCount
        self.leafWidth = leafWidth
        self.transform = transform
        self.treeCount = treeCount
        self.nodeCount = nodeCount
        self.leafCount = leafCount
        self.thresholdCount = thresholdCount
        self.categoryFeatureCount = categoryFeatureCount
        self.categoryCount = categoryCount
        self.categoryWordCount = categoryWordCount
        self.categorySlotCount = categorySlotCount
        self.hasCovers = hasCovers
    }

    public static let groupTreeCount = 8

    public var outputCount: Int { transform.outputCount(rawCount: rawCount) }
    public var groupCount: Int { (treeCount + Self.groupTreeCount - 1) / Self.groupTreeCount }
    public var paddedTreeCount: Int { groupCount * Self.groupTreeCount }
    public var slotCount: Int { Slot.firstCategorySlot(featureCount: featureCount) + categorySlotCount }
    /// How many leaf values there are, those of the padding leaf included.
    public var leafValueCount: Int { (leafCount + 1) * leafWidth }
    public var coverCount: Int { hasCovers ? nodeCount : 0 }
    /// How many low bits of a node's link hold its slot: ten, or as many as the slots need.
    public var slotBitCount: Int { max(Self.commonSlotBitCount, Int.bitWidth - (slotCount - 1).leadingZeroBitCount) }

    /// Ten bits serve up to 511 features and leave 22 for the distance.
    static let commonSlotBitCount = 10

    /// Checks every count against its limit.
    public func check() throws(ForestError) {
        try Self.check(.features, featureCount, 1...ForestLimits.featureCountMax)
        try Self.check(.outputs, rawCount, 1...ForestLimits.outputCountMax)
        try Self.check(.trees, treeCount, 0...ForestLimits.treeCountMax)
        try Self.check(.nodes, nodeCount, (treeCount + 1)...ForestLimits.nodeCountMax)
        try Self.check(.leaves, leafCount, treeCount...(nodeCount - 1))
        try Self.check(.thresholds, thresholdCount, 0...nodeCount)
        try Self.check(.slots, categorySlotCount, 0...ForestLimits.slotCountMax)
        try Self.check(.slots, slotCount, 1...ForestLimits.slotCountMax)
        try Self.check(.categoryFeatures, categoryFeatureCount, 0...min(featureCount, categorySlotCount))
        try Self.check(.categoryWords, categoryWordCount, 0...ForestLimits.categoryWordCountMax)
        try Self.check(.categories, categoryCount, 0...max(categoryWordCount, 0))
        guard leafWidth == 1 || leafWidth == rawCount else { throw .leafWidthInvalid(leafWidth, outputCount: rawCount) }
        guard transform.isValid(in: sumPrecision) else { throw .transformInvalid }
    }

    /// Checks how many outputs there are, before anything is made for each.
    public static func checkOutputCount(_ count: Int) throws(ForestError) {
        try check(.outputs, count, 1...ForestLimits.outputCountMax)
    }

    static func check(_ quantity: ForestError.Quantity, _ count: Int, _ range: ClosedRange<Int>) throws(ForestError) {
        guard range.contains(count) else {
            throw .countOutOfRange(quantity, count: count, limit: count < range.lowerBound ? range.lowerBound : range.upperBound)
        }
    }
}
