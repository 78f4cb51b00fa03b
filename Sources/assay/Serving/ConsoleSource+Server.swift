import Console
import Platform
import Reactor
import Registry
import Server
import Session
import Wire

extension ConsoleSource {
    /// The console's view of a running server.
    init(_ server: AssayServer) {
        let status = server.status
        let workerCount = UInt64(server.configuration.workerCount)
        self.init(
            readiness: { ReadinessReport(status.health()) },
            metrics: { MetricsSnapshot(status, workerCount: workerCount) },
            models: { ModelReport.all(status.publisher.current) })
    }
}

extension ReadinessReport {
    init(_ health: HealthMessage) {
        self.init(reasons: health.reasons.map { Reason(code: $0.code, text: $0.text, blocking: $0.isBlocking) })
    }
}

extension ModelReport {
    /// Every version that is served, and every one that is refused.
    static func all(_ snapshot: RegistrySnapshot) -> [ModelReport] {
        let served = snapshot.entries.map { entry in
            ModelReport(
                bundle: entry.name, version: entry.version, digest: entry.bundle.digest.hex, aliases: snapshot.aliases(of: entry),
                isUnproven: entry.bundle.isUnproven, featureCount: entry.bundle.featureCount,
                outputCount: entry.bundle.outputCount,
                treeCount: entry.bundle.treeCount, byteCount: entry.bundle.byteCount, objective: entry.bundle.objective,
                pushedBy: entry.manifest.who, pushedAtNanoseconds: entry.manifest.when.unixMicroseconds * 1000)
        }
        let refused = snapshot.problems.compactMap { problem in
            problem.bundle.map { ModelReport(bundle: $0, version: problem.version, refusal: "\(problem.reason)") }
        }
        return served + refused
    }
}

extension MetricsSnapshot {
    init(_ status: ServerStatus, workerCount: UInt64) {
        self.init()
        self.workerCount = workerCount
        isReady = status.health().isReady
        isDraining = status.isDraining
        serverVersion = status.serverVersion
        swiftVersion = Version.swift
        swapCount = status.swapCount
        setTraffic(status)
        setConnections(status)
        setBundles(status.publisher.current)
        setAudit(status)
    }

    private mutating func setTraffic(_ status: ServerStatus) {
        let workers = status.workerCounters
        for method in Method.allCases {
            for outcome in Status.allCases {
                let count = workers.reduce(0) { $0 + $1.requests(method, outcome) }
                // What never happened is left out; a success is always there, so that a rate begins at zero.
                if count > 0 || outcome == .ok { requests.append(.init(method: method.name, status: outcome.name, count: count)) }
            }
        }
        for (key, slot) in status.slots.all {
            for outcome in [WireOutcome.approve, .review, .decline] {
                let count = workers.reduce(0) { $0 + $1.decisions(slot: slot, outcome: outcome) }
                // Every bundle decides in the online stage so far.
                decisions.append(
                    .init(
                        bundle: key.bundle, version: key.version, outcome: outcome.name, stage: WireStage.online.name,
                        count: count))
            }
        }
        badFrameCount = workers.reduce(0) { $0 + $1.badFrames }
        var counts = [UInt64](repeating: 0, count: WorkerCounters.durationBoundsNanoseconds.count + 1)
        for worker in workers { for (index, count) in worker.durationCounts.enumerated() { counts[index] += count } }
        scoreDuration = .init(
            upperBounds: WorkerCounters.durationBoundsNanoseconds.map { Double($0) / 1e9 }, counts: counts,
            sum: Double(workers.reduce(0) { $0 + $1.durationSumNanoseconds }) / 1e9)
    }

    private mutating func setConnections(_ status: ServerStatus) {
        let loops = status.loopCounters
        connections.open = loops.reduce(0) { $0 + $1[.connectionsOpen] }
        connections.total = loops.reduce(0) { $0 + $1[.connectionsAccepted] }
        connections.refused = loops.reduce(0) { $0 + $1[.connectionsRefused] }
        connections.closed = CloseCause.allCases.map { cause in (cause.label, loops.reduce(0) { $0 + $1[closed: cause] }) }
        connections.tls = status.tlsCounters.map { tls in
            .init(
                open: tls[.connectionsOpen], total: tls[.connectionsAccepted],
                handshakesFailed: tls[closed: .handshakeFailed] + tls[closed: .handshakeTimeout])
        }
        receivedByteCount = loops.reduce(0) { $0 + $1[.bytesReceived] }
        sentByteCount = loops.reduce(0) { $0 + $1[.bytesSent] }
        spinCount = loops.reduce(0) { $0 + $1[.spins] }
        paidSpinCount = loops.reduce(0) { $0 + $1[.spinsPaid] }
    }

    private mutating func setBundles(_ snapshot: RegistrySnapshot) {
        for entry in snapshot.entries {
            let aliases = snapshot.aliases(of: entry)
            for alias in aliases.isEmpty ? [""] : aliases {
                bundles.append(.init(bundle: entry.name, version: entry.version, alias: alias, digest: entry.bundle.digest.hex))
            }
        }
        refusedBundleCount = UInt64(snapshot.problems.count)
    }

    private mutating func setAudit(_ status: ServerStatus) {
        let trail = status.audit
        audit.mode = status.auditMode.rawValue
        audit.droppedCount = status.droppedCount
        audit.durability = status.durability.name
        audit.syncCount = trail.syncCount
        audit.syncSeconds = Double(trail.syncNanoseconds) / 1e9
        audit.heldReplyCount = status.workerCounters.reduce(0) { $0 &+ $1.held }
        audit.sequenceLast = trail.lastSequence
        audit.sequenceDurable = trail.durableSequence
        audit.sequenceShipped = trail.shippedSequence ?? 0
        audit.recordCount = trail.recordCount
        audit.backlogByteCount = UInt64(max(0, trail.backlogByteCount))
        audit.ringByteCountUsed = UInt64(max(0, trail.ringByteCountUsed))
        audit.ringByteCount = UInt64(max(0, trail.ringByteCount))
        audit.closedSegmentCount = UInt64(trail.closedSegmentCount)
        audit.unindexedSegmentCount = UInt64(trail.unindexedSegmentCount)
        audit.indexCount = trail.indexCount
        audit.isDiskFull = trail.isDiskFull
        audit.hasFailed = trail.failure != nil
        if let count = trail.checkpointCount { audit.checkpoints = .init(count: count, sequence: trail.checkpointSequence ?? 0) }
        audit.retention = trail.retention.map { retention in
            .init(
                firstSequence: retention.firstSequence, byteCount: UInt64(max(0, retention.byteCount)),
                retiredSegmentCount: retention.retiredSegmentCount,
                retiredByteCount: UInt64(max(0, retention.retiredByteCount)), isBlocked: retention.isBlocked)
        }
        guard let sink = trail.postgres else { return }
        let lag = trail.shippedSequence.map { trail.writtenSequence > $0 ? trail.writtenSequence - $0 : 0 }
        let seconds = sink.lagNanoseconds(now: Clock.wallNanoseconds()).map { Double($0) / 1e9 }
        var report = MetricsSnapshot.Postgres(isUp: sink.state == .shipping, lagRecordCount: lag, lagSeconds: seconds)
        report.isRefused = sink.state == .refused
        report.rowCount = sink.rowCount
        report.connectionCount = sink.connectionCount
        postgres = report
    }
}
