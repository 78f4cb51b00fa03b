/// A packed forest somewhere in memory, usually in a mapped bundle.
///
/// The view is a plain value: copying it copies pointers and touches no reference count. `check` must have passed before it scores.
@safe public struct ForestView: @unchecked Sendable {
    // Safety: whoever makes a view owns the memory, keeps it readable and unchanged as long as any copy of the view, and has checked
    // that each part is as long as `shape` says; `check` proves that every index in it stays inside.
    public let shape: ForestShape
    public let nodes: UnsafePointer<ForestNode>
    /// `[paddedTreeCount]`
    public let roots: UnsafePointer<UInt32>
    /// `[paddedTreeCount]`
    public let treeOutputs: UnsafePointer<UInt32>
    /// `[groupCount]`
    public let groupDepths: UnsafePointer<UInt32>
    /// `[rawCount]`
    public let baseMargins: UnsafePointer<Double>
    /// `[featureCount]`
    public let features: UnsafePointer<PackedFeature>
    /// `[thresholdCount]`, Float or Double by `featurePrecision`.
    public let thresholds: UnsafeRawPointer
    /// `[leafCount + 1, leafWidth]`, Float or Double by `sumPrecision`.
    public let leafValues: UnsafeRawPointer
    /// `[leafCount + 1]`
    public let leafNumbers: UnsafePointer<UInt32>
    /// `[nodeCount]`, if there are covers.
    public let covers: UnsafePointer<Double>
    /// `[categoryFeatureCount]`
    public let categoryFeatures: UnsafePointer<PackedCategoryFeature>
    /// `[categoryCount]`
    public let categories: UnsafePointer<UInt32>
    /// `[categoryWordCount]`
    public let categoryWords: UnsafePointer<UInt32>
    let slotMask: UInt32
    let slotBitCount: UInt32

    /// A view over parts of at least `ForestPart.byteCount` bytes, in native byte order, each aligned to 8.
    public init(shape: ForestShape, parts: ForestParts<UnsafeRawPointer>) {
        self.shape = shape
        slotBitCount = UInt32(shape.slotBitCount)
        slotMask = 1 << slotBitCount - 1
        unsafe nodes = parts[.nodes].assumingMemoryBound(to: ForestNode.self)
        unsafe roots = parts[.roots].assumingMemoryBound(to: UInt32.self)
        unsafe treeOutputs = parts[.treeOutputs].assumingMemoryBound(to: UInt32.self)
        unsafe groupDepths = parts[.groupDepths].assumingMemoryBound(to: UInt32.self)
        unsafe baseMargins = parts[.baseMargins].assumingMemoryBound(to: Double.self)
        unsafe features = parts[.features].assumingMemoryBound(to: PackedFeature.self)
        unsafe thresholds = parts[.thresholds]
        unsafe leafValues = parts[.leafValues]
        unsafe leafNumbers = parts[.leafNumbers].assumingMemoryBound(to: UInt32.self)
        unsafe covers = parts[.covers].assumingMemoryBound(to: Double.self)
        unsafe categoryFeatures = parts[.categoryFeatures].assumingMemoryBound(to: PackedCategoryFeature.self)
        unsafe categories = parts[.categories].assumingMemoryBound(to: UInt32.self)
        unsafe categoryWords = parts[.categoryWords].assumingMemoryBound(to: UInt32.self)
    }

    /// How many steps down its trees a row takes and how many leaf values it adds, the measure of its cost.
    public var stepsPerRow: Int {
        let steps = (0..<shape.groupCount).reduce(0) { $0 + ForestShape.groupTreeCount * (unsafe Int(groupDepths[$1])) }
        return steps + shape.treeCount * shape.leafWidth
    }

    /// The thresholds of a feature, by their indices in the table of thresholds.
    public func thresholdRange(ofFeature feature: Int) -> Range<Int> {
        unsafe (feature == 0 ? 0 : Int(features[feature - 1].thresholdEnd))..<Int(features[feature].thresholdEnd)
    }

    /// The slot whose key a split looks at.
    @inline(__always)
    public func slot(of node: ForestNode) -> Int { Int(node.link & slotMask) }

    /// How many nodes further a split's left child is; 0 for a leaf.
    @inline(__always)
    public func distance(of node: ForestNode) -> Int { Int(node.link &>> slotBitCount) }

    /// One value of a leaf, widened.
    @inline(__always)
    public func leafValue(_ ordinal: Int, _ column: Int) -> Double {
        let index = ordinal &* shape.leafWidth &+ column
        return shape.sumPrecision == .float32
            ? unsafe Double(leafValues.assumingMemoryBound(to: Float.self)[index])
            : unsafe leafValues.assumingMemoryBound(to: Double.self)[index]
    }
}
