import Console

/// Invented figures with every optional part filled in.
enum Samples {
    static func metrics() -> MetricsSnapshot {
        var metrics = MetricsSnapshot()
        metrics.requests = [
            .init(method: "score", status: "OK", count: 1_000_007),
            .init(method: "score", status: "INVALID_ARGUMENT", count: 3),
            .init(method: "hello", status: "OK", count: 16),
        ]
        metrics.decisions = [
            .init(bundle: "cards", version: 2, outcome: "approve", stage: "online", count: 900_000),
            .init(bundle: "cards", version: 2, outcome: "decline", stage: "online", count: 7),
        ]
        var counts = [UInt64](repeating: 0, count: ScoreDuration.upperBoundsSeconds.count + 1)
        counts[1] = 900_000
        counts[2] = 100_000
        counts[16] = 7
        metrics.scoreDuration = .init(upperBounds: ScoreDuration.upperBoundsSeconds, counts: counts, sum: 2.25)
        metrics.connections.open = 12
        metrics.connections.total = 20
        metrics.connections.refused = 2
        metrics.connections.closed = [("peer", 7), ("idle_timeout", 1)]
        metrics.connections.tls = .init(open: 5, total: 9, handshakesFailed: 2)
        metrics.receivedByteCount = 123_456_789_012
        metrics.sentByteCount = 9_876_543_210
        metrics.spinCount = 31
        metrics.paidSpinCount = 17
        metrics.badFrameCount = 4
        metrics.bundles = [.init(bundle: "cards", version: 2, alias: "champion", digest: String(repeating: "ab", count: 32))]
        metrics.swapCount = 5
        metrics.refusedBundleCount = 1
        metrics.audit.sequenceLast = 900_007
        metrics.audit.sequenceDurable = 900_001
        metrics.audit.sequenceShipped = 899_000
        metrics.audit.recordCount = 900_001
        metrics.audit.backlogByteCount = 65_536
        metrics.audit.ringByteCountUsed = 4_096
        metrics.audit.ringByteCount = 33_554_432
        metrics.audit.mode = "drop"
        metrics.audit.droppedCount = 11
        metrics.audit.checkpoints = .init(count: 41, sequence: 899_990)
        metrics.audit.retention = .init(
            firstSequence: 300_001, byteCount: 99_000, retiredSegmentCount: 3, retiredByteCount: 49_000,
            isBlocked: true)
        metrics.postgres = .init(isUp: true, lagRecordCount: 1_001, lagSeconds: 0.25)
        metrics.postgres?.rowCount = 898_990
        metrics.postgres?.connectionCount = 3
        metrics.audit.durability = "disk"
        metrics.audit.syncCount = 300
        metrics.audit.syncSeconds = 1.5
        metrics.audit.heldReplyCount = 8
        metrics.isReady = true
        metrics.workerCount = 2
        metrics.serverVersion = "0.1.0"
        metrics.swiftVersion = "6.3.1"
        return metrics
    }

    static let models = [
        ModelReport(
            bundle: "cards", version: 2, digest: String(repeating: "ab", count: 32), aliases: ["champion"], featureCount: 30,
            outputCount: 1, treeCount: 100, byteCount: 65_536, objective: "binary:logistic", pushedBy: "ada@bank",
            pushedAtNanoseconds: 1_700_000_000_000_000_000),
        ModelReport(bundle: "cards", version: 1, isUnproven: true, refusal: "golden row 3: expected 0.5, got 0.25"),
    ]

    static func source(readiness: ReadinessReport = ReadinessReport()) -> ConsoleSource {
        ConsoleSource(readiness: { readiness }, metrics: { metrics() }, models: { models })
    }
}
