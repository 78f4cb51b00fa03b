import Wire

/// What one pass over a transaction's inputs and outputs tells; every feature is arithmetic on it. nil: not known.
///
/// All amounts are satoshi. Sums are exact: `DecisionLimits.satoshisMax` bounds every term and every sum.
struct BitcoinFacts {
    var inputCount: UInt64?
    var outputCount: UInt64?
    var inputValue: UInt64?
    var outputValue: UInt64?
    var fee: UInt64?
    var size: UInt64?
    var weight: UInt64?
    var vsize: UInt64?
    /// nil when no input is given.
    var isCoinbase: Bool?
    var signalsReplaceability: Bool?
    var firstSeen: UTCTime?
    var inputs = InputFacts()
    var outputs = OutputFacts()

    /// Throws when the transaction contradicts itself or is beyond a limit.
    init(_ transaction: BitcoinTransactionView) throws(TransactionError) {
        guard transaction.txidByteCount == 0 || transaction.txidByteCount == 32 else {
            throw .badTxid(byteCount: transaction.txidByteCount)
        }
        if let microseconds = transaction.firstSeenMicroseconds { firstSeen = try UTCTime(microseconds: microseconds) }
        try readInputs(transaction)
        try readOutputs(transaction)
        try settleCounts(transaction)
        try settleValues(transaction)
        try settleSizes(transaction)
        try settleReplaceability(transaction)
    }
}

/// How many scripts there are of each type.
struct ScriptTypeCounts {
    /// Indexed by the type's number; [0] counts scripts of unknown type.
    private var counts = InlineArray<11, UInt32>(repeating: 0)
    /// Bit n: there is a script of type n.
    private(set) var mask: UInt32 = 0

    mutating func add(_ type: BitcoinScriptType?) {
        let number = type?.rawValue ?? 0
        counts[Int(number)] &+= 1
        mask |= 1 << number
    }

    /// nil as soon as one type is unknown.
    func count(_ type: BitcoinScriptType) -> UInt32? { allKnown ? counts[Int(type.rawValue)] : nil }
    func has(_ type: BitcoinScriptType) -> Bool { mask & 1 << type.rawValue != 0 }
    var allKnown: Bool { mask & 1 == 0 }
    var distinctCount: Int { mask.nonzeroBitCount }
}

/// The type that a script's bytes or its sender's statement give; nil when there is neither.
func scriptType(
    stated: UInt32, script: UnsafeRawBufferPointer, _ side: TransactionError.Side, _ index: Int
) throws(TransactionError) -> BitcoinScriptType? {
    let statedType = BitcoinScriptType(rawValue: stated)
    if stated != 0, statedType == nil { throw .unknownScriptType(side, index: index, number: stated) }
    guard unsafe !script.isEmpty else { return statedType }
    let derived = unsafe BitcoinScriptType(script: script)
    if let statedType, statedType != derived {
        throw .scriptTypeContradictsScript(side, index: index, stated: stated, derived: derived.rawValue)
    }
    return derived
}

extension BitcoinFacts {
    private mutating func settleCounts(_ transaction: BitcoinTransactionView) throws(TransactionError) {
        inputCount = try Self.settledCount(
            .inputCount, given: transaction.inputCount, stated: transaction.statedInputCount, limit: DecisionLimits.inputCountMax)
        outputCount = try Self.settledCount(
            .outputCount, given: transaction.outputCount, stated: transaction.statedOutputCount,
            limit: DecisionLimits.outputCountMax)
    }

    private static func settledCount(
        _ measure: TransactionError.Measure, given: Int, stated: UInt32?, limit: Int
    ) throws(TransactionError) -> UInt64? {
        guard let stated else { return given > 0 ? UInt64(given) : nil }
        guard stated > 0, stated <= limit else {
            throw .outOfRange(measure, stated: Int64(stated), lowest: 1, highest: Int64(limit))
        }
        guard given == 0 || given == Int(stated) else {
            throw .contradiction(measure, stated: UInt64(stated), derived: UInt64(given))
        }
        return UInt64(stated)
    }

