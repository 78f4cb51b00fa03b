import Forest
import Foundation
import ModelBundle
import Platform
import Wire

@testable import LoadGenerator

/// A small random number generator with a printed seed, for fuzz tests.
struct SeededGenerator: RandomNumberGenerator {
    private var inner: SplitMix
    init(seed: UInt64) { inner = SplitMix(seed: seed) }
    mutating func next() -> UInt64 { inner.next() }
}

enum Samples {
    static let digest = [UInt8](1...32)

    static func decision(
        id: UInt64, score: Double = 0.25, outcome: WireOutcome = .approve, version: UInt32 = 3, sequence: UInt64 = 1,
        digest: [UInt8] = digest, scores: [Double] = [], bundle: String = "cards"
    ) -> Reply {
        var message = DecisionMessage()
        message.score = score
        message.outcome = outcome
        message.stage = .online
        message.bundle = bundle
        message.version = version
        message.digest = digest
        message.auditSequence = sequence
        message.serverNanoseconds = 1_500
        message.scores = scores
        return Reply(id: id, body: .decision(message))
    }

    static func batch(id: UInt64, scores: [Double], sequence: UInt64, version: UInt32 = 3) -> Reply {
        var message = ScoreBatchMessage()
        message.scores = scores
        message.outcomes = scores.map { _ in .approve }
        message.bundle = "cards"
        message.version = version
        message.digest = digest
        message.auditSequenceFirst = sequence
        return Reply(id: id, body: .scoreBatch(message))
    }

    static func refusal(id: UInt64, status: Status = .resourceExhausted, reason: String = "IN_FLIGHT") -> Reply {
        Reply(id: id, status: status, error: ReplyError(reason: reason, text: "no", retryAfterMicroseconds: 1_000))
    }

    /// The message of a frame, without its header.
    static func payload(_ reply: Reply) -> [UInt8] { Array(reply.frame().dropFirst(Frame.headerByteCount)) }

    static func scan(_ reply: Reply) throws -> ScannedReply {
        try payload(reply).withUnsafeBytes { try ScannedReply($0) }
    }

    /// Gives a reply to a tally as the answer to `request`.
    @discardableResult
    static func take(
        _ reply: Reply, _ tally: inout Tally, _ request: InFlight.Request = InFlight.Request(), now: UInt64 = 0
    ) throws -> Int {
        try payload(reply).withUnsafeBytes { bytes in
            tally.nowNanoseconds = now
            return tally.take(try ScannedReply(bytes), bytes, request) { request.item + $0 }
        }
    }

    static func plan(rowCount: Int = 8, rowsPerRequest: Int = 1) -> Tally.Plan {
        var plan = Tally.Plan()
        plan.isVerifying = true
        plan.bundles = [.init(name: Array("cards".utf8), rowCount: rowCount)]
        plan.parts = [.init(rowsPerRequest: rowsPerRequest)]
        return plan
    }

    /// A bundle of two features whose score is `low` below the threshold 0 of the first and `high` from there on.
    static func bundle(low: Double = 0.25, high: Double = 0.75) throws -> [UInt8] {
        let tree = TreeEnsemble.Tree(nodes: [
            .split(feature: 0, threshold: 0, missingGoesLeft: true, left: 1, right: 2), .leaf(low), .leaf(high),
        ])
        let ensemble = TreeEnsemble(featureCount: 2, baseMargins: [0], transform: Transform(.identity), trees: [tree])
        let rows: [Double] = [-1, 5, 1, 5, .nan, 0]
        let draft = BundleDraft(
            name: "cards", objective: "reg:squarederror", schema: FeatureSchema(features: [.init(name: "a"), .init(name: "b")]),
            policy: .probability, ensemble: ensemble, golden: GoldenRows(rowCount: 3, features: rows, outputs: [low, high, low]))
        return try draft.serialized()
    }

    static func temporaryPath(_ name: String) -> String {
        "/tmp/assay-load-test-\(ProcessInfo.processInfo.processIdentifier)-\(Clock.monotonicNanoseconds())-\(name)"
    }
}

extension LoadInput {
    /// The requests of a run of one kind.
    func prepared(_ configuration: LoadConfiguration) throws(LoadError) -> PreparedRequests {
        try prepared(configuration, configuration.parts[0])
    }
}

extension Tally {
    /// All stages together.
    var latency: LatencyHistogram { whole.latency }
    var service: LatencyHistogram? { whole.service }

    private var whole: StageTally {
        var sum = StageTally(isOpenLoop: plan.isOpenLoop)
        for stage in stages { sum.add(stage) }
        return sum
    }
}
