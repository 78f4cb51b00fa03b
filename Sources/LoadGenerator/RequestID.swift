/// The id of a request in flight. It names its connection and slot, so that a reply finds its request without a search, and it
/// always takes eight bytes as a protobuf varint, so that it is patched into a finished frame.
///
/// Bit 55 is set; below it 14 bits of connection, 12 bits of slot, 29 bits of generation (how often the slot was used).
struct RequestID: Equatable {
    static let connectionBits: UInt64 = 14
    static let slotBits: UInt64 = 12
    static let generationBits: UInt64 = 29
    static let generationMask: UInt32 = (1 << 29) - 1

    /// The Hello request that opens every connection; no scoring request can have it.
    static let hello: UInt64 = 1
    /// Holds the place of an id while a frame is prepared.
    static let placeholder = RequestID(rawValue: 1 << 55)

    let rawValue: UInt64

    init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    init(connection: Int, slot: Int, generation: UInt32) {
        let place = UInt64(connection) << Self.slotBits | UInt64(slot)
        rawValue = 1 << 55 | place << Self.generationBits | UInt64(generation & Self.generationMask)
    }

    /// Whether it has the form of an id that this process gives out.
    var isOurs: Bool { rawValue >> 55 == 1 }
    var connection: Int { Int(rawValue >> (Self.slotBits + Self.generationBits) & ((1 << Self.connectionBits) - 1)) }
    var slot: Int { Int(rawValue >> Self.generationBits & ((1 << Self.slotBits) - 1)) }
    var generation: UInt32 { UInt32(rawValue & UInt64(Self.generationMask)) }

    /// Its varint: eight bytes as a little-endian word.
    var varint: UInt64 { eightByteVarint(rawValue) }
}

/// The varint of a number with 50 to 56 significant bits, as a little-endian word: seven bits a byte, all but the last with the
/// continuation bit. Three masked shifts spread the bits (halves, quarters, bytes).
func eightByteVarint(_ value: UInt64) -> UInt64 {
    var word = (value & 0x0000_0000_0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4
    word = (word & 0x0000_3fff_0000_3fff) | (word & 0x0fff_c000_0fff_c000) << 2
    word = (word & 0x007f_007f_007f_007f) | (word & 0x3f80_3f80_3f80_3f80) << 1
    return word | 0x0080_8080_8080_8080
}
