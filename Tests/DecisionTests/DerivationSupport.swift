import Foundation
import ModelBundle
import Testing
import Wire

@testable import Decision

/// The features of a transaction, encoded and decoded as on the wire. Everything may be missing unless `required`.
func derive(_ transaction: BitcoinTransaction, _ sources: [DerivedFeature?], required: Set<Int> = []) throws -> [Double] {
    try derive(encoded: transaction.encoded(), sources, required: required)
}

func derive(encoded bytes: [UInt8], _ sources: [DerivedFeature?], required: Set<Int> = []) throws -> [Double] {
    let arena = MessageArena()
    let view = try #require(bytes.withUnsafeBytes { BitcoinTransactionView.decode($0, arena: arena) })
    let schema = schema(sources, required)
    var features = [Double](repeating: -1, count: sources.count)
    try FeatureDeriver.derive(view, schema: schema, into: &features)
    var features32 = [Float](repeating: -1, count: sources.count)
    try FeatureDeriver.derive(view, schema: schema, into: &features32)
    for (wide, narrow) in zip(features, features32) {
        #expect(Float(wide).bitPattern == narrow.bitPattern || (wide.isNaN && narrow.isNaN))
    }
    return features
}

func schema(_ sources: [DerivedFeature?], _ required: Set<Int> = []) -> FeatureSchema {
    FeatureSchema(
        features: sources.enumerated().map { .init(name: "f\($0)", missingAllowed: !required.contains($0), source: $1) })
}

func derive(_ transaction: BitcoinTransaction, _ source: DerivedFeature) throws -> Double {
    try derive(transaction, [source])[0]
}

func derive(_ card: CardTransaction, _ sources: [DerivedFeature?], required: Set<Int> = []) throws -> [Double] {
    let arena = MessageArena()
    let view = try #require(card.encoded().withUnsafeBytes { CardTransactionView.decode($0, arena: arena) })
    var features = [Double](repeating: -1, count: sources.count)
    try FeatureDeriver.derive(view, schema: schema(sources, required), into: &features)
    return features
}

func derive(_ card: CardTransaction, _ source: DerivedFeature) throws -> Double { try derive(card, [source])[0] }

/// The error that deriving ends with; nil when it does not.
func refusal(_ transaction: BitcoinTransaction) -> TransactionError? {
    do {
        _ = try derive(transaction, [.bitcoinFee])
        return nil
    } catch { return error as? TransactionError }
}

func refusal(_ card: CardTransaction) -> TransactionError? {
    do {
        _ = try derive(card, [.cardAmount])
        return nil
    } catch { return error as? TransactionError }
}

/// Scripts of each type by their bytes.
enum Script {
    static let p2pkh: [UInt8] = [0x76, 0xa9, 0x14] + [UInt8](repeating: 7, count: 20) + [0x88, 0xac]
    static let p2sh: [UInt8] = [0xa9, 0x14] + [UInt8](repeating: 7, count: 20) + [0x87]
    static let p2wpkh: [UInt8] = [0x00, 0x14] + [UInt8](repeating: 7, count: 20)
    static let p2wsh: [UInt8] = [0x00, 0x20] + [UInt8](repeating: 7, count: 32)
    static let p2tr: [UInt8] = [0x51, 0x20] + [UInt8](repeating: 7, count: 32)
    static let p2a: [UInt8] = [0x51, 0x02, 0x4e, 0x73]
    static let opReturn: [UInt8] = [0x6a, 0x02, 0x68, 0x69]
    static let key: [UInt8] = [0x21, 0x02] + [UInt8](repeating: 9, count: 32)
    static let wideKey: [UInt8] = [0x41, 0x04] + [UInt8](repeating: 9, count: 64)
}

func input(_ value: UInt64?, _ script: [UInt8] = Script.p2wpkh, age: UInt32? = nil) -> BitcoinInput {
    var input = BitcoinInput()
    input.value = value
    input.scriptPubkey = script
    input.ageBlocks = age
    input.sequence = 0xffff_ffff
    return input
}

func output(_ value: UInt64?, _ script: [UInt8]? = Script.p2wpkh) -> BitcoinOutput {
    var output = BitcoinOutput()
    output.value = value
    output.scriptPubkey = script
    return output
}

func transaction(_ inputs: [BitcoinInput], _ outputs: [BitcoinOutput]) -> BitcoinTransaction {
    var transaction = BitcoinTransaction()
    transaction.inputs = inputs
    transaction.outputs = outputs
    return transaction
}

/// Two inputs and two outputs of P2WPKH with all their scripts: the common payment.
func payment() -> BitcoinTransaction {
    var inputs = [input(70_000, age: 10), input(30_000, age: 20)]
    for index in inputs.indices {
        inputs[index].witness = [[UInt8](repeating: 1, count: 71), [UInt8](repeating: 2, count: 33)]
        inputs[index].known = .scriptSigAndWitness
    }
    var payment = transaction(inputs, [output(60_000, Script.p2tr), output(39_000)])
    payment.version = 2
    payment.locktime = 0
    return payment
}

/// Reproducible randomness (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// The public data beside the checkout, or where ASSAY_SHARED says.
enum SharedData {
    static let directory: String =
        ProcessInfo.processInfo.environment["ASSAY_SHARED"]
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("shared").path

    static func has(_ path: String) -> Bool {
        let isThere = FileManager.default.fileExists(atPath: "\(directory)/data/\(path)")
        let canRead = !path.hasSuffix(".zst") || zstd != nil
        if !isThere { print("skipped: no \(directory)/data/\(path) (set ASSAY_SHARED)") }
        if !canRead { print("skipped: no zstd command to read \(path)") }
        return isThere && canRead
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        let file = "\(directory)/data/\(path)"
        guard path.hasSuffix(".zst") else { return [UInt8](try Data(contentsOf: URL(fileURLWithPath: file))) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(zstd))
        process.arguments = ["-dcq", file]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return [UInt8](data)
    }

    static func lines(_ path: String) throws -> [[UInt8]] {
        try bytes(path).split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    /// Rows of a CSV file by column name.
    static func rows(_ path: String) throws -> [[String: String]] {
        let lines = try lines(path).map {
            String(decoding: $0, as: UTF8.self).split(separator: ",", omittingEmptySubsequences: false)
        }
        let names = lines[0].map(String.init)
        return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(names, $0.map(String.init))) }
    }

    private static let zstd = ["/usr/bin/zstd", "/usr/local/bin/zstd", "/opt/homebrew/bin/zstd"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}