    private mutating func settleValues(_ transaction: BitcoinTransactionView) throws(TransactionError) {
        let inputsTell = transaction.inputCount > 0 && isCoinbase == false && inputs.allValuesKnown
        inputValue = try Self.settledValue(
            .inputValue, sum: inputs.valueSum, isWhole: inputsTell, stated: transaction.statedInputValueSatoshis)
        if isCoinbase == true, let stated = inputValue {
            guard stated == 0 else { throw .contradiction(.inputValue, stated: stated, derived: 0) }
            inputValue = nil
        }
        outputValue = try Self.settledValue(
            .outputValue, sum: outputs.valueSum, isWhole: transaction.outputCount > 0 && outputs.allValuesKnown,
            stated: transaction.statedOutputValueSatoshis)
        fee = transaction.feeSatoshis
        if let fee, fee > DecisionLimits.satoshisMax {
            throw .outOfRange(.fee, stated: Int64(clamping: fee), lowest: 0, highest: Int64(DecisionLimits.satoshisMax))
        }
        if isCoinbase != true { try settleFee() }
    }

    /// `sum` is of the values given; `isWhole`: of all there are.
    private static func settledValue(
        _ measure: TransactionError.Measure, sum: UInt64, isWhole: Bool, stated: UInt64?
    ) throws(TransactionError) -> UInt64? {
        guard let stated else { return isWhole ? sum : nil }
        guard stated <= DecisionLimits.satoshisMax else {
            throw .outOfRange(measure, stated: Int64(clamping: stated), lowest: 0, highest: Int64(DecisionLimits.satoshisMax))
        }
        guard isWhole ? stated == sum : stated >= sum else { throw .contradiction(measure, stated: stated, derived: sum) }
        return stated
    }

    /// fee = input value - output value: any two of them tell the third.
    private mutating func settleFee() throws(TransactionError) {
        switch (inputValue, outputValue, fee) {
        case (let inputValue?, let outputValue?, let stated):
            guard outputValue <= inputValue else {
                throw .outputsExceedInputs(inputSatoshis: inputValue, outputSatoshis: outputValue)
            }
            let derived = inputValue - outputValue
            if let stated, stated != derived { throw .contradiction(.fee, stated: stated, derived: derived) }
            fee = derived
        case (let inputValue?, nil, let fee?):
            guard fee <= inputValue - min(outputs.valueSum, inputValue) else {
                throw .contradiction(.fee, stated: fee, derived: inputValue - min(outputs.valueSum, inputValue))
            }
            outputValue = inputValue - fee
        case (nil, let outputValue?, let fee?) where isCoinbase == false:
            guard outputValue + fee <= DecisionLimits.satoshisMax else {
                throw .outOfRange(
                    .inputValue, stated: Int64(outputValue + fee), lowest: 0, highest: Int64(DecisionLimits.satoshisMax))
            }
            guard outputValue + fee >= inputs.valueSum else {
                throw .contradiction(.inputValue, stated: outputValue + fee, derived: inputs.valueSum)
            }
            inputValue = outputValue + fee
        default: break
        }
    }

    /// A sequence number below 0xFFFFFFFE signals (BIP 125). A transaction may be replaceable without it, through an unconfirmed
    /// ancestor, so a stated true stands; a stated false does not against a signal.
    private mutating func settleReplaceability(_ transaction: BitcoinTransactionView) throws(TransactionError) {
        let stated = transaction.signalsReplaceability
        if inputs.anySequenceSignals {
            if stated == false { throw .rbfContradictsSequences }
            signalsReplaceability = true
        } else {
            signalsReplaceability = stated ?? (transaction.inputCount > 0 && inputs.allSequencesKnown ? false : nil)
        }
    }
}
