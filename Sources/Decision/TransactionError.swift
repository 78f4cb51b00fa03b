/// Why no features can be derived from a transaction. Numbers only: it is safe to log and to send.
public enum TransactionError: Error, Equatable, Sendable {
    /// Which end of a transaction an index counts.
    public enum Side: Sendable { case input, output }
    /// A stated measure of a transaction.
    public enum Measure: Sendable { case size, weight, vsize, inputCount, outputCount, inputValue, outputValue, fee }

    // Bitcoin
    case badTxid(byteCount: Int)
    case badPrevoutTxid(input: Int, byteCount: Int)
    case tooMany(Side, count: Int, limit: Int)
    case valueOutOfRange(Side, index: Int, satoshis: UInt64)
    case unknownScriptType(Side, index: Int, number: UInt32)
    case scriptTypeContradictsScript(Side, index: Int, stated: UInt32, derived: UInt32)
    case ageOutOfRange(input: Int, blocks: UInt32)
    case coinbaseAmongInputs(count: Int)
    case outputsExceedInputs(inputSatoshis: UInt64, outputSatoshis: UInt64)
    /// A stated measure that no transaction has.
    case outOfRange(Measure, stated: Int64, lowest: Int64, highest: Int64)
    /// A stated measure differs from what the rest of the transaction says.
    case contradiction(Measure, stated: UInt64, derived: UInt64)
    /// weight = 3 x base + size has no solution for a whole base that fits the size.
    case weightContradictsSize(weight: UInt64, size: UInt64)
    case rbfContradictsSequences

    // Card
    case amountOutOfRange(minor: Int64)
    case timeOutOfRange(microseconds: Int64)
    case elapsedOutOfRange
    case tooManyComponents(count: Int, limit: Int)
    case componentInfinite(index: Int)
    case unknownEntryMode(number: UInt32)
    case merchantCategoryOutOfRange(number: UInt32)
    case badCurrency
    case badCountry

    // Against the bundle's schema
    /// The schema derives nothing from this kind of transaction.
    case kindMismatch
    /// The feature has no source in this kind of transaction, and may not be missing.
    case featureNotDerivable(feature: Int)
    /// The transaction does not tell what the feature needs, and it may not be missing.
    case featureMissing(feature: Int)
}

extension TransactionError {
    /// What a caller's program switches over (docs/FEATURES.md lists them).
    public var reason: String {
        switch self {
        case .badTxid: "BAD_TXID"
        case .badPrevoutTxid: "BAD_PREVOUT_TXID"
        case .tooMany(.input, _, _): "TOO_MANY_INPUTS"
        case .tooMany(.output, _, _): "TOO_MANY_OUTPUTS"
        case .valueOutOfRange: "VALUE_OUT_OF_RANGE"
        case .unknownScriptType: "UNKNOWN_SCRIPT_TYPE"
        case .scriptTypeContradictsScript: "SCRIPT_TYPE_CONTRADICTS_SCRIPT"
        case .ageOutOfRange: "AGE_OUT_OF_RANGE"
        case .coinbaseAmongInputs: "COINBASE_AMONG_INPUTS"
        case .outputsExceedInputs: "OUTPUTS_EXCEED_INPUTS"
        case .outOfRange(let measure, _, _, _): measure.outOfRangeReason
        case .contradiction(let measure, _, _): measure.contradictionReason
        case .weightContradictsSize: "WEIGHT_CONTRADICTS_SIZE"
        case .rbfContradictsSequences: "RBF_CONTRADICTS_SEQUENCES"
        case .amountOutOfRange: "AMOUNT_OUT_OF_RANGE"
        case .timeOutOfRange: "TIME_OUT_OF_RANGE"
        case .elapsedOutOfRange: "ELAPSED_OUT_OF_RANGE"
        case .tooManyComponents: "TOO_MANY_COMPONENTS"
        case .componentInfinite: "COMPONENT_INFINITE"
        case .unknownEntryMode: "UNKNOWN_ENTRY_MODE"
        case .merchantCategoryOutOfRange: "MERCHANT_CATEGORY_OUT_OF_RANGE"
        case .badCurrency: "BAD_CURRENCY"
        case .badCountry: "BAD_COUNTRY"
        case .kindMismatch: "TRANSACTION_KIND_MISMATCH"
        case .featureNotDerivable: "FEATURE_NOT_DERIVABLE"
        case .featureMissing: "FEATURE_MISSING"
        }
    }
}

