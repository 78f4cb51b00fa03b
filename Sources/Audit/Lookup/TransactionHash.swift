import Wire

/// A 64-bit hash of transaction ids under a seed. Each index has a seed of its own, drawn by chance, so that no caller can make ids that
/// collide. It only narrows a search down: every hit is compared with the record itself.
///
///     state = seed XOR length * M1
///     for each 8 bytes, little-endian, the last ones filled up with zeros:  state = rotate_left(state XOR word * M1, 27) * M2
///     result = state, mixed as MurmurHash3 finishes; 1 instead of 0
struct TransactionHash: Sendable, Equatable {
    let seed: UInt64

    private static let first: UInt64 = 0x9e37_79b9_7f4a_7c15
    private static let second: UInt64 = 0xc2b2_ae3d_27d4_eb4f

    static func random() -> TransactionHash { TransactionHash(seed: .random(in: .min ... .max)) }

    /// Never 0, which stands for "no transaction id".
    func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed ^ UInt64(bytes.count) &* Self.first
        var offset = 0
        while offset + 8 <= bytes.count {
            // Safety: the eight bytes from `offset` on are inside the buffer.
            let word = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            state = Self.mix(state, word)
            offset += 8
        }
        if offset < bytes.count {
            var word: UInt64 = 0
            for index in offset..<bytes.count { unsafe word |= UInt64(bytes[index]) << UInt64(8 * (index - offset)) }
            state = Self.mix(state, word)
        }
        return max(1, Self.finish(state))
    }

    func callAsFunction(_ bytes: [UInt8]) -> UInt64 {
        unsafe bytes.withUnsafeBytes { unsafe self($0) }
    }

    func callAsFunction(_ text: String) -> UInt64 { self(Array(text.utf8)) }

    private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let mixed = state ^ word &* first
        return (mixed << 27 | mixed >> 37) &* second
    }

    private static func finish(_ state: UInt64) -> UInt64 {
        var state = (state ^ state >> 33) &* 0xff51_afd7_ed55_8ccd
        state = (state ^ state >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return state ^ state >> 33
    }
}

extension TransactionHash {
    /// Hash of a record's transaction id; 0: it has none.
    func ofRecord(_ record: UnsafeRawBufferPointer) -> UInt64 {
        var view = AuditRecordView()
        guard unsafe view.read(record) else { return 0 }
        return unsafe view.transactionID.isEmpty ? 0 : self(view.transactionID)
    }
}
