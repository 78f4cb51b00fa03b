import AssayProto
import CProtobufC

/// A typed transaction as values: what Swift clients build, and what files are read into.
public enum TypedTransaction: Equatable, Sendable {
    case bitcoin(BitcoinTransaction)
    case card(CardTransaction)

    /// As a score request carries it.
    public var scoreInput: ScoreInput {
        switch self {
        case .bitcoin(let transaction): .bitcoin(transaction.encoded())
        case .card(let transaction): .card(transaction.encoded())
        }
    }
}

/// `assay.v1.BitcoinTransaction`; nil is "not known". Amounts are satoshi.
public struct BitcoinTransaction: Equatable, Sendable {
    /// 32 bytes as explorers print them, or empty.
    public var txid: [UInt8] = []
    public var version: Int32?
    public var locktime: UInt32?
    public var inputs: [BitcoinInput] = []
    public var outputs: [BitcoinOutput] = []
    public var fee: UInt64?
    public var size: UInt32?
    public var weight: UInt32?
    public var vsize: UInt32?
    public var sigops: UInt32?
    public var firstSeenMicroseconds: Int64?
    public var signalsReplaceability: Bool?
    public var inputCount: UInt32?
    public var outputCount: UInt32?
    public var inputValue: UInt64?
    public var outputValue: UInt64?

    public init() {}
}

public struct BitcoinInput: Equatable, Sendable {
    /// What is known of the script_sig and the witness.
    public enum ScriptKnowledge: Sendable { case none, scriptSigOnly, scriptSigAndWitness }

    /// 32 bytes as explorers print them, or empty.
    public var prevoutTxid: [UInt8] = []
    public var prevoutIndex: UInt32 = 0
    public var sequence: UInt32?
    public var isCoinbase = false
    public var value: UInt64?
    /// Number of a `BitcoinScriptType`; 0: by the script.
    public var scriptType: UInt32 = 0
    public var scriptPubkey: [UInt8] = []
    public var scriptSig: [UInt8] = []
    public var witness: [[UInt8]] = []
    public var ageBlocks: UInt32?
    public var known = ScriptKnowledge.none

    public init() {}
}

public struct BitcoinOutput: Equatable, Sendable {
    public var value: UInt64?
    /// Number of a `BitcoinScriptType`; 0: by the script.
    public var scriptType: UInt32 = 0
    /// nil: not known.
    public var scriptPubkey: [UInt8]?
    public var address = ""

    public init() {}
}

/// `assay.v1.CardTransaction`; nil and NaN are "not known".
public struct CardTransaction: Equatable, Sendable {
    public var amountMinor: Int64?
    public var currency = ""
    public var timeMicroseconds: Int64?
    public var elapsedSeconds: Double?
    public var components: [Float] = []
    public var merchantCategory: UInt32?
    /// Number of a `CardEntryMode`; 0: not known.
    public var entryMode: UInt32 = 0
    public var cardCountry = ""
    public var merchantCountry = ""
    public var cardReference = ""
    public var merchantReference = ""

    public init() {}
}

