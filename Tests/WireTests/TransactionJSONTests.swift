import Platform
import Testing

@testable import Wire

@Suite struct TransactionJSONTests {
    private func parse(_ text: String) throws(TransactionJSONError) -> TypedTransaction {
        try TransactionJSON.parse(Array(text.utf8))
    }

    private func bitcoin(_ text: String) throws -> BitcoinTransaction {
        guard case .bitcoin(let transaction) = try parse(text) else {
            Issue.record("not a bitcoin transaction")
            return BitcoinTransaction()
        }
        return transaction
    }

    private func card(_ text: String) throws -> CardTransaction {
        guard case .card(let card) = try parse(text) else {
            Issue.record("not a card transaction")
            return CardTransaction()
        }
        return card
    }

    private let id = String(repeating: "ab", count: 32)

    @Test func esploraFormIsReadWhole() throws {
        let transaction = try bitcoin(
            """
            {"txid":"\(id)","version":2,"locktime":5,"size":191,"weight":437,"fee":7,"vsize":110,"sigops":1,"firstSeen":1691222538,
             "vin":[{"txid":"\(id)","vout":3,"prevout":{"scriptpubkey":"0014AB","scriptpubkey_type":"v0_p2wpkh","value":10},
                     "scriptsig":"","witness":["0102",""],"is_coinbase":false,"sequence":4294967293,"age_blocks":4}],
             "vout":[{"scriptpubkey":"6a","scriptpubkey_type":"op_return","value":3,"scriptpubkey_address":"x"},{"scriptpubkey":""}],
             "status":{"confirmed":false},"order":1}
            """)
        #expect(transaction.txid == [UInt8](repeating: 0xab, count: 32))
        #expect((transaction.version, transaction.locktime) == (2, 5))
        #expect((transaction.size, transaction.weight, transaction.vsize, transaction.fee) == (191, 437, nil, 7))
        #expect((transaction.sigops, transaction.firstSeenMicroseconds) == (1, 1_691_222_538_000_000))
        let input = transaction.inputs[0]
        #expect((input.prevoutIndex, input.value, input.sequence, input.ageBlocks) == (3, 10, 4_294_967_293, 4))
        #expect(input.scriptPubkey == [0, 0x14, 0xab] && input.witness == [[1, 2], []] && input.known == .scriptSigAndWitness)
        #expect(transaction.outputs.map(\.value) == [3, nil])
        #expect(transaction.outputs.map(\.scriptPubkey) == [[0x6a], []])
    }

