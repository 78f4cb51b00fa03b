import AssayProto
import CProtobufC

/// A decoded `BitcoinTransaction`: what its sender stated, read in place. What was left out reads as nil.
///
/// Safety: `message` lies in the arena it was decoded into, which protobuf-c filled and nobody changes; valid until the arena's next
/// reset. The same holds for the views of inputs and outputs taken from it.
@safe
public struct BitcoinTransactionView {
    @usableFromInline let message: UnsafeMutablePointer<Assay__V1__BitcoinTransaction>

    init(message: UnsafeMutablePointer<Assay__V1__BitcoinTransaction>) {
        unsafe self.message = unsafe message
    }

    /// Decodes a message that travels alone (`assay score`, tests). nil when the bytes are no BitcoinTransaction, or need more memory
    /// than the arena gives.
    public static func decode(_ bytes: UnsafeRawBufferPointer, arena: MessageArena) -> BitcoinTransactionView? {
        // Safety: protobuf-c reads exactly `count` bytes and allocates from the arena alone.
        guard
            let message = unsafe assay__v1__bitcoin_transaction__unpack(
                arena.protobufAllocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        else { return nil }
        return unsafe BitcoinTransactionView(message: message)
    }

    /// 0 or, when well-formed, 32.
    @inlinable public var txidByteCount: Int { unsafe message.pointee.txid.len }
    @inlinable public var inputCount: Int { unsafe message.pointee.n_inputs }
    @inlinable public var outputCount: Int { unsafe message.pointee.n_outputs }

    /// `index` is below ``inputCount``.
    @inlinable public func input(_ index: Int) -> BitcoinInputView {
        precondition(index >= 0 && index < inputCount, "input \(index) of \(inputCount)")
        // Safety: protobuf-c fills all n_inputs pointers.
        return unsafe BitcoinInputView(message: message.pointee.inputs[index].unsafelyUnwrapped)
    }

    /// `index` is below ``outputCount``.
    @inlinable public func output(_ index: Int) -> BitcoinOutputView {
        precondition(index >= 0 && index < outputCount, "output \(index) of \(outputCount)")
        // Safety: protobuf-c fills all n_outputs pointers.
        return unsafe BitcoinOutputView(message: message.pointee.outputs[index].unsafelyUnwrapped)
    }
}

/// The stated scalars. The `unsafe` of this and the following views reads a member of a union whose case was just tested.
extension BitcoinTransactionView {
    @inlinable public var version: Int32? {
        unsafe message.pointee.tx_version_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__TX_VERSION_PRESENCE_TX_VERSION
            ? message.pointee.tx_version : nil
    }
    @inlinable public var locktime: UInt32? {
        unsafe message.pointee.locktime_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__LOCKTIME_PRESENCE_LOCKTIME
            ? message.pointee.locktime : nil
    }
    @inlinable public var feeSatoshis: UInt64? {
        unsafe message.pointee.fee_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__FEE_PRESENCE_FEE ? message.pointee.fee : nil
    }
    @inlinable public var size: UInt32? {
        unsafe message.pointee.size_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__SIZE_PRESENCE_SIZE
            ? message.pointee.size : nil
    }
    @inlinable public var weight: UInt32? {
        unsafe message.pointee.weight_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__WEIGHT_PRESENCE_WEIGHT
            ? message.pointee.weight : nil
    }
    @inlinable public var vsize: UInt32? {
        unsafe message.pointee.vsize_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__VSIZE_PRESENCE_VSIZE
            ? message.pointee.vsize : nil
    }
    @inlinable public var sigops: UInt32? {
        unsafe message.pointee.sigops_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__SIGOPS_PRESENCE_SIGOPS
            ? message.pointee.sigops : nil
    }
    @inlinable public var firstSeenMicroseconds: Int64? {
        unsafe message.pointee.first_seen_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__FIRST_SEEN_PRESENCE_FIRST_SEEN_US
            ? message.pointee.first_seen_us : nil
    }
    @inlinable public var signalsReplaceability: Bool? {
        unsafe message.pointee.rbf_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__RBF_PRESENCE_RBF
            ? message.pointee.rbf != 0 : nil
    }
    @inlinable public var statedInputCount: UInt32? {
        unsafe message.pointee.input_count_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__INPUT_COUNT_PRESENCE_INPUT_COUNT
            ? message.pointee.input_count : nil
    }
    @inlinable public var statedOutputCount: UInt32? {
        unsafe message.pointee.output_count_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__OUTPUT_COUNT_PRESENCE_OUTPUT_COUNT
            ? message.pointee.output_count : nil
    }
    @inlinable public var statedInputValueSatoshis: UInt64? {
        unsafe message.pointee.input_value_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__INPUT_VALUE_PRESENCE_INPUT_VALUE
            ? message.pointee.input_value : nil
    }
    @inlinable public var statedOutputValueSatoshis: UInt64? {
        unsafe message.pointee.output_value_presence_case == ASSAY__V1__BITCOIN_TRANSACTION__OUTPUT_VALUE_PRESENCE_OUTPUT_VALUE
            ? message.pointee.output_value : nil
    }
}

/// One input of a decoded transaction. Safety: as ``BitcoinTransactionView``.
@safe
public struct BitcoinInputView {
    @usableFromInline let message: UnsafeMutablePointer<Assay__V1__BitcoinInput>

