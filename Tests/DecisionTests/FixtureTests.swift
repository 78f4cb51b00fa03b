import ModelBundle
import Platform
import Testing
import Wire

@testable import Decision

/// Genuine messages of the public feeds.
@Suite struct FixtureTests {
    private func derived(_ json: JSON, _ sources: [DerivedFeature]) throws -> [Double] {
        guard case .bitcoin(let transaction) = try TransactionJSON.transaction(json) else { return [] }
        return try derive(transaction, sources)
    }

    @Test(.enabled(if: SharedData.has("bitcoin/blockchain_info_utx_genuine.jsonl")))
    func genuineWebsocketMessagesGiveFeeAndVirtualSize() throws {
        let lines = try SharedData.lines("bitcoin/blockchain_info_utx_genuine.jsonl")
        let sources: [DerivedFeature] = [
            .bitcoinFee, .bitcoinSize, .bitcoinWeight, .bitcoinVsize, .bitcoinRbf, .bitcoinFirstSeenHour,
        ]
        // 17d08bf0…: nested P2WPKH, 1 input, 2 outputs: base 138 of 247 bytes. 7731b35a…: P2TR key path to P2WPKH, base 82 of 151 bytes.
        #expect(try derived(JSON.parse(lines[0]), sources) == [1183, 247, 661, 166, 0, 1])
        #expect(try derived(JSON.parse(lines[1]), sources) == [151, 151, 397, 100, 0, 23])
    }

    @Test(.enabled(if: SharedData.has("bitcoin/mempool_space/transactions-random.json")))
    func mempoolSpaceTransactionsAgreeWithTheirOwnFigures() throws {
        var checked = 0
        for file in ["transactions-random.json", "tx01_api_cached.json", "non-standard-txs.json"] {
            let json = try JSON.parse(SharedData.bytes("bitcoin/mempool_space/\(file)"))
            for transaction in json.array ?? [json] {
                let features = try derived(
                    transaction, [.bitcoinFee, .bitcoinSize, .bitcoinWeight, .bitcoinVsize, .bitcoinFeeRate, .bitcoinSigops])
                #expect(features[0] == transaction["fee"]?.double)
                #expect(features[1] == transaction["size"]?.double)
                #expect(features[2] == transaction["weight"]?.double)
                // This source rounds weight / 4 to the nearest, BIP 141 rounds up.
                #expect(features[3] == (features[2] / 4).rounded(.up))
                #expect(features[4] == features[0] / features[3])
                #expect(features[5] == transaction["sigops"]?.double)
                // The same without what is stated: derived from the scripts alone.
                let bare = JSON.object(
                    (transaction.object ?? []).filter { !["fee", "size", "weight", "vsize"].contains($0.key) })
                #expect(try derived(bare, [.bitcoinFee, .bitcoinSize, .bitcoinWeight, .bitcoinVsize]) == Array(features[..<4]))
                checked += 1
            }
        }
        print("mempool.space: fee, size, weight and vsize equal in \(checked) fixtures, stated and derived")
        #expect(checked == 6)
    }

    @Test(.enabled(if: SharedData.has("cards/creditcard_mlg_ulb_rows.csv.zst")))
    func everyCardRowGivesItsOwnNumbersBack() throws {
        let lines = try SharedData.lines("cards/creditcard_mlg_ulb_rows.csv.zst").map { String(decoding: $0, as: UTF8.self) }
        let names = lines[0].replacing("\"", with: "").split(separator: ",").map(String.init)
        let sources =
            [.cardElapsedSeconds] + DerivedFeature.allCases.filter { (1101...1128).contains($0.rawValue) } + [.cardAmount]
        let arena = MessageArena()
        let schema = schema(sources)
        var features = [Float](repeating: 0, count: 30)
        var equal = 0
        for line in lines.dropFirst() {
            let values = line.split(separator: ",").map(String.init)
            let members = zip(names, values).filter { $0.0 != "Class" }
            let text = "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
            guard case .card(let card) = try TransactionJSON.parse(Array(text.utf8)) else { continue }
            arena.reset()
            let view = try #require(card.encoded().withUnsafeBytes { CardTransactionView.decode($0, arena: arena) })
            try FeatureDeriver.derive(view, schema: schema, into: &features)
            if features.map(\.bitPattern) == members.compactMap({ Float($0.1)?.bitPattern }) { equal += 1 }
        }
        print("cards: all 30 features bit-equal to the file's in \(equal) of \(lines.count - 1) rows")
        #expect(equal == lines.count - 1 && equal > 1000)
    }
}
