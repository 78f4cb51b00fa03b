import Forest

/// The layout of a bundle file, in little-endian; docs/BUNDLE.md has it byte by byte.
enum BundleFormat {
    /// "ASSAYBDL".
    static let magic: UInt64 = 0x4c44_4259_4153_5341
    static let version: UInt32 = 2
    static let headerByteCount = 64
    static let sectionEntryByteCount = 24
    /// Eight times what version 2 defines.
    static let sectionCountMax = 192
    static let alignment = 64
    /// The SHA-256 of all bytes before it ends the file, so that one pass computes it and the digest of the whole file.
    static let trailerByteCount = 32

    static func aligned(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }
}

/// The sections of format version 2.
public enum SectionID: UInt32, Sendable, CaseIterable, CustomStringConvertible {
    case identity = 1
    case schema = 2
    case policy = 3
    case provenance = 4
    case forestNodes = 5
    case forestRoots = 6
    case forestTreeOutputs = 7
    case forestGroupDepths = 8
    case forestBaseMargins = 9
    case goldenRows = 10
    case forestFeatures = 11
    case forestThresholds = 12
    case forestLeafValues = 13
    case forestLeafNumbers = 14
    case forestCovers = 15
    case forestCategoryFeatures = 16
    case forestCategories = 17
    case forestCategoryWords = 18
    case linearWeights = 19
    case scaler = 32

    public var description: String {
        switch self {
        case .identity: "identity"
        case .schema: "schema"
        case .policy: "policy"
        case .provenance: "provenance"
        case .forestNodes: "forest.nodes"
        case .forestRoots: "forest.roots"
        case .forestTreeOutputs: "forest.tree_outputs"
        case .forestGroupDepths: "forest.group_depths"
        case .forestBaseMargins: "forest.base_margins"
        case .goldenRows: "golden_rows"
        case .forestFeatures: "forest.features"
        case .forestThresholds: "forest.thresholds"
        case .forestLeafValues: "forest.leaf_values"
        case .forestLeafNumbers: "forest.leaf_numbers"
        case .forestCovers: "forest.covers"
        case .forestCategoryFeatures: "forest.category_features"
        case .forestCategories: "forest.categories"
        case .forestCategoryWords: "forest.category_words"
        case .linearWeights: "linear.weights"
        case .scaler: "scaler"
        }
    }
}

extension SectionID {
    /// Where a part of the forest lies.
    init(_ part: ForestPart) {
        switch part {
        case .nodes: self = .forestNodes
        case .roots: self = .forestRoots
        case .treeOutputs: self = .forestTreeOutputs
        case .groupDepths: self = .forestGroupDepths
        case .baseMargins: self = .forestBaseMargins
        case .features: self = .forestFeatures
        case .thresholds: self = .forestThresholds
        case .leafValues: self = .forestLeafValues
        case .leafNumbers: self = .forestLeafNumbers
        case .covers: self = .forestCovers
        case .categoryFeatures: self = .forestCategoryFeatures
        case .categories: self = .forestCategories
        case .categoryWords: self = .forestCategoryWords
        }
    }
}

/// Section numbers with a meaning already promised, refused until a format version defines their bytes.
enum ReservedSection: UInt32 {
    case costs = 33
    case referenceHistograms = 35
}
