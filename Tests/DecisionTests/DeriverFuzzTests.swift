import ModelBundle
import Testing
import Wire

@testable import Decision

/// Arbitrary bytes never crash the deriver, and what it accepts is finite or missing.
@Suite struct DeriverFuzzTests {
    private static let all = DerivedFeature.allCases.map { Optional($0) }

    private func deriveAny(_ bytes: [UInt8], _ arena: MessageArena, _ schema: FeatureSchema) -> (decoded: Bool, derived: Bool) {
        arena.reset()
        var features = [Float](repeating: 0, count: schema.features.count)
        var decoded = false
        var derived = false
        bytes.withUnsafeBytes { bytes in
            if let view = BitcoinTransactionView.decode(bytes, arena: arena) {
                decoded = true
                if (try? FeatureDeriver.derive(view, schema: schema, into: &features)) != nil {
                    derived = true
                    #expect(features.allSatisfy { $0.isFinite || $0.isNaN })
                }
            }
            if let view = CardTransactionView.decode(bytes, arena: arena) {
                decoded = true
                if (try? FeatureDeriver.derive(view, schema: schema, into: &features)) != nil {
                    derived = true
                    #expect(features.allSatisfy { $0.isFinite || $0.isNaN })
                }
            }
        }
        return (decoded, derived)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func mutatedMessagesNeverCrash(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var card = CardTransaction()
        (card.amountMinor, card.currency, card.timeMicroseconds, card.elapsedSeconds) = (14_962, "EUR", 1_710_115_200_000_000, 1)
        (card.components, card.merchantCategory, card.entryMode) = ((0..<28).map(Float.init), 5411, 5)
        (card.cardCountry, card.merchantCountry) = ("DE", "FR")
        var stated = payment()
        (stated.fee, stated.size, stated.weight, stated.vsize, stated.sigops) = (1000, 382, 880, 220, 2)
        (stated.inputCount, stated.outputCount, stated.inputValue, stated.outputValue) = (2, 2, 100_000, 99_000)
        let corpus = [payment().encoded(), stated.encoded(), card.encoded()]
        let arena = MessageArena()
        let schema = schema(Self.all)
        var (decodedCount, derivedCount) = (0, 0)
        for _ in 0..<20_000 {
            var bytes = corpus.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.removeSubrange(place...min(place + 3, bytes.count - 1))
                default: bytes.insert(contentsOf: bytes[place..<min(place + 16, bytes.count)], at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            let result = deriveAny(bytes, arena, schema)
            if result.decoded { decodedCount += 1 }
            if result.derived { derivedCount += 1 }
        }
        print("fuzz seed \(seed): 20000 mutants, \(decodedCount) decoded, \(derivedCount) derived")
        #expect(decodedCount > 1000 && derivedCount > 1000)
    }

    /// Well-formed messages of extreme values, in every combination of what is known.
    @Test(arguments: [5, 6] as [UInt64]) func extremeValuesNeverCrash(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let arena = MessageArena()
        let schema = schema(Self.all)
        var derivedCount = 0
        for _ in 0..<5_000 {
            let transaction = Self.extremeTransaction(&random)
            if deriveAny(transaction.encoded(), arena, schema).derived { derivedCount += 1 }
        }
        print("fuzz seed \(seed): 5000 extreme transactions, \(derivedCount) derived")
        #expect(derivedCount > 100 && derivedCount < 5_000)
    }

    private static func extremeTransaction(_ random: inout SeededGenerator) -> BitcoinTransaction {
        let amounts: [UInt64?] = [nil, 0, 1, 546, 100_000, DecisionLimits.satoshisMax, DecisionLimits.satoshisMax + 1, .max]
        let small: [UInt32?] = [nil, 0, 1, 60, 61, 240, 400_000, 4_000_000, .max]
        let scripts = [[], Script.p2pkh, Script.p2wpkh, Script.p2tr, Script.opReturn, [0]]
        func rarely<Value>(_ values: [Value?]) -> Value? {
            Int.random(in: 0..<6, using: &random) == 0 ? values.randomElement(using: &random)! : nil
        }
        var transaction = BitcoinTransaction()
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            var spent = input(amounts.prefix(Int.random(in: 1...8, using: &random)).randomElement(using: &random)!)
            spent.scriptPubkey = scripts.randomElement(using: &random)!
            spent.ageBlocks = [nil, 0, 1, 10_000_000].randomElement(using: &random)!
            spent.known = [.none, .scriptSigOnly, .scriptSigAndWitness].randomElement(using: &random)!
            spent.isCoinbase = Int.random(in: 0..<8, using: &random) == 0
            transaction.inputs.append(spent)
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let value = amounts.prefix(Int.random(in: 1...8, using: &random)).randomElement(using: &random)!
            transaction.outputs.append(output(value, scripts.randomElement(using: &random)!))
        }
        (transaction.fee, transaction.inputValue, transaction.outputValue) = (rarely(amounts), rarely(amounts), rarely(amounts))
        (transaction.size, transaction.weight, transaction.vsize) = (rarely(small), rarely(small), rarely(small))
        (transaction.inputCount, transaction.outputCount, transaction.locktime) = (rarely(small), rarely(small), rarely(small))
        return transaction
    }

    @Test func randomBytesNeverCrash() {
        var random = SeededGenerator(seed: 4)
        let arena = MessageArena()
        let schema = schema(Self.all)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = deriveAny(bytes, arena, schema)
        }
    }

    @Test func theSameBytesGiveTheSameBits() throws {
        let bytes = payment().encoded()
        let first = try derive(encoded: bytes, Self.all)
        let second = try derive(encoded: bytes, Self.all)
        #expect(first.map(\.bitPattern) == second.map(\.bitPattern))
    }
}

@Suite struct CatalogueTests {
    @Test func namesAreDifferentAndLeadBack() {
        #expect(Set(DerivedFeature.allCases.map(\.name)).count == DerivedFeature.allCases.count)
        for feature in DerivedFeature.allCases {
            #expect(DerivedFeature(name: feature.name) == feature)
            #expect(feature.name.hasPrefix(feature.kind == .bitcoin ? "bitcoin." : "card."))
        }
        #expect(DerivedFeature(name: "bitcoin.nothing") == nil)
    }

    /// Numbers are stored in bundles: this list only grows.
    @Test func numbersStayWhatTheyAre() {
        #expect(DerivedFeature.bitcoinSize.rawValue == 1)
        #expect(DerivedFeature.bitcoinFirstSeenWeekday.rawValue == 37)
        #expect(DerivedFeature.bitcoinInputP2pkCount.rawValue == 101)
        #expect(DerivedFeature.bitcoinInputNonstandardShare.rawValue == 130)
        #expect(DerivedFeature.bitcoinOutputP2pkCount.rawValue == 141)
        #expect(DerivedFeature.bitcoinOutputNonstandardShare.rawValue == 170)
        #expect(DerivedFeature.cardAmount.rawValue == 1000)
        #expect(DerivedFeature.cardEntryEcommerce.rawValue == 1025)
        #expect(DerivedFeature.cardV28.rawValue == 1128)
        #expect(DerivedFeature.allCases.count == 119)
    }
}
