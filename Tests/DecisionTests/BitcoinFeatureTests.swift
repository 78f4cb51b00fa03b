import ModelBundle
import Testing
import Wire

@testable import Decision

/// Each formula by hand on the common payment: 70,000 + 30,000 satoshi of P2WPKH, 10 and 20 blocks old, to 60,000 of P2TR and 39,000 of
/// P2WPKH. base = 8 + 1 + 2 x 41 + 1 + 43 + 31 = 166 bytes, witness = 2 + 2 x (1 + 72 + 34) = 216.
@Suite struct BitcoinFeatureTests {
    static let expected: [(DerivedFeature, Double)] = [
        (.bitcoinSize, 382), (.bitcoinWeight, 880), (.bitcoinVsize, 220), (.bitcoinFee, 1000), (.bitcoinFeeRate, 1000.0 / 220),
        (.bitcoinInputCount, 2), (.bitcoinOutputCount, 2), (.bitcoinInputValue, 100_000), (.bitcoinOutputValue, 99_000),
        (.bitcoinChangeRatio, 39.0 / 99), (.bitcoinWitnessShare, 216.0 / 382), (.bitcoinWitnessBytes, 216), (.bitcoinRbf, 0),
        (.bitcoinLocktimeSet, 0), (.bitcoinLocktime, 0), (.bitcoinCoinbase, 0), (.bitcoinCoinAge, 13),
        (.bitcoinCoinDaysDestroyed, 1_300_000 / (144 * 1e8)), (.bitcoinCoinAgeMin, 10), (.bitcoinCoinAgeMax, 20),
        (.bitcoinLargestOutputShare, 60.0 / 99), (.bitcoinLargestInputShare, 0.7), (.bitcoinLargestOutputValue, 60_000),
        (.bitcoinSmallestOutputValue, 39_000), (.bitcoinRoundOutputCount, 0), (.bitcoinRoundOutputShare, 0),
        (.bitcoinDustOutputCount, 0), (.bitcoinValuePerInput, 50_000), (.bitcoinValuePerOutput, 49_500), (.bitcoinFeeShare, 0.01),
        (.bitcoinTxVersion, 2), (.bitcoinSameTypeOutputShare, 39.0 / 99), (.bitcoinInputScriptTypes, 1),
        (.bitcoinOutputScriptTypes, 2), (.bitcoinInputP2wpkhCount, 2), (.bitcoinInputP2trCount, 0), (.bitcoinInputP2wpkhShare, 1),
        (.bitcoinOutputP2wpkhCount, 1), (.bitcoinOutputP2trCount, 1), (.bitcoinOutputP2trShare, 0.5),
        (.bitcoinOutputOpReturnCount, 0),
    ]

    @Test(arguments: expected) func formulaByHand(_ feature: DerivedFeature, _ expected: Double) throws {
        #expect(try derive(payment(), feature) == expected)
    }

    @Test func aStatedValueThatAgreesChangesNothing() throws {
        var stated = payment()
        (stated.fee, stated.size, stated.weight, stated.vsize) = (1000, 382, 880, 220)
        (stated.inputCount, stated.outputCount, stated.inputValue, stated.outputValue) = (2, 2, 100_000, 99_000)
        (stated.signalsReplaceability, stated.inputs[0].scriptType) = (false, 5)
        #expect(try derive(stated, Self.expected.map(\.0)) == Self.expected.map(\.1))
    }

    @Test func nothingKnownIsAllMissingAndNeverZero() throws {
        let features = try derive(BitcoinTransaction(), DerivedFeature.allCases.filter { $0.kind == .bitcoin })
        #expect(features.count == 75)
        #expect(features.filter { !$0.isNaN }.isEmpty)
    }

    @Test func bareInputsAndOutputsTellOnlyTheirCounts() throws {
        let bare = transaction([BitcoinInput()], [BitcoinOutput(), BitcoinOutput()])
        let all = DerivedFeature.allCases.filter { $0.kind == .bitcoin }
        let known = zip(all, try derive(bare, all)).filter { !$1.isNaN }
        #expect(known.map(\.0) == [.bitcoinInputCount, .bitcoinOutputCount, .bitcoinCoinbase])
        #expect(known.map(\.1) == [1, 2, 0])
    }

    @Test func oneUnknownInputValueMakesFeeAndInputValueMissing() throws {
        var partial = payment()
        partial.inputs[1].value = nil
        #expect(try derive(partial, [.bitcoinFee, .bitcoinInputValue, .bitcoinFeeRate, .bitcoinCoinAge]).allSatisfy(\.isNaN))
        #expect(try derive(partial, [.bitcoinOutputValue, .bitcoinVsize, .bitcoinChangeRatio]) == [99_000, 220, 39.0 / 99])
    }

