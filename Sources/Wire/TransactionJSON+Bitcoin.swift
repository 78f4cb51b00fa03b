import Platform

extension TransactionJSON {
    /// esplora's form, as mempool.space's REST and websocket send it; its websocket leaves `witness` out. `age_blocks` of an input is
    /// ours, for those who know it.
    static func esplora(_ cursor: JSONCursor) throws(TransactionJSONError) -> BitcoinTransaction {
        var transaction = BitcoinTransaction()
        transaction.txid = try cursor.optional("txid") { cursor throws(TransactionJSONError) in try cursor.txid() } ?? []
        transaction.version = try cursor.optionalInteger("version")
        transaction.locktime = try cursor.optionalInteger("locktime")
        transaction.fee = try cursor.optionalInteger("fee")
        transaction.size = try cursor.optionalInteger("size")
        transaction.weight = try cursor.optionalInteger("weight")
        transaction.vsize = try vsize(cursor)
        transaction.sigops = try cursor.optionalInteger("sigops")
        transaction.firstSeenMicroseconds = try seconds(cursor, "firstSeen")
        transaction.inputs = try inputs(cursor, "vin", esploraInput)
        transaction.outputs = try outputs(cursor, "vout", esploraOutput)
        return transaction
    }

    private static func esploraInput(_ cursor: JSONCursor) throws(TransactionJSONError) -> BitcoinInput {
        var input = BitcoinInput()
        input.prevoutTxid = try cursor.optional("txid") { cursor throws(TransactionJSONError) in try cursor.txid() } ?? []
        input.prevoutIndex = try cursor.optionalInteger("vout") ?? 0
        input.sequence = try cursor.optionalInteger("sequence")
        input.isCoinbase =
            try cursor.optional("is_coinbase") { cursor throws(TransactionJSONError) in try cursor.flag() } ?? false
        input.ageBlocks = try cursor.optionalInteger("age_blocks")
        if let prevout = cursor.member("prevout") {
            let spent = try esploraOutput(prevout)
            input.value = spent.value
            input.scriptType = spent.scriptType
            input.scriptPubkey = spent.scriptPubkey ?? []
        }
        if let scriptSig = cursor.member("scriptsig") {
            input.scriptSig = try scriptSig.bytes()
            input.known = .scriptSigOnly
        }
        if let witness = cursor.member("witness") {
            for item in try witness.elements(countMax: witnessItemCountMax) { input.witness.append(try item.bytes()) }
            if input.known == .scriptSigOnly { input.known = .scriptSigAndWitness }
        } else if input.known == .scriptSigOnly, input.needsNoWitness {
            input.known = .scriptSigAndWitness
        }
        return input
    }

    private static func esploraOutput(_ cursor: JSONCursor) throws(TransactionJSONError) -> BitcoinOutput {
        var output = BitcoinOutput()
        output.value = try cursor.optionalInteger("value")
        output.scriptPubkey = try cursor.optional("scriptpubkey") { cursor throws(TransactionJSONError) in try cursor.bytes() }
        if output.scriptPubkey == nil, let name = cursor.member("scriptpubkey_type") {
            output.scriptType = scriptTypeNumber(try name.text())
        }
        output.address =
            try cursor.optional("scriptpubkey_address") { cursor throws(TransactionJSONError) in try cursor.text() } ?? ""
        return output
    }

    /// esplora's names, where no script tells; one it does not have is not standard.
    private static func scriptTypeNumber(_ name: String) -> UInt32 {
        switch name {
        case "p2pk": 1
        case "p2pkh": 2
        case "p2sh": 3
        case "multisig": 4
        case "v0_p2wpkh": 5
        case "v0_p2wsh": 6
        case "v1_p2tr": 7
        case "anchor": 8
        case "op_return": 9
        default: 10
        }
    }

    /// Sources round weight / 4 up, to the nearest (mempool.space), or not at all: where the weight is there, it alone tells.
    private static func vsize(_ cursor: JSONCursor) throws(TransactionJSONError) -> UInt32? {
        guard let member = cursor.member("vsize"), cursor.member("weight") == nil else { return nil }
        let value = try member.double().rounded(.up)
        guard let whole = UInt32(exactly: value) else {
            throw .mistyped(path: member.path, expected: "a number from 0 to \(UInt32.max)")
        }
        return whole
    }
}

