/// Damages files as disks, transfers and careless editors do: seeded, so that a mutant is named by its number.
public struct Mutator {
    private var random: SeededRandom

    public init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// A file cut off, with one to three bits flipped, or with something overwritten: a word or number of a text, four bytes of others.
    public mutating func mutant(of bytes: [UInt8], isText: Bool) -> [UInt8] {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return Array(bytes[..<Int.random(in: 0..<bytes.count, using: &random)])
        case 1: return flippingBits(bytes)
        default: return isText ? overwritingToken(bytes) : overwritingWord(bytes)
        }
    }

    private mutating func flippingBits(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        return bytes
    }

    private mutating func overwritingWord(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 4 else { return [] }
        var bytes = bytes
        let start = Int.random(in: 0...(bytes.count - 4), using: &random)
        let word = Bool.random(using: &random) ? UInt32.random(in: 0...UInt32.max, using: &random) : Self.words[index(Self.words)]
        for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: word >> UInt32(8 * index)) }
        return bytes
    }

    /// Counts and floats at the ends of their ranges, in both byte orders.
    private static let words: [UInt32] = [
        0, 1, 0x0100_0000, .max, 0x7fff_ffff, 0xffff_ff7f, 0x8000_0000, 0x80, 0x7fc0_0000, 0xc07f, 0x7f80_0000, 0x807f,
    ]

    private mutating func overwritingToken(_ bytes: [UInt8]) -> [UInt8] {
        let tokens = Self.tokens(of: bytes)
        guard !tokens.isEmpty else { return bytes }
        let old = tokens[index(tokens)]
        var new: [UInt8]
        switch Int.random(in: 0..<5, using: &random) {
        case 0: new = Array(bytes[tokens[index(tokens)]])
        case 1: new = Array(Self.huge[index(Self.huge)].utf8)
        case 2: new = Array("-".utf8) + bytes[old]
        case 3: new = Array(Self.special[index(Self.special)].utf8)
        default: new = []
        }
        new.insert(contentsOf: bytes[..<old.lowerBound], at: 0)
        return new + bytes[old.upperBound...]
    }

    private static let huge = [
        "2147483647", "2147483648", "4294967296", "9223372036854775807", "99999999999999999999", "1e38", "1e308", "1e999",
    ]
    private static let special = ["nan", "NaN", "inf", "-Infinity", "0", "-1", "0.1", "null", "true", "{}", "[]"]

    private mutating func index(_ some: some Collection) -> Int { Int.random(in: 0..<some.count, using: &random) }

    /// Words and numbers.
    private static func tokens(of bytes: [UInt8]) -> [Range<Int>] {
        var tokens: [Range<Int>] = []
        var start: Int?
        for (offset, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"):
                start = start ?? offset
            default:
                if let first = start { tokens.append(first..<offset) }
                start = nil
            }
        }
        if let first = start { tokens.append(first..<bytes.count) }
        return tokens
    }
}
