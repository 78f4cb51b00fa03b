/// Says of a hash that it is certainly not in a segment, or that it may be: a Bloom filter of which each hash touches one line.
struct TransactionFilter: Sendable, Equatable {
    private static let bitCount = 6
    /// 64 bytes a line; empty: nothing is in the segment.
    private(set) var bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    init(entryCount: Int) {
        bytes = [UInt8](repeating: 0, count: IndexFormat.filterLineCount(entryCount: entryCount) * IndexFormat.lineByteCount)
    }

    mutating func insert(_ hash: UInt64) {
        Self.forEachBit(hash, lineCount: bytes.count / IndexFormat.lineByteCount) { byte, mask in bytes[byte] |= mask }
    }

    func mayContain(_ hash: UInt64) -> Bool {
        if bytes.isEmpty { return false }
        var isSet = true
        Self.forEachBit(hash, lineCount: bytes.count / IndexFormat.lineByteCount) { byte, mask in
            if bytes[byte] & mask == 0 { isSet = false }
        }
        return isSet
    }

    /// Line: the upper 32 bits of the hash, scaled. Bits in it: six times nine bits of the hash times an odd constant.
    private static func forEachBit(_ hash: UInt64, lineCount: Int, _ body: (Int, UInt8) -> Void) {
        let line = Int(((hash >> 32) * UInt64(lineCount)) >> 32)
        var bits = (hash &* 0x9e37_79b9_7f4a_7c15) >> 10
        for _ in 0..<bitCount {
            let bit = Int(bits & 511)
            body(line * IndexFormat.lineByteCount + (bit >> 3), 1 << UInt8(bit & 7))
            bits >>= 9
        }
    }
}
