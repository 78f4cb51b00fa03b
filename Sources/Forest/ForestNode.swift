/// One node of a packed forest: 8 bytes, and the right child follows the left one.
///
/// A row goes right exactly if the key in the node's slot is greater than the node's `key`: the index of the split's threshold among
/// those of its feature, 0 for a category split. `key` of a leaf is its ordinal. `link` holds in its low bits the slot of the row to
/// compare with, and above them the distance in nodes to the left child. A leaf has slot 0, which always holds the least key, and
/// distance 0: a walk that has arrived stays, so that every walk can take the same number of steps and nothing branches on the data.
public struct ForestNode: Sendable, Equatable, BitwiseCopyable {
    public var key: UInt32
    public var link: UInt32

    static func leaf(ordinal: Int) -> ForestNode { ForestNode(key: UInt32(ordinal), link: 0) }
}

/// The integers a walk compares. A feature's key is its rank: how many of the feature's own thresholds are not above the value.
public enum RowKey {
    /// A missing value that goes left, and what a leaf is compared with: no node's key is below it.
    public static let least: UInt32 = 0
    /// A missing value that goes right: above every node's key.
    public static let greatest: UInt32 = .max
}

/// Where the keys of a row lie: slot 0 is for leaves; feature f has slot 1 + 2f, in which a missing value goes left, and slot 2 + 2f,
/// in which it goes right; then each set of categories has one. So a missing value costs the walk nothing.
public enum Slot {
    public static func of(feature: Int, missingGoesLeft: Bool) -> Int { 1 + 2 * feature + (missingGoesLeft ? 0 : 1) }
    public static func firstCategorySlot(featureCount: Int) -> Int { 1 + 2 * featureCount }
}

/// The thresholds of one feature, as they lie in a bundle.
public struct PackedFeature: Sendable, Equatable, BitwiseCopyable {
    /// The index after its last threshold; the first one follows the last of the feature before.
    public var thresholdEnd: UInt32
    public var flags: UInt32

    /// Values of at most 1e-35 in magnitude are missing, too.
    public static let zeroIsMissing: UInt32 = 1
}

/// A feature that category splits test, as it lies in a bundle.
///
/// Its bits are rows of `wordCount` words, bit `index % 32` of word `index / 32` for the feature's slot `firstSlot + index`: first the
/// row of a value that is in no set (all zero), then that of a missing value, then one for each of its categories.
public struct PackedCategoryFeature: Sendable, Equatable, BitwiseCopyable {
    public var feature: UInt32
    public var firstSlot: UInt32
    public var slotCount: UInt32
    /// Into the table of categories, where they ascend.
    public var firstCategory: UInt32
    public var categoryCount: UInt32
    public var firstWord: UInt32
    public var wordCount: UInt32
    public var zero: UInt32 = 0

    public static let unknownRow = 0
    public static let missingRow = 1
    public static let firstCategoryRow = 2

    var rowCount: Int { Int(categoryCount) + Self.firstCategoryRow }
}
