import ModelBundle
import Platform
import Testing
import Wire

@testable import Decision

/// Real transactions, read from JSON, encoded, decoded and derived, against figures computed from their bytes.
@Suite struct MempoolTruthTests {
    static let file = "bitcoin/mempool_tx_esplora.jsonl.zst"
    static let truth = "bitcoin/mempool_tx_esplora.truth.csv.zst"

    @Test(.enabled(if: SharedData.has(file) && SharedData.has(truth)))
    func everyMempoolTransactionHasTheFiguresOfItsBytes() throws {
        let columns: [(DerivedFeature, String)] = [
            (.bitcoinWeight, "weight"), (.bitcoinVsize, "vsize"), (.bitcoinSize, "size"), (.bitcoinInputCount, "n_in"),
            (.bitcoinOutputCount, "n_out"), (.bitcoinInputValue, "in_sat"), (.bitcoinOutputValue, "out_sat"),
            (.bitcoinFee, "fee_sat"),
        ]
        let lines = try SharedData.lines(Self.file)
        let truth = try SharedData.rows(Self.truth)
        #expect(lines.count == 4020 && truth.count == 4020)
        var equal = [Int](repeating: 0, count: columns.count)
        var feeRatesWithinRounding = 0
        for (line, row) in zip(lines, truth) {
            guard case .bitcoin(let transaction) = try TransactionJSON.parse(line) else { continue }
            let features = try derive(
                transaction, columns.map(\.0) + [.bitcoinFeeRate], required: Set(0...columns.count))
            for (index, column) in columns.enumerated() where row[column.1].flatMap(Double.init) == features[index] {
                equal[index] += 1
            }
            let feeRate = try #require(row["feerate_sat_vb"].flatMap(Double.init))
            if abs(features[columns.count] - feeRate) <= 0.000_501 { feeRatesWithinRounding += 1 }
        }
        for (index, column) in columns.enumerated() {
            print("mempool: \(column.0.name) equal in \(equal[index]) of \(truth.count)")
            #expect(equal[index] == truth.count)
        }
        print("mempool: bitcoin.fee_rate equal to its 3 decimals in \(feeRatesWithinRounding) of \(truth.count)")
        #expect(feeRatesWithinRounding == truth.count)
    }

    @Test(.enabled(if: SharedData.has(file)))
    func everyScriptHasTheTypeThatItsExplorerSays() throws {
        let names: [String: BitcoinScriptType] = [
            "op_return": .opReturn, "p2pkh": .p2pkh, "p2sh": .p2sh, "v0_p2wpkh": .p2wpkh, "v0_p2wsh": .p2wsh, "v1_p2tr": .p2tr,
        ]
        var agreed: [String: Int] = [:]
        var others: [BitcoinScriptType: Int] = [:]
        for line in try SharedData.lines(Self.file) {
            let json = try JSON.parse(line)
            let scripts = (json["vin"]?.array ?? []).compactMap { $0["prevout"] } + (json["vout"]?.array ?? [])
            for script in scripts {
                let hex = Array((script["scriptpubkey"]?.string ?? "").utf8)
                let bytes = stride(from: 0, to: hex.count, by: 2).map {
                    UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16)!
                }
                let type = bytes.withUnsafeBytes { BitcoinScriptType(script: $0) }
                let name = try #require(script["scriptpubkey_type"]?.string)
                if let expected = names[name] {
                    #expect(type == expected)
                    agreed[name, default: 0] += 1
                } else {
                    // This explorer calls bare multisig and every odd script "unknown".
                    #expect(type == .multisig || type == .nonstandard || type == .p2a || type == .p2pk)
                    others[type, default: 0] += 1
                }
            }
        }
        print("mempool: script types agree", agreed.sorted { $0.key < $1.key }, "called unknown there:", others)
        #expect(agreed.values.reduce(0, +) + others.values.reduce(0, +) == 28380)
    }

    @Test(.enabled(if: SharedData.has("bitcoin/blockchain_info_utx_derived.jsonl.zst") && SharedData.has(truth)))
    func messagesWithoutWitnessesStillTellTheWeight() throws {
        let truth = Dictionary(uniqueKeysWithValues: try SharedData.rows(Self.truth).map { ($0["txid"]!, $0) })
        var checked = 0
        for line in try SharedData.lines("bitcoin/blockchain_info_utx_derived.jsonl.zst") {
            guard case .bitcoin(let transaction) = try TransactionJSON.parse(line) else { continue }
            let txid = transaction.txid.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let row = try #require(truth[txid])
            let features = try derive(transaction, [.bitcoinWeight, .bitcoinVsize, .bitcoinFee, .bitcoinSize])
            #expect(features == ["weight", "vsize", "fee_sat", "size"].map { Double(row[$0]!)! })
            checked += 1
        }
        print("blockchain.info: weight, vsize, fee and size equal in \(checked) messages")
        #expect(checked == 500)
    }
}
