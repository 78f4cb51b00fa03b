import ModelBundle
import Testing
import Wire

@testable import Decision

/// What contradicts itself or is beyond a limit is refused with its reason and numbers.
@Suite struct BitcoinRefusalTests {
    private func changed(_ change: (inout BitcoinTransaction) -> Void) -> BitcoinTransaction {
        var transaction = payment()
        change(&transaction)
        return transaction
    }

    @Test func idsHaveThirtyTwoBytesOrNone() {
        #expect(refusal(changed { $0.txid = [1] }) == .badTxid(byteCount: 1))
        #expect(refusal(changed { $0.txid = [UInt8](repeating: 1, count: 32) }) == nil)
        #expect(refusal(changed { $0.inputs[1].prevoutTxid = [1, 2] }) == .badPrevoutTxid(input: 1, byteCount: 2))
    }

    @Test func outputsDoNotExceedInputs() {
        #expect(
            refusal(changed { $0.outputs[0].value = 70_000 })
                == .outputsExceedInputs(inputSatoshis: 100_000, outputSatoshis: 109_000))
    }

    @Test func statedMeasuresAgreeWithTheScripts() {
        #expect(refusal(changed { $0.size = 383 }) == .contradiction(.size, stated: 383, derived: 382))
        #expect(refusal(changed { $0.weight = 881 }) == .contradiction(.weight, stated: 881, derived: 880))
        #expect(refusal(changed { $0.vsize = 219 }) == .contradiction(.vsize, stated: 219, derived: 220))
        #expect(refusal(changed { $0.fee = 999 }) == .contradiction(.fee, stated: 999, derived: 1000))
        #expect(refusal(changed { $0.inputCount = 3 }) == .contradiction(.inputCount, stated: 3, derived: 2))
        #expect(refusal(changed { $0.outputCount = 1 }) == .contradiction(.outputCount, stated: 1, derived: 2))
        #expect(refusal(changed { $0.inputValue = 1 }) == .contradiction(.inputValue, stated: 1, derived: 100_000))
        #expect(refusal(changed { $0.outputValue = 1 }) == .contradiction(.outputValue, stated: 1, derived: 99_000))
        #expect(
            refusal(
                changed {
                    $0.inputs[0].value = nil
                    $0.inputValue = 29_999
                }) == .contradiction(.inputValue, stated: 29_999, derived: 30_000))
    }

    @Test func sizeAndWeightAloneHaveAWholeBase() {
        func flat(_ size: UInt32, _ weight: UInt32) -> TransactionError? {
            var flat = BitcoinTransaction()
            (flat.size, flat.weight) = (size, weight)
            return refusal(flat)
        }
        #expect(flat(382, 880) == nil)
        #expect(flat(382, 881) == .weightContradictsSize(weight: 881, size: 382))
        #expect(flat(382, 4 * 382) == nil)
        #expect(flat(382, 4 * 382 + 3) == .weightContradictsSize(weight: 4 * 382 + 3, size: 382))
        #expect(flat(382, 382) == .weightContradictsSize(weight: 382, size: 382))
    }

    @Test func measuresThatNoTransactionHasAreRefused() {
        var flat = BitcoinTransaction()
        flat.size = 0
        #expect(refusal(flat) == .outOfRange(.size, stated: 0, lowest: 60, highest: 4_000_000))
        (flat.size, flat.vsize) = (nil, 1_000_001)
        #expect(refusal(flat) == .outOfRange(.vsize, stated: 1_000_001, lowest: 60, highest: 1_000_000))
        (flat.vsize, flat.inputCount) = (nil, 0)
        #expect(refusal(flat)?.reason == "INPUT_COUNT_OUT_OF_RANGE")
        (flat.inputCount, flat.fee) = (nil, .max)
        #expect(refusal(flat)?.reason == "FEE_OUT_OF_RANGE")
        (flat.fee, flat.outputValue) = (nil, 2_100_000_000_000_001)
        #expect(refusal(flat)?.reason == "OUTPUT_VALUE_OUT_OF_RANGE")
    }

    @Test func sumsDoNotOverflow() {
        let all = DecisionLimits.satoshisMax
        #expect(refusal(changed { $0.inputs[0].value = .max }) == .valueOutOfRange(.input, index: 0, satoshis: .max))
        #expect(refusal(changed { $0.inputs[0].value = all }) == .valueOutOfRange(.input, index: 1, satoshis: 30_000))
        #expect(refusal(changed { $0.outputs[0].value = all + 1 }) == .valueOutOfRange(.output, index: 0, satoshis: all + 1))
        #expect(refusal(changed { $0.outputs[1].value = all }) == .valueOutOfRange(.output, index: 1, satoshis: all))
        #expect(refusal(changed { $0.inputs[0].ageBlocks = .max }) == .ageOutOfRange(input: 0, blocks: .max))
        #expect(
            refusal(
                changed {
                    $0.inputs[0].value = nil
                    $0.fee = all
                })?.reason == "INPUT_VALUE_OUT_OF_RANGE")
    }

    @Test func scriptTypesAgreeWithScripts() {
        #expect(
            refusal(changed { $0.outputs[0].scriptType = 1 })
                == .scriptTypeContradictsScript(.output, index: 0, stated: 1, derived: 7))
        #expect(refusal(changed { $0.inputs[0].scriptType = 11 }) == .unknownScriptType(.input, index: 0, number: 11))
        #expect(refusal(changed { $0.inputs[0].scriptType = .max }) == .unknownScriptType(.input, index: 0, number: .max))
    }

    @Test func aSignalledReplaceabilityIsNotDenied() {
        #expect(
            refusal(
                changed {
                    $0.inputs[0].sequence = 0
                    $0.signalsReplaceability = false
                }) == .rbfContradictsSequences)
    }

    @Test func aCoinbaseIsAlone() {
        #expect(refusal(changed { $0.inputs[1].isCoinbase = true }) == .coinbaseAmongInputs(count: 2))
    }

    @Test func countsAreBoundedByTheBlock() {
        var many = BitcoinTransaction()
        many.inputs = [BitcoinInput](repeating: BitcoinInput(), count: DecisionLimits.inputCountMax + 1)
        #expect(refusal(many) == .tooMany(.input, count: 24_390, limit: 24_389))
        many.inputs = []
        many.outputs = [BitcoinOutput](repeating: BitcoinOutput(), count: DecisionLimits.outputCountMax + 1)
        #expect(refusal(many)?.reason == "TOO_MANY_OUTPUTS")
    }

    @Test func timesAreMicroseconds() {
        #expect(refusal(changed { $0.firstSeenMicroseconds = -1 }) == .timeOutOfRange(microseconds: -1))
        #expect(refusal(changed { $0.firstSeenMicroseconds = .max }) == .timeOutOfRange(microseconds: .max))
    }

    @Test func schemaFeaturesThatCannotBeFilledAreNamed() throws {
        #expect(throws: TransactionError.featureNotDerivable(feature: 1)) {
            try derive(payment(), [.bitcoinFee, nil, .bitcoinSize], required: [0, 1])
        }
        #expect(throws: TransactionError.featureNotDerivable(feature: 1)) {
            try derive(payment(), [.bitcoinFee, .cardAmount], required: [1])
        }
        #expect(throws: TransactionError.featureMissing(feature: 1)) {
            try derive(payment(), [.bitcoinFee, .bitcoinSigops], required: [0, 1])
        }
        #expect(throws: TransactionError.kindMismatch) { try derive(payment(), [.cardAmount, nil]) }
        #expect(throws: TransactionError.kindMismatch) { try derive(payment(), [.cardAmount, nil], required: [0]) }
        #expect(throws: TransactionError.kindMismatch) { try derive(payment(), []) }
        #expect(try derive(payment(), [.bitcoinFee, nil])[1].isNaN)
    }

    @Test func seventiethFeatureHasItsOwnFlag() throws {
        let sources = [DerivedFeature?](repeating: .bitcoinSigops, count: 70) + [.bitcoinFee]
        #expect(throws: TransactionError.featureMissing(feature: 69)) { try derive(payment(), sources, required: [69]) }
        #expect(try derive(payment(), sources, required: [70])[70] == 1000)
    }
}