    @Test func aStatedFeeTellsTheInputValueThatIsNotKnown() throws {
        var partial = payment()
        partial.inputs[1].value = nil
        partial.fee = 1000
        #expect(try derive(partial, [.bitcoinInputValue, .bitcoinFee]) == [100_000, 1000])
    }

    @Test func totalsAloneGiveTheFlatFeatures() throws {
        var flat = BitcoinTransaction()
        (flat.size, flat.weight, flat.fee) = (382, 880, 1000)
        (flat.inputCount, flat.outputCount, flat.inputValue, flat.outputValue) = (2, 2, 100_000, 99_000)
        let sources: [DerivedFeature] = [
            .bitcoinVsize, .bitcoinFeeRate, .bitcoinWitnessShare, .bitcoinValuePerOutput, .bitcoinChangeRatio,
        ]
        let features = try derive(flat, sources)
        #expect(Array(features[..<4]) == [220, 1000.0 / 220, 216.0 / 382, 49_500])
        #expect(features[4].isNaN)
    }

    @Test func scriptSigsWithAStatedSizeTellTheWeight() throws {
        var feed = payment()
        for index in feed.inputs.indices { (feed.inputs[index].witness, feed.inputs[index].known) = ([], .scriptSigOnly) }
        #expect(try derive(feed, .bitcoinWeight).isNaN)
        feed.size = 382
        #expect(try derive(feed, [.bitcoinWeight, .bitcoinVsize, .bitcoinWitnessBytes]) == [880, 220, 216])
        (feed.size, feed.weight) = (nil, 880)
        #expect(try derive(feed, [.bitcoinSize, .bitcoinVsize]) == [382, 220])
    }