    @usableFromInline init(message: UnsafeMutablePointer<Assay__V1__BitcoinInput>) {
        unsafe self.message = unsafe message
    }

    /// 0 or, when well-formed, 32.
    @inlinable public var prevoutTxidByteCount: Int { unsafe message.pointee.prevout_txid.len }
    @inlinable public var isCoinbase: Bool { unsafe message.pointee.is_coinbase != 0 }
    @inlinable public var sequence: UInt32? {
        unsafe message.pointee.sequence_presence_case == ASSAY__V1__BITCOIN_INPUT__SEQUENCE_PRESENCE_SEQUENCE
            ? message.pointee.sequence : nil
    }
    @inlinable public var valueSatoshis: UInt64? {
        unsafe message.pointee.value_presence_case == ASSAY__V1__BITCOIN_INPUT__VALUE_PRESENCE_VALUE ? message.pointee.value : nil
    }
    @inlinable public var ageBlocks: UInt32? {
        unsafe message.pointee.age_presence_case == ASSAY__V1__BITCOIN_INPUT__AGE_PRESENCE_AGE_BLOCKS
            ? message.pointee.age_blocks : nil
    }
    /// Number of a `BitcoinScriptType`, as it came: may be one that the contract does not have. 0: not stated.
    @inlinable public var statedScriptType: UInt32 { unsafe message.pointee.script_type.rawValue }
    /// Script of the spent output; empty when not known.
    @inlinable public var scriptPubkey: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(message.pointee.script_pubkey) }
    @inlinable public var scriptSigByteCount: Int { unsafe message.pointee.script_sig.len }
    @inlinable public var witnessItemCount: Int { unsafe message.pointee.n_witness }
    /// `index` is below ``witnessItemCount``.
    @inlinable public func witnessItemByteCount(_ index: Int) -> Int {
        precondition(index >= 0 && index < witnessItemCount, "witness item \(index) of \(witnessItemCount)")
        return unsafe message.pointee.witness[index].len
    }
    @inlinable public var hasScripts: Bool { unsafe message.pointee.has_scripts != 0 }
    @inlinable public var hasScriptSig: Bool { unsafe message.pointee.has_scripts != 0 || message.pointee.has_script_sig != 0 }
}

/// One output of a decoded transaction. Safety: as ``BitcoinTransactionView``.
@safe
public struct BitcoinOutputView {
    @usableFromInline let message: UnsafeMutablePointer<Assay__V1__BitcoinOutput>

    @usableFromInline init(message: UnsafeMutablePointer<Assay__V1__BitcoinOutput>) {
        unsafe self.message = unsafe message
    }

    @inlinable public var valueSatoshis: UInt64? {
        unsafe message.pointee.value_presence_case == ASSAY__V1__BITCOIN_OUTPUT__VALUE_PRESENCE_VALUE
            ? message.pointee.value : nil
    }
    /// As ``BitcoinInputView/statedScriptType``.
    @inlinable public var statedScriptType: UInt32 { unsafe message.pointee.script_type.rawValue }
    @inlinable public var scriptPubkey: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(message.pointee.script_pubkey) }
    /// ``scriptPubkey`` is what the transaction carries.
    @inlinable public var hasScript: Bool { unsafe message.pointee.has_script != 0 || message.pointee.script_pubkey.len > 0 }
}

extension UnsafeRawBufferPointer {
    @usableFromInline init(_ data: ProtobufCBinaryData) {
        // Safety: protobuf-c sets both members together; data is NULL for no bytes only.
        unsafe self.init(start: data.data, count: data.data == nil ? 0 : data.len)
    }
}