    /// Sources leave an empty witness out, or every witness: the spent script tells which.
    @Test func anAbsentWitnessIsEmptyOnlyWhereNoneCanBe() throws {
        let hash = String(repeating: "07", count: 20)
        let cases: [(script: String, scriptSig: String, known: BitcoinInput.ScriptKnowledge)] = [
            ("76a914\(hash)88ac", "01ff", .scriptSigAndWitness),
            ("0014\(hash)", "", .scriptSigOnly),
            ("5120\(hash)\(String(repeating: "07", count: 12))", "", .scriptSigOnly),
            ("a914\(hash)87", "160014\(hash)", .scriptSigOnly),
            ("a914\(hash)87", "0047ff", .scriptSigAndWitness),
            ("", "01ff", .scriptSigOnly),
        ]
        for (script, scriptSig, known) in cases {
            let prevout = script.isEmpty ? "null" : #"{"scriptpubkey":"\#(script)","value":1}"#
            let transaction = try bitcoin(#"{"vin":[{"prevout":\#(prevout),"scriptsig":"\#(scriptSig)"}],"vout":[]}"#)
            #expect(transaction.inputs[0].known == known, "\(script) \(scriptSig)")
        }
    }

    @Test func aVirtualSizeIsRoundedUpUnlessTheWeightTells() throws {
        #expect(try bitcoin(#"{"vin":[],"vout":[],"vsize":208.25}"#).vsize == 209)
        #expect(try bitcoin(#"{"vin":[],"vout":[],"vsize":208.25,"weight":833}"#).vsize == nil)
        #expect(try bitcoin(#"{"vin":[],"vout":[],"vsize":209.0}"#).vsize == 209)
        #expect(throws: TransactionJSONError.mistyped(path: "$.vsize", expected: "a number from 0 to 4294967295")) {
            try bitcoin(#"{"vin":[],"vout":[],"vsize":-1}"#)
        }
    }

    @Test func blockchainInfoStatesItsCountsAndItsRESTCarriesWitnesses() throws {
        let hash = String(repeating: "07", count: 20)
        let transaction = try bitcoin(
            """
            {"ver":1,"lock_time":0,"size":9,"vin_sz":2,"vout_sz":1,"hash":"\(id)","time":1570497833,
             "inputs":[{"sequence":1,"witness":"0202abcd00","prev_out":{"value":5,"n":12,"script":"0014\(hash)"},"script":""},
                       {"sequence":2,"witness":"","prev_out":{"value":6,"n":1,"script":"0014\(hash)"},"script":""}],
             "out":[{"value":4,"n":0,"script":"6a","addr":"a"}]}
            """)
        #expect((transaction.inputCount, transaction.outputCount, transaction.fee) == (2, 1, nil))
        #expect(transaction.inputs[0].witness == [[0xab, 0xcd], []])
        #expect(transaction.inputs.map(\.known) == [.scriptSigAndWitness, .scriptSigOnly])
        #expect(transaction.inputs.map(\.prevoutIndex) == [12, 1])
        for stack in ["02", "0202abcd", "01ff", "000000", "feffffffff", "ff0100000000000000"] {
            #expect(throws: TransactionJSONError.mistyped(path: "$.inputs[0].witness", expected: "a serialized witness stack")) {
                try bitcoin(#"{"inputs":[{"witness":"\#(stack)","script":""}],"out":[]}"#)
            }
        }
    }

    @Test func flatSummariesKeepOnlyWhatTheySay() throws {
        let transaction = try bitcoin(
            #"{"hash":"\#(id)","size":250,"weight":700,"fee":null,"inputs_count":1,"outputs_count":2,"input_value":900,"output_value":800}"#
        )
        #expect((transaction.size, transaction.weight, transaction.fee) == (250, 700, nil))
        #expect((transaction.inputCount, transaction.outputCount) == (1, 2))
        #expect((transaction.inputValue, transaction.outputValue) == (900, 800))
        #expect(transaction.inputs.isEmpty && transaction.outputs.isEmpty)
        // Bitcoin instead of satoshi is not rounded away.
        #expect(throws: TransactionJSONError.self) { try bitcoin(#"{"input_count":1,"fee":0.00012}"#) }
    }

    @Test func cardsHaveTheNamesOfTheContract() throws {
        let long = try card(
            """
            {"card":{"amount_minor":14962,"currency":"EUR","time_us":"1710115200000000","elapsed_seconds":1.5,"components":[1,null,"NaN",0.1],
             "merchant_category":5411,"entry_mode":"CARD_ENTRY_MODE_CHIP","card_country":"DE","merchant_country":"FR",
             "card_reference":"c","merchant_reference":"m"}}
            """)
        #expect(
            (long.amountMinor, long.currency, long.timeMicroseconds, long.elapsedSeconds) == (
                14962, "EUR", 1_710_115_200_000_000, 1.5
            ))
        #expect(long.components[0] == 1 && long.components[1].isNaN && long.components[2].isNaN && long.components[3] == 0.1)
        #expect((long.merchantCategory, long.entryMode, long.cardCountry, long.merchantCountry) == (5411, 1, "DE", "FR"))
        #expect((long.cardReference, long.merchantReference) == ("c", "m"))
        #expect(try card(#"{"amountMinor":"-5","entryMode":"ecommerce","currency":null}"#).entryMode == 5)
    }

    @Test func unknownNamesOfACardAreRefused() {
        #expect(throws: TransactionJSONError.unknownMember(path: "$.card.amout_minor")) {
            try parse(#"{"card":{"amout_minor":1}}"#)
        }
        #expect(throws: TransactionJSONError.unknownMember(path: "$.card.amout")) { try parse(#"{"card":{"amout":null}}"#) }
        #expect(throws: TransactionJSONError.unknownMember(path: "$.card.?")) {
            try parse(#"{"card":{"4000 1234 5678 9010":1}}"#)
        }
    }