extension BitcoinTransaction {
    /// The protobuf message.
    public func encoded() -> [UInt8] {
        let arena = MessageArena(byteCount: 16 << 10)
        let message = unsafe built(arena)
        let byteCount = unsafe assay__v1__bitcoin_transaction__get_packed_size(message)
        return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            // Safety: the buffer has room for the packed size; an empty message writes nothing.
            unsafe count = byteCount == 0 ? 0 : assay__v1__bitcoin_transaction__pack(message, buffer.baseAddress)
        }
    }

    private func built(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__BitcoinTransaction> {
        let message = unsafe arena.message(assay__v1__bitcoin_transaction__init)
        unsafe message.pointee.txid = arena.bytes(txid)
        unsafe message.pointee.n_inputs = inputs.count
        unsafe message.pointee.inputs = arena.pointers(inputs.count) { unsafe inputs[$0].built(arena) }
        unsafe message.pointee.n_outputs = outputs.count
        unsafe message.pointee.outputs = arena.pointers(outputs.count) { unsafe outputs[$0].built(arena) }
        unsafe setScalars(message)
        unsafe setTotals(message)
        return unsafe message
    }

    private func setScalars(_ message: UnsafeMutablePointer<Assay__V1__BitcoinTransaction>) {
        if let version {
            unsafe message.pointee.tx_version_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__TX_VERSION_PRESENCE_TX_VERSION
            unsafe message.pointee.tx_version = version
        }
        if let locktime {
            unsafe message.pointee.locktime_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__LOCKTIME_PRESENCE_LOCKTIME
            unsafe message.pointee.locktime = locktime
        }
        if let sigops {
            unsafe message.pointee.sigops_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__SIGOPS_PRESENCE_SIGOPS
            unsafe message.pointee.sigops = sigops
        }
        if let firstSeenMicroseconds {
            unsafe message.pointee.first_seen_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__FIRST_SEEN_PRESENCE_FIRST_SEEN_US
            unsafe message.pointee.first_seen_us = firstSeenMicroseconds
        }
        if let signalsReplaceability {
            unsafe message.pointee.rbf_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__RBF_PRESENCE_RBF
            unsafe message.pointee.rbf = signalsReplaceability ? 1 : 0
        }
    }

    private func setTotals(_ message: UnsafeMutablePointer<Assay__V1__BitcoinTransaction>) {
        if let fee {
            unsafe message.pointee.fee_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__FEE_PRESENCE_FEE
            unsafe message.pointee.fee = fee
        }
        if let size {
            unsafe message.pointee.size_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__SIZE_PRESENCE_SIZE
            unsafe message.pointee.size = size
        }
        if let weight {
            unsafe message.pointee.weight_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__WEIGHT_PRESENCE_WEIGHT
            unsafe message.pointee.weight = weight
        }
        if let vsize {
            unsafe message.pointee.vsize_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__VSIZE_PRESENCE_VSIZE
            unsafe message.pointee.vsize = vsize
        }
        if let inputCount {
            unsafe message.pointee.input_count_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__INPUT_COUNT_PRESENCE_INPUT_COUNT
            unsafe message.pointee.input_count = inputCount
        }
        if let outputCount {
            unsafe message.pointee.output_count_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__OUTPUT_COUNT_PRESENCE_OUTPUT_COUNT
            unsafe message.pointee.output_count = outputCount
        }
        if let inputValue {
            unsafe message.pointee.input_value_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__INPUT_VALUE_PRESENCE_INPUT_VALUE
            unsafe message.pointee.input_value = inputValue
        }
        if let outputValue {
            unsafe message.pointee.output_value_presence_case = ASSAY__V1__BITCOIN_TRANSACTION__OUTPUT_VALUE_PRESENCE_OUTPUT_VALUE
            unsafe message.pointee.output_value = outputValue
        }
    }
}