    @Test func lengthsAreCountedByBitcoinsVariableIntegers() throws {
        for (byteCount, lengthByteCount) in [(252, 1), (253, 3), (65_535, 3), (65_536, 5)] {
            var legacy = transaction([input(1, Script.p2pkh)], [output(1)])
            legacy.inputs[0].scriptSig = [UInt8](repeating: 0, count: byteCount)
            legacy.inputs[0].known = .scriptSigAndWitness
            let size = 8 + 1 + 40 + lengthByteCount + byteCount + 1 + 31
            #expect(
                try derive(legacy, [.bitcoinSize, .bitcoinWeight, .bitcoinWitnessBytes]) == [Double(size), Double(4 * size), 0])
        }
        var many = transaction([input(1000, Script.p2pkh)], (0..<253).map { _ in output(1) })
        many.inputs[0].known = .scriptSigAndWitness
        #expect(try derive(many, .bitcoinSize) == Double(8 + 1 + 41 + 3 + 253 * 31))
    }

    @Test func aCoinbaseHasNoInputValueFeeOrSpentScripts() throws {
        var coinbase = transaction([BitcoinInput()], [output(312_500_000, Script.p2pkh), output(0, Script.opReturn)])
        coinbase.inputs[0].isCoinbase = true
        coinbase.inputs[0].scriptSig = [3, 1, 2, 3]
        coinbase.inputs[0].witness = [[UInt8](repeating: 0, count: 32)]
        coinbase.inputs[0].known = .scriptSigAndWitness
        #expect(
            try derive(
                coinbase,
                [.bitcoinCoinbase, .bitcoinInputP2wpkhCount, .bitcoinInputScriptTypes, .bitcoinOutputValue, .bitcoinSize])
                == [1, 0, 0, 312_500_000, Double(8 + 1 + 45 + 1 + 34 + 13 + 2 + 34)])
        #expect(
            try derive(
                coinbase,
                [
                    .bitcoinInputValue, .bitcoinFee, .bitcoinFeeRate, .bitcoinCoinAge, .bitcoinChangeRatio,
                    .bitcoinInputP2wpkhShare,
                ]
            ).allSatisfy(\.isNaN))
    }

    @Test func sequenceNumbersBelowTheLastTwoSignalReplaceability() throws {
        for (sequence, expected) in [(UInt32(0xffff_fffd), 1.0), (0xffff_fffe, 0), (0xffff_ffff, 0), (0, 1)] {
            var signalling = payment()
            signalling.inputs[1].sequence = sequence
            #expect(try derive(signalling, .bitcoinRbf) == expected)
        }
        var unknown = payment()
        unknown.inputs[0].sequence = nil
        #expect(try derive(unknown, .bitcoinRbf).isNaN)
        unknown.inputs[1].sequence = 1
        #expect(try derive(unknown, .bitcoinRbf) == 1)
        // Through an unconfirmed ancestor a transaction is replaceable without a signal of its own.
        var inherited = payment()
        inherited.signalsReplaceability = true
        #expect(try derive(inherited, .bitcoinRbf) == 1)
    }

    @Test func dustIsBelowTheLimitOfItsScript() throws {
        let limits: [([UInt8], UInt64)] = [
            (Script.p2pkh, 546), (Script.p2sh, 540), (Script.p2wpkh, 294), (Script.p2wsh, 330), (Script.p2tr, 330),
            (Script.p2a, 240),
        ]
        for (script, limit) in limits {
            #expect(try derive(transaction([input(10_000)], [output(limit - 1, script)]), .bitcoinDustOutputCount) == 1)
            #expect(try derive(transaction([input(10_000)], [output(limit, script)]), .bitcoinDustOutputCount) == 0)
        }
        #expect(try derive(transaction([input(10_000)], [output(0, Script.opReturn)]), .bitcoinDustOutputCount) == 0)
    }

    @Test func aTypeWithoutItsScriptServesWhereItFixesTheLength() throws {
        var typed = output(500, nil)
        typed.scriptType = BitcoinScriptType.p2pkh.rawValue
        let payment = transaction([input(10_000)], [typed])
        #expect(try derive(payment, [.bitcoinDustOutputCount, .bitcoinOutputP2pkhCount]) == [1, 1])
        #expect(try derive(payment, .bitcoinSize).isNaN)
        typed.scriptType = BitcoinScriptType.multisig.rawValue
        #expect(try derive(transaction([input(10_000)], [typed]), .bitcoinDustOutputCount).isNaN)
    }

    @Test func changeIsTheSmallestOfTheOutputsThatTheTypeSinglesOut() throws {
        func ratio(_ outputs: [BitcoinOutput]) throws -> Double {
            try derive(transaction([input(1000)], outputs), .bitcoinChangeRatio)
        }
        #expect(try ratio([output(900)]) == 0)
        #expect(try ratio([output(900), output(0, Script.opReturn)]) == 0)
        #expect(try ratio([output(600, Script.p2tr), output(300)]) == 300.0 / 900)
        #expect(try ratio([output(300, Script.p2tr), output(600)]) == 600.0 / 900)
        #expect(try ratio([output(600), output(300)]) == 300.0 / 900)
        #expect(try ratio([output(600, Script.p2tr), output(300, Script.p2sh)]) == 300.0 / 900)
        #expect(try ratio([output(0), output(0)]).isNaN)
    }

    @Test func roundOutputsAreMultiplesOfAThousandthOfABitcoin() throws {
        let outputs = [output(100_000), output(0), output(99_999), output(300_000)]
        #expect(
            try derive(transaction([input(1_000_000)], outputs), [.bitcoinRoundOutputCount, .bitcoinRoundOutputShare]) == [
                2, 0.5,
            ])
    }

    @Test func firstSeenGivesHourAndWeekdayInUTC() throws {
        var seen = payment()
        seen.firstSeenMicroseconds = 0
        #expect(try derive(seen, [.bitcoinFirstSeenHour, .bitcoinFirstSeenWeekday]) == [0, 3])
        // 2024-03-10 23:59:59.999999, a Sunday.
        seen.firstSeenMicroseconds = 1_710_115_199_999_999
        #expect(try derive(seen, [.bitcoinFirstSeenHour, .bitcoinFirstSeenWeekday]) == [23, 6])
        seen.firstSeenMicroseconds = 1_710_115_200_000_000
        #expect(try derive(seen, [.bitcoinFirstSeenHour, .bitcoinFirstSeenWeekday]) == [0, 0])
    }

    @Test func theLargestAmountsAndAgesAreExact() throws {
        var large = transaction([input(DecisionLimits.satoshisMax, age: DecisionLimits.ageBlocksMax)], [output(1)])
        large.inputs[0].known = .none
        #expect(
            try derive(large, [.bitcoinInputValue, .bitcoinFee, .bitcoinCoinAge]) == [
                2_100_000_000_000_000, 2_099_999_999_999_999, 10_000_000,
            ])
        let arena = MessageArena()
        let bytes = large.encoded()
        let view = try #require(bytes.withUnsafeBytes { BitcoinTransactionView.decode($0, arena: arena) })
        var fee: Float = 0
        try FeatureDeriver.derive(view, schema: schema([.bitcoinFee]), into: &fee)
        #expect(fee == Float(2_099_999_999_999_999 as UInt64))
    }
}
