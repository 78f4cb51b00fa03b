/// One node of a packed forest: 8 bytes, and the right child follows the left one.
///
/// `key` of a split is the order key of its threshold minus one, so that a row goes right exactly if its key is greater. `key` of a
/// leaf is its value's bits. `link` holds in its low bits the slot of the row to compare with, and above them the distance in nodes
/// to the left child. A leaf has slot 0, which always holds the least key, and distance 0: the walk stays where it is, so that every
/// walk takes the same number of steps and nothing branches on the data.
public struct ForestNode: Sendable, Equatable, BitwiseCopyable {
    var key: Int32
    var link: UInt32

    static func leaf(_ value: Float) -> ForestNode { ForestNode(key: Int32(bitPattern: value.bitPattern), link: 0) }

    /// What fills the last group of eight trees up: minus zero is the one value that changes no sum, not even that of minus zero.
    static let padding = leaf(-0.0)

    var value: Float { Float(bitPattern: UInt32(bitPattern: key)) }
}

/// An integer for each Float but NaN in the order of Floats, with -0 and +0 the same.
enum OrderKey {
    @inline(__always)
    static func of(_ value: Float) -> Int32 {
        let bits = Int32(bitPattern: (value + 0).bitPattern)
        return bits ^ ((bits &>> 31) & Int32.max)
    }

    static func value(of key: Int32) -> Float { Float(bitPattern: UInt32(bitPattern: key ^ ((key &>> 31) & Int32.max))) }
}

/// Where the keys of a row lie: slot 0 is for leaves; feature f has slot 1 + 2f, in which a missing value goes left, and slot 2 + 2f,
/// in which it goes right. So a missing value costs the walk nothing.
enum Slot {
    static func of(feature: Int, missingGoesLeft: Bool) -> Int { 1 + 2 * feature + (missingGoesLeft ? 0 : 1) }
    static func count(featureCount: Int) -> Int { 1 + 2 * featureCount }
}
