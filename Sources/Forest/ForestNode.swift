/// One node of a packed forest: 8 bytes, and the right child follows the left one.
///
/// `key` of a split is the order key of its threshold minus one, so that a row goes right exactly if its key is greater. `key` of a
/// leaf is its value's bits. `link` holds in its low bits the slot of the row to compare with, and above them the distance in nodes
/// to the left child. A leaf has slot 0, which always holds the least key, and distance 0: the walk stays where it is, so that every
/// walk takes the same number of steps and nothing branches on the data.
public struct ForestNode: Sendable, Equatable, BitwiseCopyable {
    var key: UInt32
    var link: UInt32

    static func leaf(_ value: Float) -> ForestNode { ForestNode(key: value.bitPattern, link: 0) }

    /// What fills the last group of eight trees up: minus zero is the one value that changes no sum, not even that of minus zero.
    static let padding = leaf(-0.0)

    var value: Float { Float(bitPattern: key) }
}

/// An unsigned integer for each Float but NaN in the order of Floats, with -0 and +0 the same.
enum OrderKey {
    /// A missing value that goes left, and what a leaf is compared with: below the key of every number.
    static let least: UInt32 = 0
    /// A missing value that goes right: above the key of every number.
    static let greatest: UInt32 = .max

    @inline(__always)
    static func of(_ value: Float) -> UInt32 {
        let bits = Int32(bitPattern: (value + 0).bitPattern)
        return UInt32(bitPattern: bits ^ (bits &>> 31 | Int32.min))
    }

    static func value(of key: UInt32) -> Float {
        Float(bitPattern: key >= 0x8000_0000 ? key ^ 0x8000_0000 : ~key)
    }
}

/// Where the keys of a row lie: slot 0 is for leaves; feature f has slot 1 + 2f, in which a missing value goes left, and slot 2 + 2f,
/// in which it goes right. So a missing value costs the walk nothing.
enum Slot {
    static func of(feature: Int, missingGoesLeft: Bool) -> Int { 1 + 2 * feature + (missingGoesLeft ? 0 : 1) }
    static func count(featureCount: Int) -> Int { 1 + 2 * featureCount }
}
