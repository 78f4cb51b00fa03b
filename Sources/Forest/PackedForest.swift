/// A tree ensemble in the layout that scoring uses, which is also its layout in a bundle file.
public struct PackedForest: Sendable {
    public internal(set) var shape: ForestShape
    public internal(set) var baseMargins: [Double]
    /// All nodes, tree after tree, level after level, siblings side by side; one padding leaf at the end.
    public internal(set) var nodes: [ForestNode] = []
    /// The index of each tree's root; filled up with the padding leaf to a multiple of 8.
    public internal(set) var roots: [UInt32] = []
    /// The output each tree adds to; filled up with 0.
    public internal(set) var treeOutputs: [UInt32] = []
    /// The depth of the deepest tree of each 8.
    public internal(set) var groupDepths: [UInt32] = []
    /// One a feature.
    public internal(set) var features: [PackedFeature] = []
    /// Feature after feature, ascending, each exactly representable in the feature precision.
    public internal(set) var thresholds: [Double] = []
    /// `[leafCount + 1, leafWidth]`, each exactly representable in the sum precision; the padding leaf's are -0, the one value that
    /// changes no sum, not even that of minus zero.
    public internal(set) var leafValues: [Double] = []
    /// What the framework calls each leaf; the padding leaf is 0.
    public internal(set) var leafNumbers: [UInt32] = []
    /// One a node, or none.
    public internal(set) var covers: [Double] = []
    public internal(set) var categoryFeatures: [PackedCategoryFeature] = []
    public internal(set) var categories: [UInt32] = []
    public internal(set) var categoryWords: [UInt32] = []

    /// Packs an ensemble.
    ///
    /// - Throws: What makes it impossible to score, and where.
    public init(_ ensemble: TreeEnsemble) throws(ForestError) {
        var packer = try ForestPacker(ensemble)
        for index in ensemble.trees.indices { try packer.append(ensemble.trees[index], index: index) }
        self = try packer.finish()
    }

    init(shape: ForestShape, baseMargins: [Double]) {
        self.shape = shape
        self.baseMargins = baseMargins
    }

    /// Lends a view over copies of these arrays, valid inside `body` only.
    public func withView<Result>(_ body: (ForestView) throws -> Result) rethrows -> Result {
        var parts = ForestParts<[UInt8]>(repeating: [])
        for part in ForestPart.allCases { parts[part] = bytes(of: part) }
        // One aligned block: every part at a multiple of 64, as in a bundle file.
        let offsets = ForestPart.allCases.reduce(into: [0]) { $0.append(($0.last! + parts[$1].count + 63) / 64 * 64) }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(offsets.last!, 64), alignment: 64)
        defer { unsafe block.deallocate() }
        var pointers = unsafe ForestParts<UnsafeRawPointer>(repeating: UnsafeRawPointer(block.baseAddress!))
        for (part, offset) in zip(ForestPart.allCases, offsets) {
            unsafe UnsafeMutableRawBufferPointer(rebasing: block[offset...]).copyBytes(from: parts[part])
            unsafe pointers[part] = UnsafeRawPointer(block.baseAddress!) + offset
        }
        return try unsafe body(ForestView(shape: shape, parts: pointers))
    }

    /// A part as it lies in a bundle.
    public func bytes(of part: ForestPart) -> [UInt8] {
        switch part {
        case .nodes: Self.bytes(nodes)
        case .roots: Self.bytes(roots)
        case .treeOutputs: Self.bytes(treeOutputs)
        case .groupDepths: Self.bytes(groupDepths)
        case .baseMargins: Self.bytes(baseMargins)
        case .features: Self.bytes(features)
        case .thresholds: Self.bytes(thresholds, shape.featurePrecision)
        case .leafValues: Self.bytes(leafValues, shape.sumPrecision)
        case .leafNumbers: Self.bytes(leafNumbers)
        case .covers: Self.bytes(covers)
        case .categoryFeatures: Self.bytes(categoryFeatures)
        case .categories: Self.bytes(categories)
        case .categoryWords: Self.bytes(categoryWords)
        }
    }

    private static func bytes(_ values: [Double], _ precision: Precision) -> [UInt8] {
        precision == .float32 ? bytes(values.map(Float.init)) : bytes(values)
    }

    private static func bytes<Element: BitwiseCopyable>(_ elements: [Element]) -> [UInt8] {
        unsafe elements.withUnsafeBytes { unsafe Array($0) }
    }
}

/// The arrays a packed forest consists of, in the order of their sections in a bundle.
public enum ForestPart: Int, CaseIterable, Sendable {
    case nodes, roots, treeOutputs, groupDepths, baseMargins, features, thresholds, leafValues, leafNumbers, covers
    case categoryFeatures, categories, categoryWords

    /// How many bytes the part has in a forest of that shape.
    public func byteCount(in shape: ForestShape) -> Int {
        switch self {
        case .nodes: shape.nodeCount * 8
        case .roots, .treeOutputs: shape.paddedTreeCount * 4
        case .groupDepths: shape.groupCount * 4
        case .baseMargins: shape.rawCount * 8
        case .features: shape.featureCount * 8
        case .thresholds: shape.thresholdCount * shape.featurePrecision.byteCount
        case .leafValues: shape.leafValueCount * shape.sumPrecision.byteCount
        case .leafNumbers: (shape.leafCount + 1) * 4
        case .covers: shape.coverCount * 8
        case .categoryFeatures: shape.categoryFeatureCount * 32
        case .categories: shape.categoryCount * 4
        case .categoryWords: shape.categoryWordCount * 4
        }
    }
}

/// Something for each part of a forest.
public struct ForestParts<Value> {
    private var values: [Value]

    public init(repeating value: Value) { values = Array(repeating: value, count: ForestPart.allCases.count) }

    public subscript(part: ForestPart) -> Value {
        get { values[part.rawValue] }
        set { values[part.rawValue] = newValue }
    }
}
