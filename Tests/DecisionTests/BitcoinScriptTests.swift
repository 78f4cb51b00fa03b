import Testing

@testable import Decision

@Suite struct BitcoinScriptTests {
    private func type(_ script: [UInt8]) -> BitcoinScriptType { script.withUnsafeBytes { BitcoinScriptType(script: $0) } }

    @Test func standardScriptsAreTold() {
        #expect(type(Script.p2pkh) == .p2pkh)
        #expect(type(Script.p2sh) == .p2sh)
        #expect(type(Script.p2wpkh) == .p2wpkh)
        #expect(type(Script.p2wsh) == .p2wsh)
        #expect(type(Script.p2tr) == .p2tr)
        #expect(type(Script.p2a) == .p2a)
        #expect(type(Script.opReturn) == .opReturn)
        #expect(type([0x6a]) == .opReturn)
        #expect(type(Script.key + [0xac]) == .p2pk)
        #expect(type(Script.wideKey + [0xac]) == .p2pk)
        #expect(type([0x51] + Script.key + Script.wideKey + [0x52, 0xae]) == .multisig)
        #expect(type([0x52] + Script.key + Script.key + Script.key + [0x53, 0xae]) == .multisig)
    }

    @Test func everyOtherScriptIsNonstandard() {
        #expect(type([]) == .nonstandard)
        #expect(type([0x51]) == .nonstandard)
        // An unknown witness version, keys of the wrong kind, more signatures than keys, a key too many.
        #expect(type([0x52, 0x20] + [UInt8](repeating: 0, count: 32)) == .nonstandard)
        #expect(type([0x21, 0x05] + [UInt8](repeating: 0, count: 32) + [0xac]) == .nonstandard)
        #expect(type([0x52] + Script.key + [0x51, 0xae]) == .nonstandard)
        #expect(type([0x51] + Script.key + Script.key + [0x51, 0xae]) == .nonstandard)
    }

    @Test func aChangedByteOrLengthEndsTheType() {
        for script in [Script.p2pkh, Script.p2sh, Script.p2wpkh, Script.p2wsh, Script.p2tr, Script.p2a] {
            let original = type(script)
            #expect(type(script + [0]) != original)
            #expect(type(Array(script.dropLast())) != original)
            #expect(type([0xff] + script.dropFirst()) != original)
        }
    }

    @Test func randomBytesHaveSomeType() {
        var random = SeededGenerator(seed: 41)
        for _ in 0..<20_000 {
            let byteCount = Int.random(in: 0...140, using: &random)
            var script = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
            // Many scripts that look like multisig, with lengths that point anywhere.
            if byteCount > 3, Bool.random(using: &random) {
                script[0] = UInt8.random(in: 0x50...0x61, using: &random)
                script[1] = Bool.random(using: &random) ? 0x21 : 0x41
                script[2] = 0x02
                script[byteCount - 2] = UInt8.random(in: 0x50...0x61, using: &random)
                script[byteCount - 1] = 0xae
            }
            #expect(BitcoinScriptType.allCases.contains(type(script)), "seed 41")
        }
    }
}
