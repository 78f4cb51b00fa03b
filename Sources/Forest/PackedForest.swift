/// A tree ensemble in the layout that scoring uses, which is also its layout in a bundle file.
public struct PackedForest: Sendable {
    public let shape: ForestShape
    /// All nodes, tree after tree, level after level, siblings side by side; one padding leaf at the end.
    public let nodes: [ForestNode]
    /// The index of each tree's root; filled up with the padding leaf to a multiple of 8.
    public let roots: [UInt32]
    /// The output each tree adds to; filled up with 0.
    public let treeOutputs: [UInt32]
    /// The depth of the deepest tree of each 8.
    public let groupDepths: [UInt32]
    public let baseMargins: [Float]

    /// Packs an ensemble.
    ///
    /// - Throws: What makes it impossible to score, and where.
    public init(_ ensemble: TreeEnsemble) throws(ForestError) {
        var packer = try ForestPacker(ensemble)
        for index in ensemble.trees.indices { try packer.append(ensemble.trees[index], index: index) }
        packer.finish()
        shape = ForestShape(
            featureCount: ensemble.featureCount, rawCount: ensemble.baseMargins.count, transform: ensemble.transform,
            treeCount: ensemble.trees.count, nodeCount: packer.nodes.count, slotBitCount: packer.slotBitCount)
        nodes = packer.nodes
        roots = packer.roots
        treeOutputs = packer.treeOutputs
        groupDepths = packer.groupDepths
        baseMargins = ensemble.baseMargins
    }

    /// Lends a view over these arrays, valid inside `body` only.
    public func withView<Result>(_ body: (ForestView) throws -> Result) rethrows -> Result {
        try unsafe nodes.withUnsafeBufferPointer { nodes in
            try unsafe roots.withUnsafeBufferPointer { roots in
                try unsafe treeOutputs.withUnsafeBufferPointer { treeOutputs in
                    try unsafe groupDepths.withUnsafeBufferPointer { groupDepths in
                        try unsafe baseMargins.withUnsafeBufferPointer { baseMargins in
                            try body(
                                unsafe ForestView(
                                    shape: shape, nodes: UnsafeRawPointer(nodes.baseAddress!),
                                    roots: UnsafeRawPointer(roots.baseAddress ?? .init(bitPattern: 8)!),
                                    treeOutputs: UnsafeRawPointer(treeOutputs.baseAddress ?? .init(bitPattern: 8)!),
                                    groupDepths: UnsafeRawPointer(groupDepths.baseAddress ?? .init(bitPattern: 8)!),
                                    baseMargins: UnsafeRawPointer(baseMargins.baseAddress!)))
                        }
                    }
                }
            }
        }
    }
}

/// The numbers that say how long the parts of a packed forest are.
public struct ForestShape: Sendable, Equatable {
    public let featureCount: Int
    /// How many sums there are; `outputCount` differs for argmax only.
    public let rawCount: Int
    public let transform: Transform
    public let treeCount: Int
    /// Including the padding leaf.
    public let nodeCount: Int
    /// How many low bits of a node's link hold its slot.
    public let slotBitCount: Int

    public static let groupTreeCount = 8

    public var outputCount: Int { transform.outputCount(rawCount: rawCount) }
    public var groupCount: Int { (treeCount + Self.groupTreeCount - 1) / Self.groupTreeCount }
    public var paddedTreeCount: Int { groupCount * Self.groupTreeCount }

    public init(featureCount: Int, rawCount: Int, transform: Transform, treeCount: Int, nodeCount: Int, slotBitCount: Int) {
        self.featureCount = featureCount
        self.rawCount = rawCount
        self.transform = transform
        self.treeCount = treeCount
        self.nodeCount = nodeCount
        self.slotBitCount = slotBitCount
    }

    /// Checks every count against its limit and the slot bits against the feature count.
    public func check() throws(ForestError) {
        try Self.check(.features, featureCount, 1...ForestLimits.featureCountMax)
        try Self.check(.outputs, rawCount, 1...ForestLimits.outputCountMax)
        try Self.check(.trees, treeCount, 0...ForestLimits.treeCountMax)
        try Self.check(.nodes, nodeCount, (treeCount + 1)...ForestLimits.nodeCountMax)
        guard slotBitCount == Self.slotBitCount(featureCount: featureCount) else { throw .slotBitCountInvalid(slotBitCount) }
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

    /// Ten bits serve up to 511 features and leave 22 for the distance; the kernel has them built in.
    static let commonSlotBitCount = 10

    static func slotBitCount(featureCount: Int) -> Int {
        max(commonSlotBitCount, Int.bitWidth - (Slot.count(featureCount: featureCount) - 1).leadingZeroBitCount)
    }
}