extension TransactionJSON {
    /// blockchain.info's form: no fee as a rule, no witness on the websocket (its REST has the serialized stack).
    static func blockchainInfo(_ cursor: JSONCursor) throws(TransactionJSONError) -> BitcoinTransaction {
        var transaction = BitcoinTransaction()
        transaction.txid = try cursor.optional("hash") { cursor throws(TransactionJSONError) in try cursor.txid() } ?? []
        transaction.version = try cursor.optionalInteger("ver")
        transaction.locktime = try cursor.optionalInteger("lock_time")
        transaction.fee = try cursor.optionalInteger("fee")
        transaction.size = try cursor.optionalInteger("size")
        transaction.weight = try cursor.optionalInteger("weight")
        transaction.firstSeenMicroseconds = try seconds(cursor, "time")
        transaction.inputCount = try cursor.optionalInteger("vin_sz")
        transaction.outputCount = try cursor.optionalInteger("vout_sz")
        transaction.inputs = try inputs(cursor, "inputs", blockchainInfoInput)
        transaction.outputs = try outputs(cursor, "out", blockchainInfoOutput)
        return transaction
    }

    private static func blockchainInfoInput(_ cursor: JSONCursor) throws(TransactionJSONError) -> BitcoinInput {
        var input = BitcoinInput()
        input.sequence = try cursor.optionalInteger("sequence")
        if let prevout = cursor.member("prev_out") {
            let spent = try blockchainInfoOutput(prevout)
            input.value = spent.value
            input.scriptPubkey = spent.scriptPubkey ?? []
            input.prevoutIndex = try prevout.optionalInteger("n") ?? 0
        }
        if let scriptSig = cursor.member("script") {
            input.scriptSig = try scriptSig.bytes()
            input.known = input.needsNoWitness ? .scriptSigAndWitness : .scriptSigOnly
        }
        if let witness = cursor.member("witness"), !input.needsNoWitness {
            let stack = try witness.bytes()
            guard let items = witnessItems(stack) else {
                throw .mistyped(path: witness.path, expected: "a serialized witness stack")
            }
            input.witness = items
            // An empty text stands for "none" and for "not told" alike.
            if !items.isEmpty, input.known == .scriptSigOnly { input.known = .scriptSigAndWitness }
        }
        return input
    }

    private static func blockchainInfoOutput(_ cursor: JSONCursor) throws(TransactionJSONError) -> BitcoinOutput {
        var output = BitcoinOutput()
        output.value = try cursor.optionalInteger("value")
        output.scriptPubkey = try cursor.optional("script") { cursor throws(TransactionJSONError) in try cursor.bytes() }
        output.address = try cursor.optional("addr") { cursor throws(TransactionJSONError) in try cursor.text() } ?? ""
        return output
    }

    /// Totals in satoshi: `{hash, size, weight, vsize, fee, inputs_count, outputs_count, input_value, output_value}`.
    static func flat(_ cursor: JSONCursor) throws(TransactionJSONError) -> BitcoinTransaction {
        var transaction = BitcoinTransaction()
        transaction.txid = try cursor.optional("hash", "txid") { cursor throws(TransactionJSONError) in try cursor.txid() } ?? []
        transaction.fee = try cursor.optionalInteger("fee")
        transaction.size = try cursor.optionalInteger("size")
        transaction.weight = try cursor.optionalInteger("weight")
        transaction.vsize = try cursor.optionalInteger("vsize")
        transaction.inputCount = try cursor.optionalInteger("inputs_count", "input_count")
        transaction.outputCount = try cursor.optionalInteger("outputs_count", "output_count")
        transaction.inputValue = try cursor.optionalInteger("input_value")
        transaction.outputValue = try cursor.optionalInteger("output_value")
        return transaction
    }
}

