/// Kind of an output script; raw values are those of `assay.v1.BitcoinScriptType`.
public enum BitcoinScriptType: UInt32, CaseIterable, Sendable {
    case p2pk = 1
    case p2pkh = 2
    case p2sh = 3
    case multisig = 4
    case p2wpkh = 5
    case p2wsh = 6
    case p2tr = 7
    case p2a = 8
    case opReturn = 9
    case nonstandard = 10

    /// Kinds by the bytes, as Bitcoin Core's `Solver` tells them apart. A script that starts with OP_RETURN is `.opReturn` whatever
    /// follows, since nobody can spend it; witness programs of unknown versions are `.nonstandard`.
    public init(script: UnsafeRawBufferPointer) {
        switch script.count {
        case 4 where unsafe script[0] == 0x51 && script[1] == 0x02 && script[2] == 0x4e && script[3] == 0x73: self = .p2a
        case 22 where unsafe script[0] == 0x00 && script[1] == 0x14: self = .p2wpkh
        case 23 where unsafe script[0] == 0xa9 && script[1] == 0x14 && script[22] == 0x87: self = .p2sh
        case 25 where unsafe Self.isPublicKeyHash(script): self = .p2pkh
        case 34 where unsafe script[0] == 0x00 && script[1] == 0x20: self = .p2wsh
        case 34 where unsafe script[0] == 0x51 && script[1] == 0x20: self = .p2tr
        case 35 where unsafe script[34] == 0xac && Self.keyByteCount(script, at: 0) == 33: self = .p2pk
        case 67 where unsafe script[66] == 0xac && Self.keyByteCount(script, at: 0) == 65: self = .p2pk
        case 1... where unsafe script[0] == 0x6a: self = .opReturn
        default: self = unsafe Self.isMultisig(script) ? .multisig : .nonstandard
        }
    }

    /// OP_DUP OP_HASH160 <20 bytes> OP_EQUALVERIFY OP_CHECKSIG
    private static func isPublicKeyHash(_ script: UnsafeRawBufferPointer) -> Bool {
        unsafe script[0] == 0x76 && script[1] == 0xa9 && script[2] == 0x14 && script[23] == 0x88 && script[24] == 0xac
    }

    /// Length of the public key pushed at `offset`, 33 or 65, when its first byte fits that length; nil when there is none.
    private static func keyByteCount(_ script: UnsafeRawBufferPointer, at offset: Int) -> Int? {
        guard offset + 1 < script.count else { return nil }
        let byteCount = unsafe Int(script[offset])
        guard offset + 1 + byteCount <= script.count else { return nil }
        return switch unsafe (byteCount, script[offset + 1]) {
        case (33, 2...3), (65, 4), (65, 6...7): byteCount
        default: nil
        }
    }

    /// OP_m <key> … <key> OP_n OP_CHECKMULTISIG with 1 <= m <= n <= 16.
    private static func isMultisig(_ script: UnsafeRawBufferPointer) -> Bool {
        guard script.count >= 37, unsafe script[script.count - 1] == 0xae else { return false }
        let required = unsafe Int(script[0]) - 0x50
        let keyCount = unsafe Int(script[script.count - 2]) - 0x50
        guard required >= 1, required <= keyCount, keyCount <= 16 else { return false }
        var offset = 1
        for _ in 0..<keyCount {
            guard let byteCount = unsafe keyByteCount(script, at: offset) else { return false }
            offset += 1 + byteCount
        }
        return offset == script.count - 2
    }
}

extension BitcoinScriptType {
    /// Bytes of a script of this kind, where the kind fixes them.
    var scriptByteCount: Int? {
        switch self {
        case .p2pkh: 25
        case .p2sh: 23
        case .p2wpkh: 22
        case .p2wsh, .p2tr: 34
        case .p2a: 4
        case .p2pk, .multisig, .opReturn, .nonstandard: nil
        }
    }

    /// Satoshi below which Bitcoin Core (`GetDustThreshold` at its default 3 sat/vB) takes an output of this script for dust: three times
    /// the virtual bytes of the output and of the input that would spend it. 0 for what cannot be spent; nil when it depends on a
    /// script that is not known.
    func dustLimitSatoshis(scriptByteCount known: Int?) -> UInt64? {
        if self == .opReturn { return 0 }
        guard let scriptByteCount = known ?? scriptByteCount else { return nil }
        if scriptByteCount > 10_000 { return 0 }
        let outputByteCount = 8 + compactSizeByteCount(UInt64(scriptByteCount)) + UInt64(scriptByteCount)
        return 3 * (outputByteCount + (isWitnessProgram ? 67 : 148))
    }

    private var isWitnessProgram: Bool { self == .p2wpkh || self == .p2wsh || self == .p2tr || self == .p2a }
}

/// Bytes of Bitcoin's variable-length integer.
@inline(__always)
func compactSizeByteCount(_ value: UInt64) -> UInt64 {
    value < 0xfd ? 1 : value <= 0xffff ? 3 : value <= 0xffff_ffff ? 5 : 9
}
