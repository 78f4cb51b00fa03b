import Audit
import Decision
import Forest
import Glibc
import Logging
import ModelBundle
import Platform
import Registry
import Synchronization
import Wire

/// A registry and a journal in a directory of their own, removed at the end.
final class ReplayBench {
    private static let counter = Atomic<Int>(0)
    let path: String
    private let directory: RegistryDirectory
    private var sequence: UInt64 = 0

    init() throws {
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        path = "\(File.isDirectory("/dev/shm") ? "/dev/shm" : "/tmp")/assay-replay-test-\(getpid())-\(number)"
        try File.createDirectory(path)
        directory = try RegistryDirectory(path: path + "/registry", createIfMissing: true)
    }

    deinit { try? File.removeTree(path) }

    var registry: String { path + "/registry" }
    var journal: String { path + "/journal" }

    /// A bundle in the registry, and its version there.
    func push(_ draft: BundleDraft) throws -> Served {
        let bundle = try admit(draft)
        let version = try directory.push(file: path + "/pushed.assay", who: "test", why: "", allowUnproven: true)
        return Served(bundle: bundle, version: version)
    }

    /// A bundle that is in no registry.
    func admit(_ draft: BundleDraft) throws -> Bundle {
        try File.writeAtomically(draft.serialized(), to: path + "/pushed.assay")
        return try Bundle.admit(file: path + "/pushed.assay")
    }

    /// Appends records to the journal as a server does; they get their numbers here.
    func write(_ records: [AuditRecord], blockByteCount: Int = 4 << 10) throws {
        var configuration = AuditConfiguration(journalDirectory: journal, workerCount: 1)
        configuration.ringDirectory = path
        configuration.ringByteCount = 8 << 20
        configuration.blockByteCount = blockByteCount
        configuration.segmentByteCount = 64 << 10
        let trail = try AuditTrail.open(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        defer { trail.close() }
        let producer = trail.producer(worker: 0)
        for var record in records {
            var reserved = producer.reserve(count: 1, byteCountMax: 4096)
            // The journal thread makes room.
            while reserved == nil {
                usleep(100)
                reserved = producer.reserve(count: 1, byteCountMax: 4096)
            }
            record.sequence = reserved!
            let bytes = record.encoded()
            producer.append(sequence: record.sequence) { room in
                room.copyBytes(from: bytes)
                return bytes.count
            }
            producer.commit()
        }
    }

    struct Served {
        let bundle: Bundle
        let version: UInt32
    }
}

extension ReplayBench.Served {
    /// A decision as the server records it; computed by the bundle's array functions, one row at a time.
    func decision(_ features: [Double], explain: Int = 0, time: Int64 = 1_800_000_000_000_000_000, id: String = "") -> AuditRecord
    {
        let (_, outputs) = bundle.score(rows: features)
        let score = outputs[bundle.policy.decidingOutput]
        let outcome = bundle.policy.outcome(score: score)
        var record = AuditRecord()
        record.timeNanoseconds = time
        record.bundle = bundle.name
        record.version = version
        record.digest = bundle.digest.bytes
        if bundle.precision == .float32 {
            record.features32 = features.flatMap { value in
                withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { Array($0) }
            }
        } else {
            record.features64 = features.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
        }
        record.scores = outputs.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
        record.score = score
        record.outcome = WireOutcome(rawValue: UInt32(outcome.rawValue))!
        record.stage = .online
        record.transactionID = id
        record.caller = "test"
        record.alias = "champion"
        if outcome == .review {
            record.reasons = [
                ReasonMessage(code: "SCORE_AT_LEAST_REVIEW", value: score, threshold: bundle.policy.reviewThreshold)
            ]
        } else if outcome == .decline {
            record.reasons = [
                ReasonMessage(code: "SCORE_AT_LEAST_DECLINE", value: score, threshold: bundle.policy.declineThreshold)
            ]
        }
        if explain > 0 { record.reasons += contributions(features, explain) }
        return record
    }

    private func contributions(_ features: [Double], _ count: Int) -> [ReasonMessage] {
        let shares = bundle.contributions(rows: features).prefix(bundle.featureCount)
        let strongest = shares.indices.filter { shares[$0] != 0 }
            .sorted { (-shares[$0].magnitude, $0) < (-shares[$1].magnitude, $1) }.prefix(count)
        return strongest.map { index in
            let feature = bundle.schema.features[index]
            let value = bundle.precision == .float32 ? Double(Float(features[index])) : features[index]
            return ReasonMessage(
                code: "FEATURE", feature: feature.name, value: value, contribution: shares[index], text: feature.reason)
        }
    }
}

/// Pseudorandom numbers that a seed brings back (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

/// Small bundles: probabilities of a few random trees over named features.
enum ReplayDrafts {
    static func make(
        _ features: [String] = ["amount", "hour", "fee"], seed: UInt64, treeCount: Int = 20, name: String = "cards",
        precision: Precision = .float32, sources: [DerivedFeature?] = [], review: Double = 0.5, decline: Double = 0.8
    ) -> BundleDraft {
        var generator = SeededGenerator(seed: seed)
        let trees = (0..<treeCount).map { _ in
            var tree = TreeEnsemble.Tree(nodes: [
                split(&generator, features.count, 1), split(&generator, features.count, 3), split(&generator, features.count, 5),
                leaf(&generator), leaf(&generator), leaf(&generator), leaf(&generator),
            ])
            tree.covers = [100, 60, 40, 25, 35, 10, 30]
            return tree
        }
        let ensemble = TreeEnsemble(
            featureCount: features.count, featurePrecision: precision, sumPrecision: precision, baseMargins: [0.1],
            transform: Transform(.logistic), trees: trees)
        let schema = FeatureSchema(
            features: features.enumerated().map { index, name in
                .init(name: name, source: index < sources.count ? sources[index] : nil, reason: "\(name) is unusual")
            })
        return BundleDraft(
            name: name, objective: "binary:logistic", schema: schema,
            policy: OutcomePolicy(decidingOutput: 0, reviewThreshold: review, declineThreshold: decline), ensemble: ensemble,
            golden: .none)
    }

    private static func split(_ generator: inout SeededGenerator, _ featureCount: Int, _ left: Int) -> TreeEnsemble.Node {
        .split(
            feature: Int.random(in: 0..<featureCount, using: &generator),
            threshold: Double(Float.random(in: 0...100, using: &generator)), missingGoesLeft: Bool.random(using: &generator),
            left: left, right: left + 1)
    }

    private static func leaf(_ generator: inout SeededGenerator) -> TreeEnsemble.Node {
        .leaf(Double(Float.random(in: -0.5...0.5, using: &generator)))
    }

    /// Values of 0 to 100, some missing.
    static func rows(_ count: Int, width: Int, seed: UInt64) -> [[Double]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            (0..<width).map { _ in
                Int.random(in: 0..<12, using: &generator) == 0 ? .nan : Double(Float.random(in: 0...100, using: &generator))
            }
        }
    }
}