extension TransactionError.Measure {
    fileprivate var outOfRangeReason: String {
        switch self {
        case .size: "SIZE_OUT_OF_RANGE"
        case .weight: "WEIGHT_OUT_OF_RANGE"
        case .vsize: "VSIZE_OUT_OF_RANGE"
        case .inputCount: "INPUT_COUNT_OUT_OF_RANGE"
        case .outputCount: "OUTPUT_COUNT_OUT_OF_RANGE"
        case .inputValue: "INPUT_VALUE_OUT_OF_RANGE"
        case .outputValue: "OUTPUT_VALUE_OUT_OF_RANGE"
        case .fee: "FEE_OUT_OF_RANGE"
        }
    }

    fileprivate var contradictionReason: String {
        switch self {
        case .size: "SIZE_CONTRADICTS_SCRIPTS"
        case .weight: "WEIGHT_CONTRADICTS_SCRIPTS"
        case .vsize: "VSIZE_CONTRADICTS_WEIGHT"
        case .inputCount: "INPUT_COUNT_CONTRADICTS_INPUTS"
        case .outputCount: "OUTPUT_COUNT_CONTRADICTS_OUTPUTS"
        case .inputValue: "INPUT_VALUE_CONTRADICTS_INPUTS"
        case .outputValue: "OUTPUT_VALUE_CONTRADICTS_OUTPUTS"
        case .fee: "FEE_CONTRADICTS_VALUES"
        }
    }

    fileprivate var words: String {
        switch self {
        case .size: "size"
        case .weight: "weight"
        case .vsize: "virtual size"
        case .inputCount: "number of inputs"
        case .outputCount: "number of outputs"
        case .inputValue: "input value"
        case .outputValue: "output value"
        case .fee: "fee"
        }
    }
}

extension TransactionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badTxid(let byteCount): "txid has \(byteCount) bytes instead of 32"
        case .badPrevoutTxid(let input, let byteCount): "prevout_txid of input \(input) has \(byteCount) bytes instead of 32"
        case .tooMany(let side, let count, let limit): "\(count) \(side)s, at most \(limit) fit a transaction"
        case .valueOutOfRange(let side, let index, let satoshis):
            "value of \(side) \(index), \(satoshis) satoshi, makes more than there are: \(DecisionLimits.satoshisMax)"
        case .unknownScriptType(let side, let index, let number): "\(side) \(index) has unknown script type \(number)"
        case .scriptTypeContradictsScript(let side, let index, let stated, let derived):
            "\(side) \(index) states script type \(stated), its script is of type \(derived)"
        case .ageOutOfRange(let input, let blocks): "input \(input) is \(blocks) blocks old, over \(DecisionLimits.ageBlocksMax)"
        case .coinbaseAmongInputs(let count): "a coinbase input is one of \(count); it can only be alone"
        case .outputsExceedInputs(let inputs, let outputs): "outputs carry \(outputs) satoshi, inputs only \(inputs)"
        case .outOfRange(let measure, let stated, let lowest, let highest):
            "\(measure.words) \(stated) is outside \(lowest) to \(highest)"
        case .contradiction(let measure, let stated, let derived):
            "\(measure.words) is stated as \(stated), the rest of the transaction says \(derived)"
        case .weightContradictsSize(let weight, let size): "no transaction of size \(size) weighs \(weight)"
        case .rbfContradictsSequences: "rbf is stated as false, but a sequence number signals it"
        default: cardDescription
        }
    }

    private var cardDescription: String {
        switch self {
        case .amountOutOfRange(let minor): "amount \(minor) is beyond \(DecisionLimits.amountMinorMax) minor units"
        case .timeOutOfRange(let microseconds):
            "time \(microseconds) is outside 0 to \(DecisionLimits.timeMicrosecondsMax) microseconds"
        case .elapsedOutOfRange: "elapsed seconds are not a number within \(DecisionLimits.elapsedSecondsMax)"
        case .tooManyComponents(let count, let limit): "\(count) components, at most \(limit)"
        case .componentInfinite(let index): "component \(index) is infinite"
        case .unknownEntryMode(let number): "unknown entry mode \(number)"
        case .merchantCategoryOutOfRange(let number): "merchant category \(number) is over \(DecisionLimits.merchantCategoryMax)"
        case .badCurrency: "currency is not an ISO 4217 code of a currency with minor units"
        case .badCountry: "country is not two capital letters"
        case .kindMismatch: "the bundle derives no feature from this kind of transaction"
        case .featureNotDerivable(let feature):
            "feature \(feature) has no source in this kind of transaction and may not be missing"
        case .featureMissing(let feature): "the transaction does not tell feature \(feature), which may not be missing"
        default: reason
        }
    }
}