extension TransactionJSON {
    private static func inputs(
        _ cursor: JSONCursor, _ key: String, _ read: (JSONCursor) throws(TransactionJSONError) -> BitcoinInput
    ) throws(TransactionJSONError) -> [BitcoinInput] {
        guard let list = cursor.member(key) else { throw .missing(path: "\(cursor.path).\(key)") }
        var inputs: [BitcoinInput] = []
        var witnessItemCount = 0
        for element in try list.elements(countMax: inputCountMax) {
            _ = try element.object()
            inputs.append(try read(element))
            witnessItemCount += inputs[inputs.count - 1].witness.count
            guard witnessItemCount <= witnessItemCountMax else {
                throw .tooMany(path: element.path, count: witnessItemCount, limit: witnessItemCountMax)
            }
        }
        return inputs
    }

    private static func outputs(
        _ cursor: JSONCursor, _ key: String, _ read: (JSONCursor) throws(TransactionJSONError) -> BitcoinOutput
    ) throws(TransactionJSONError) -> [BitcoinOutput] {
        guard let list = cursor.member(key) else { throw .missing(path: "\(cursor.path).\(key)") }
        var outputs: [BitcoinOutput] = []
        for element in try list.elements(countMax: outputCountMax) {
            _ = try element.object()
            outputs.append(try read(element))
        }
        return outputs
    }

    private static func seconds(_ cursor: JSONCursor, _ key: String) throws(TransactionJSONError) -> Int64? {
        guard let member = cursor.member(key) else { return nil }
        let seconds = try member.integer(UInt32.self)
        return Int64(seconds) * 1_000_000
    }

    /// The items of a serialized stack: a count, then each item with its length; nil when the bytes are none.
    private static func witnessItems(_ stack: [UInt8]) -> [[UInt8]]? {
        if stack.isEmpty { return [] }
        var offset = 0
        guard let count = compactSize(stack, &offset), count <= stack.count else { return nil }
        var items: [[UInt8]] = []
        for _ in 0..<count {
            guard let byteCount = compactSize(stack, &offset), byteCount <= stack.count - offset else { return nil }
            items.append(Array(stack[offset..<offset + byteCount]))
            offset += byteCount
        }
        return offset == stack.count ? items : nil
    }

    /// Bitcoin's variable-length integer, as far as it can count bytes of `bytes`.
    private static func compactSize(_ bytes: [UInt8], _ offset: inout Int) -> Int? {
        guard offset < bytes.count else { return nil }
        let first = bytes[offset]
        let byteCount = first < 0xfd ? 0 : first == 0xfd ? 2 : first == 0xfe ? 4 : 8
        guard byteCount <= 4, offset + 1 + byteCount <= bytes.count else { return nil }
        var value = byteCount == 0 ? Int(first) : 0
        for index in 0..<byteCount { value |= Int(bytes[offset + 1 + index]) << (8 * index) }
        offset += 1 + byteCount
        return value
    }
}

extension BitcoinInput {
    /// Consensus lets no witness stand here: the spent script is known and neither a witness program nor a P2SH that the script_sig
    /// fills with one. Sources that leave `witness` out may leave out an empty one, or all; this tells them apart.
    var needsNoWitness: Bool {
        guard !isCoinbase, !scriptPubkey.isEmpty else { return false }
        if Self.isWitnessProgram(scriptPubkey[...]) { return false }
        let isScriptHash = scriptPubkey.count == 23 && scriptPubkey[0] == 0xa9 && scriptPubkey[22] == 0x87
        guard isScriptHash, let pushed = scriptSig.first, Int(pushed) == scriptSig.count - 1 else { return true }
        return !Self.isWitnessProgram(scriptSig[1...])
    }

    /// A version number and one push of 2 to 40 bytes (BIP 141).
    private static func isWitnessProgram(_ script: ArraySlice<UInt8>) -> Bool {
        guard script.count >= 4, script.count <= 42, let version = script.first else { return false }
        guard version == 0 || (0x51...0x60).contains(version) else { return false }
        return Int(script[script.startIndex + 1]) == script.count - 2
    }
}