extension BitcoinInput {
    fileprivate func built(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__BitcoinInput> {
        let message = unsafe arena.message(assay__v1__bitcoin_input__init)
        unsafe message.pointee.prevout_txid = arena.bytes(prevoutTxid)
        unsafe message.pointee.prevout_index = prevoutIndex
        unsafe message.pointee.is_coinbase = isCoinbase ? 1 : 0
        unsafe message.pointee.script_type = Assay__V1__BitcoinScriptType(rawValue: scriptType)
        unsafe message.pointee.script_pubkey = arena.bytes(scriptPubkey)
        unsafe message.pointee.script_sig = arena.bytes(scriptSig)
        let items = unsafe arena.array(witness.count, of: ProtobufCBinaryData.self)
        for (index, item) in witness.enumerated() { unsafe items[index] = arena.bytes(item) }
        unsafe message.pointee.n_witness = witness.count
        unsafe message.pointee.witness = items
        unsafe message.pointee.has_scripts = known == .scriptSigAndWitness ? 1 : 0
        unsafe message.pointee.has_script_sig = known == .scriptSigOnly ? 1 : 0
        if let sequence {
            unsafe message.pointee.sequence_presence_case = ASSAY__V1__BITCOIN_INPUT__SEQUENCE_PRESENCE_SEQUENCE
            unsafe message.pointee.sequence = sequence
        }
        if let value {
            unsafe message.pointee.value_presence_case = ASSAY__V1__BITCOIN_INPUT__VALUE_PRESENCE_VALUE
            unsafe message.pointee.value = value
        }
        if let ageBlocks {
            unsafe message.pointee.age_presence_case = ASSAY__V1__BITCOIN_INPUT__AGE_PRESENCE_AGE_BLOCKS
            unsafe message.pointee.age_blocks = ageBlocks
        }
        return unsafe message
    }
}

extension BitcoinOutput {
    fileprivate func built(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__BitcoinOutput> {
        let message = unsafe arena.message(assay__v1__bitcoin_output__init)
        unsafe message.pointee.script_type = Assay__V1__BitcoinScriptType(rawValue: scriptType)
        if let scriptPubkey {
            unsafe message.pointee.script_pubkey = arena.bytes(scriptPubkey)
            unsafe message.pointee.has_script = scriptPubkey.isEmpty ? 1 : 0
        }
        unsafe message.pointee.address = arena.string(address)
        if let value {
            unsafe message.pointee.value_presence_case = ASSAY__V1__BITCOIN_OUTPUT__VALUE_PRESENCE_VALUE
            unsafe message.pointee.value = value
        }
        return unsafe message
    }
}

extension CardTransaction {
    /// The protobuf message.
    public func encoded() -> [UInt8] {
        let arena = MessageArena(byteCount: 4 << 10)
        let message = unsafe built(arena)
        let byteCount = unsafe assay__v1__card_transaction__get_packed_size(message)
        return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            // Safety: the buffer has room for the packed size; an empty message writes nothing.
            unsafe count = byteCount == 0 ? 0 : assay__v1__card_transaction__pack(message, buffer.baseAddress)
        }
    }

    private func built(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__CardTransaction> {
        let message = unsafe arena.message(assay__v1__card_transaction__init)
        unsafe message.pointee.currency = arena.string(currency)
        unsafe message.pointee.card_country = arena.string(cardCountry)
        unsafe message.pointee.merchant_country = arena.string(merchantCountry)
        unsafe message.pointee.card_reference = arena.string(cardReference)
        unsafe message.pointee.merchant_reference = arena.string(merchantReference)
        unsafe message.pointee.entry_mode = Assay__V1__CardEntryMode(rawValue: entryMode)
        unsafe message.pointee.n_components = components.count
        unsafe message.pointee.components = unsafe arena.copy(components)
        if let amountMinor {
            unsafe message.pointee.amount_presence_case = ASSAY__V1__CARD_TRANSACTION__AMOUNT_PRESENCE_AMOUNT_MINOR
            unsafe message.pointee.amount_minor = amountMinor
        }
        if let timeMicroseconds {
            unsafe message.pointee.time_presence_case = ASSAY__V1__CARD_TRANSACTION__TIME_PRESENCE_TIME_US
            unsafe message.pointee.time_us = timeMicroseconds
        }
        if let elapsedSeconds {
            unsafe message.pointee.elapsed_presence_case = ASSAY__V1__CARD_TRANSACTION__ELAPSED_PRESENCE_ELAPSED_SECONDS
            unsafe message.pointee.elapsed_seconds = elapsedSeconds
        }
        if let merchantCategory {
            unsafe message.pointee.category_presence_case = ASSAY__V1__CARD_TRANSACTION__CATEGORY_PRESENCE_MERCHANT_CATEGORY
            unsafe message.pointee.merchant_category = merchantCategory
        }
        return unsafe message
    }
}
