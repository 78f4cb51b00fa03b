import Wire

/// What the inputs tell.
struct InputFacts {
    var valueSum: UInt64 = 0
    var largestValue: UInt64 = 0
    var allValuesKnown = true
    /// Of the spent outputs; a coinbase input has none.
    var types = ScriptTypeCounts()
    var spentCount: UInt64 = 0

    var anySequenceSignals = false
    var allSequencesKnown = true

    /// Sum of value x age in satoshi blocks; below 2^75, see `DecisionLimits.ageBlocksMax`.
    var valueAgeSum: UInt128 = 0
    var ageMin: UInt32 = .max
    var ageMax: UInt32 = 0
    var allAgesKnown = true

    /// Serialized bytes of all inputs without their witnesses; meaningful when `allScriptSigsKnown`.
    var baseByteCount: UInt64 = 0
    /// Serialized bytes of all witness stacks; meaningful when `allWitnessesKnown`.
    var witnessByteCount: UInt64 = 0
    var hasWitness = false
    var allScriptSigsKnown = true
    var allWitnessesKnown = true
}

/// What the outputs tell.
struct OutputFacts {
    var valueSum: UInt64 = 0
    var largestValue: UInt64 = 0
    var allValuesKnown = true
    var types = ScriptTypeCounts()

    /// Outputs that can be spent, i.e. are not OP_RETURN; and those among them whose type is also an input's.
    var spendable = ValueGroup()
    var sameType = ValueGroup()

    var roundCount: UInt32 = 0
    var dustCount: UInt32 = 0
    var allDustLimitsKnown = true

    /// Serialized bytes of all outputs; meaningful when `allScriptsKnown`.
    var baseByteCount: UInt64 = 0
    var allScriptsKnown = true
}

/// Some of the outputs.
struct ValueGroup {
    var count: UInt32 = 0
    var valueSum: UInt64 = 0
    var smallestValue: UInt64 = .max

    mutating func add(_ value: UInt64) {
        count += 1
        valueSum += value
        smallestValue = min(smallestValue, value)
    }
}

extension BitcoinFacts {
    /// Amounts that people choose, and change seldom is: positive multiples of 0.001 BTC.
    static let roundSatoshis: UInt64 = 100_000

    mutating func readInputs(_ transaction: BitcoinTransactionView) throws(TransactionError) {
        let count = transaction.inputCount
        guard count <= DecisionLimits.inputCountMax else {
            throw .tooMany(.input, count: count, limit: DecisionLimits.inputCountMax)
        }
        for index in 0..<count {
            let input = transaction.input(index)
            inputs.addScripts(input)
            if let sequence = input.sequence {
                if sequence < 0xffff_fffe { inputs.anySequenceSignals = true }
            } else {
                inputs.allSequencesKnown = false
            }
            if input.isCoinbase {
                guard count == 1 else { throw .coinbaseAmongInputs(count: count) }
                isCoinbase = true
                inputs.allAgesKnown = false
            } else {
                try inputs.addSpent(input, index)
            }
        }
        if count > 0, isCoinbase == nil { isCoinbase = false }
    }

    mutating func readOutputs(_ transaction: BitcoinTransactionView) throws(TransactionError) {
        let count = transaction.outputCount
        guard count <= DecisionLimits.outputCountMax else {
            throw .tooMany(.output, count: count, limit: DecisionLimits.outputCountMax)
        }
        for index in 0..<count {
            try outputs.add(transaction.output(index), index, inputTypes: inputs.types)
        }
    }
}

extension InputFacts {
    /// The output that the input spends.
    mutating func addSpent(_ input: BitcoinInputView, _ index: Int) throws(TransactionError) {
        guard input.prevoutTxidByteCount == 0 || input.prevoutTxidByteCount == 32 else {
            throw .badPrevoutTxid(input: index, byteCount: input.prevoutTxidByteCount)
        }
        spentCount += 1
        types.add(unsafe try scriptType(stated: input.statedScriptType, script: input.scriptPubkey, .input, index))
        if let age = input.ageBlocks {
            guard age <= DecisionLimits.ageBlocksMax else { throw .ageOutOfRange(input: index, blocks: age) }
            ageMin = min(ageMin, age)
            ageMax = max(ageMax, age)
        } else {
            allAgesKnown = false
        }
        guard let value = input.valueSatoshis else {
            allValuesKnown = false
            return
        }
        guard value <= DecisionLimits.satoshisMax, valueSum + value <= DecisionLimits.satoshisMax else {
            throw .valueOutOfRange(.input, index: index, satoshis: value)
        }
        valueSum += value
        largestValue = max(largestValue, value)
        if let age = input.ageBlocks { valueAgeSum += UInt128(value) * UInt128(age) }
    }

    /// Bytes by BIP 144's serialization: 36 outpoint, script_sig with its length, 4 sequence; the witness as a counted list of counted
    /// items.
    mutating func addScripts(_ input: BitcoinInputView) {
        let scriptSigByteCount = UInt64(input.scriptSigByteCount)
        baseByteCount += 40 + compactSizeByteCount(scriptSigByteCount) + scriptSigByteCount
        if !input.hasScriptSig { allScriptSigsKnown = false }
        if !input.hasScripts { allWitnessesKnown = false }
        let itemCount = input.witnessItemCount
        witnessByteCount += compactSizeByteCount(UInt64(itemCount))
        if itemCount > 0 { hasWitness = true }
        for item in 0..<itemCount {
            let itemByteCount = UInt64(input.witnessItemByteCount(item))
            witnessByteCount += compactSizeByteCount(itemByteCount) + itemByteCount
        }
    }
}

extension OutputFacts {
    mutating func add(_ output: BitcoinOutputView, _ index: Int, inputTypes: ScriptTypeCounts) throws(TransactionError) {
        let script = unsafe output.scriptPubkey
        let scriptByteCount = UInt64(script.count)
        baseByteCount += 8 + compactSizeByteCount(scriptByteCount) + scriptByteCount
        if !output.hasScript { allScriptsKnown = false }
        // An empty script that is known to be one is of no standard type.
        let stated = unsafe output.hasScript && script.isEmpty ? BitcoinScriptType.nonstandard.rawValue : output.statedScriptType
        let type = unsafe try scriptType(stated: stated, script: script, .output, index)
        types.add(type)
        guard let value = output.valueSatoshis else {
            allValuesKnown = false
            allDustLimitsKnown = false
            return
        }
        guard value <= DecisionLimits.satoshisMax, valueSum + value <= DecisionLimits.satoshisMax else {
            throw .valueOutOfRange(.output, index: index, satoshis: value)
        }
        valueSum += value
        largestValue = max(largestValue, value)
        if value > 0, value % BitcoinFacts.roundSatoshis == 0 { roundCount += 1 }
        guard let type else {
            allDustLimitsKnown = false
            return
        }
        if type != .opReturn {
            spendable.add(value)
            if inputTypes.has(type) { sameType.add(value) }
        }
        if let limit = type.dustLimitSatoshis(scriptByteCount: output.hasScript ? script.count : nil) {
            if value < limit { dustCount += 1 }
        } else {
            allDustLimitsKnown = false
        }
    }
}