    @Test func rowsOfTheCardDataGiveExactMinorUnits() throws {
        let row = try card(#"{"Time":406.0,"V1":-2.31,"V28":-0.14,"Amount":149.62,"Class":1}"#)
        #expect((row.amountMinor, row.elapsedSeconds, row.components.count) == (14_962, 406, 28))
        #expect(row.components[0] == -2.31 && row.components[1].isNaN && row.components[27] == -0.14)
        #expect(throws: TransactionJSONError.mistyped(path: "$.Amount", expected: "an amount with two decimal places")) {
            try card(#"{"Amount":1.005}"#)
        }
    }

    @Test func errorsSayWhere() {
        let cases: [(String, TransactionJSONError)] = [
            ("[]", .mistyped(path: "$", expected: "an object")),
            ("{}", .unknownForm(path: "$")),
            (#"{"bitcoin":{"x":1}}"#, .unknownForm(path: "$.bitcoin")),
            (#"{"bitcoin":[]}"#, .mistyped(path: "$.bitcoin", expected: "an object")),
            (#"{"vin":{},"vout":[]}"#, .mistyped(path: "$.vin", expected: "an array")),
            (#"{"vin":[1],"vout":[]}"#, .mistyped(path: "$.vin[0]", expected: "an object")),
            (#"{"op":"utx","x":{"inputs":[]}}"#, .missing(path: "$.x.out")),
            (#"{"vin":[{"txid":"ab"}],"vout":[]}"#, .mistyped(path: "$.vin[0].txid", expected: "64 hexadecimal digits")),
            (
                #"{"vin":[{},{"prevout":{"scriptpubkey":"0g"}}],"vout":[]}"#,
                .mistyped(path: "$.vin[1].prevout.scriptpubkey", expected: "pairs of hexadecimal digits")
            ),
            (
                #"{"vin":[{"witness":["abc"]}],"vout":[]}"#,
                .mistyped(path: "$.vin[0].witness[0]", expected: "pairs of hexadecimal digits")
            ),
            (
                #"{"vin":[],"vout":[{"value":1.5}]}"#,
                .mistyped(path: "$.vout[0].value", expected: "a whole number from 0 to 18446744073709551615")
            ),
            (
                #"{"vin":[],"vout":[{"scriptpubkey_address":"a\u0000b"}]}"#,
                .mistyped(path: "$.vout[0].scriptpubkey_address", expected: "a text without NUL")
            ),
            (
                #"{"card":{"components":[\#([String](repeating: "1", count: 29).joined(separator: ","))]}}"#,
                .tooMany(path: "$.card.components", count: 29, limit: 28)
            ),
        ]
        for (text, expected) in cases {
            #expect(throws: expected) { try parse(text) }
            #expect(!expected.description.isEmpty)
        }
        #expect(throws: TransactionJSONError.self) { try parse(#"{"card":"#) }
    }

    @Test func encodedMessagesReadBackAsTheyWere() throws {
        let arena = MessageArena()
        let text =
            #"{"vin":[{"prevout":{"scriptpubkey":"6a01","value":18446744073709551615},"sequence":0}],"vout":[{"value":0}],"version":-1}"#
        let bytes = try bitcoin(text).encoded()
        let view = try #require(bytes.withUnsafeBytes { BitcoinTransactionView.decode($0, arena: arena) })
        #expect((view.inputCount, view.outputCount, view.version, view.locktime, view.feeSatoshis) == (1, 1, -1, nil, nil))
        #expect(view.input(0).valueSatoshis == .max && view.input(0).sequence == 0 && view.input(0).ageBlocks == nil)
        #expect(Array(view.input(0).scriptPubkey) == [0x6a, 1] && !view.input(0).hasScripts)
        #expect(view.output(0).valueSatoshis == 0 && !view.output(0).hasScript)
        #expect(BitcoinTransaction().encoded().isEmpty && CardTransaction().encoded().isEmpty)
    }

    @Test(arguments: [11, 12] as [UInt64]) func mutatedTextsNeverCrash(seed: UInt64) {
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % bound
        }
        let corpus = [
            #"{"txid":"\#(id)","vin":[{"txid":"\#(id)","prevout":{"scriptpubkey":"0014","value":1},"scriptsig":"","witness":["00"]}],"vout":[{"value":1}]}"#,
            #"{"op":"utx","x":{"hash":"\#(id)","inputs":[{"witness":"0101ff","script":"","prev_out":{"value":1}}],"out":[{"value":1,"script":"6a"}]}}"#,
            #"{"hash":"\#(id)","inputs_count":1,"fee":1,"size":100}"#,
            #"{"card":{"amount_minor":1,"components":[1,null],"entry_mode":"CHIP"}}"#,
            #"{"Time":1,"V1":1,"Amount":1.25}"#,
        ].map { Array($0.utf8) }
        let tokens = ["null", "-1", "1e400", "18446744073709551616", "\"\"", "[]", "{}", "true", "0.5", "\"00\""].map {
            Array($0.utf8)
        }
        var accepted = 0
        for _ in 0..<20_000 {
            var text = corpus[next(corpus.count)]
            for _ in 0...next(3) {
                let place = next(text.count)
                switch next(4) {
                case 0: text[place] = UInt8(next(256))
                case 1: text.replaceSubrange(place..<min(place + 1 + next(3), text.count), with: tokens[next(tokens.count)])
                case 2: text.removeSubrange(place..<min(place + 1 + next(8), text.count))
                default: text.insert(contentsOf: text[place..<min(place + next(20), text.count)], at: place)
                }
                if text.isEmpty { text = [0x7b] }
            }
            guard let transaction = try? TransactionJSON.parse(text) else { continue }
            accepted += 1
            switch transaction {
            case .bitcoin(let bitcoin): _ = bitcoin.encoded()
            case .card(let card): _ = card.encoded()
            }
        }
        print("fuzz seed \(seed): 20000 mutants of JSON, \(accepted) accepted")
        #expect(accepted > 500 && accepted < 19_000)
    }
}
