import Platform

@testable import Audit

/// What a life has beside the journal itself: checkpoints, retention, a sink, indexes. A third of the lives have none of it, so that whatever
/// goes wrong in the journal alone is seen in a short life.
struct TrailParts {
    static let key = Ed25519PrivateKey(seed: (1...32).map { UInt8($0) })!
    let isThere: Bool
    let keeper: JournalKeeper.Configuration
    /// Whether the sink is mostly behind, so that many segments go at once.
    let isSinkLazy: Bool
    /// The first number; 1 but for journals whose numbers soon come to the end of a span.
    let firstSequence: UInt64

    init(_ generator: inout SeededGenerator) {
        isThere = Int.random(in: 0..<3, using: &generator) > 0
        var keeper = JournalKeeper.Configuration()
        keeper.checkpointBlockCount = Int.random(in: 1...6, using: &generator)
        if Int.random(in: 0..<4, using: &generator) > 0 { keeper.key = Self.key }
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: break
        case 1: keeper.retention.nanoseconds = .random(in: 1_000...200_000, using: &generator)
        default: keeper.retention.byteCount = .random(in: 0...200_000, using: &generator)
        }
        self.keeper = isThere ? keeper : JournalKeeper.Configuration()
        isSinkLazy = Bool.random(using: &generator)
        let isLate = Int.random(in: 0..<4, using: &generator) == 0
        let distance = UInt64.random(in: 1...150, using: &generator)
        firstSequence = isThere && isLate ? AuditLimits.memoryLostSpan - distance : 1
    }
}
