import Audit
import Platform
import Reactor
import Registry
import Session
import Synchronization
import Wire

/// What the server knows of itself: read by sessions (Health, Stats, ListModels) and by the console, from any thread.
public final class ServerStatus: SessionServices {
    public let serverVersion: String
    public let serverID: [UInt8]
    /// nil: audit is off.
    public let trail: AuditTrail?
    public let auditMode: AuditMode
    public let durability: WireDurability
    public let publisher: SnapshotPublisher
    public let slots: VersionSlots
    public let administration: ServerConfiguration.AdministrationPolicy
    private let startNanoseconds = Clock.monotonicNanoseconds()
    private let isDrainingFlag = Atomic(false)
    private let swapCounter = Atomic<UInt64>(0)
    private let parts = Mutex<Parts>(Parts())

    /// What exists only once the loops do.
    private struct Parts {
        var loopCounters: [LoopCounters] = []
        var tlsCounters: LoopCounters?
        var workerCounters: [WorkerCounters] = []
    }

    init(
        serverVersion: String, trail: AuditTrail?, auditMode: AuditMode, durability: WireDurability, publisher: SnapshotPublisher,
        slots: VersionSlots,
        administration: ServerConfiguration.AdministrationPolicy
    ) {
        self.serverVersion = serverVersion
        serverID = trail?.identity.bytes ?? (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        self.trail = trail
        self.auditMode = auditMode
        self.durability = durability
        self.publisher = publisher
        self.slots = slots
        self.administration = administration
    }

    func attach(loops: [LoopCounters], tls: LoopCounters?, workers: [WorkerCounters]) {
        parts.withLock { $0 = Parts(loopCounters: loops, tlsCounters: tls, workerCounters: workers) }
    }

    func countSwaps(_ count: Int) { swapCounter.add(UInt64(count), ordering: .relaxed) }

    /// From now on the server is not ready.
    func beginDraining() { isDrainingFlag.store(true, ordering: .relaxed) }

    public var isDraining: Bool { isDrainingFlag.load(ordering: .relaxed) }
    public var swapCount: UInt64 { swapCounter.load(ordering: .relaxed) }
    public var loopCounters: [LoopCounters] { parts.withLock { $0.loopCounters } }
    /// Those of TLS among `loopCounters`; nil: it is not spoken.
    public var tlsCounters: LoopCounters? { parts.withLock { $0.tlsCounters } }
    public var workerCounters: [WorkerCounters] { parts.withLock { $0.workerCounters } }

    public var audit: AuditStatus { trail?.status ?? .off }
    /// Decisions that went without a record because the trail took none.
    public var droppedCount: UInt64 { workerCounters.reduce(0) { $0 + $1.dropped } }

    /// Every cause for worry, the blocking ones first.
    public func health() -> HealthMessage {
        let reasons = (blockingReasons + warnings)
        return HealthMessage(isReady: !reasons.contains(where: \.isBlocking), reasons: reasons)
    }

    private var blockingReasons: [HealthMessage.Reason] {
        var reasons: [HealthMessage.Reason] = []
        if isDraining { reasons.append(.init(code: "DRAINING", text: "the server is draining", isBlocking: true)) }
        if publisher.current.aliases.isEmpty {
            reasons.append(.init(code: "NO_BUNDLE", text: "no alias names a bundle that can be served", isBlocking: true))
        }
        if let failure = audit.failure {
            reasons.append(.init(code: "AUDIT_FAILED", text: "\(failure)", isBlocking: true))
        }
        return reasons
    }

    private var warnings: [HealthMessage.Reason] {
        let audit = self.audit
        var reasons = publisher.current.problems.map { problem in
            HealthMessage.Reason(code: "BUNDLE_REFUSED", text: "\(problem)", isBlocking: false)
        }
        if audit.isDiskFull {
            reasons.append(
                .init(code: "AUDIT_DISK_FULL", text: "the journal's disk is full; records wait in memory", isBlocking: false))
        }
        if auditMode == .off {
            reasons.append(.init(code: "AUDIT_OFF", text: "audit is off: no decision has a record", isBlocking: false))
        }
        let dropped = droppedCount
        if dropped > 0 {
            let text = "\(dropped) decisions since the start have no record: the trail took none (audit: drop)"
            reasons.append(.init(code: "AUDIT_DROPPED", text: text, isBlocking: false))
        }
        if audit.isBacklogOverLimit {
            reasons.append(.init(code: "AUDIT_BACKLOG", text: "the backlog to PostgreSQL is over its limit", isBlocking: false))
        }
        if let postgres = audit.postgres, postgres.state == .waiting || postgres.state == .refused {
            let cause = postgres.problem.map { ": \($0)" } ?? ""
            reasons.append(
                .init(code: "POSTGRES_DOWN", text: "records wait in the journal for PostgreSQL\(cause)", isBlocking: false))
        }
        return reasons
    }

    public func models() -> [ModelVersionMessage] { publisher.current.modelMessages }

    public func stats() -> StatsMessage {
        let audit = self.audit
        let loops = loopCounters
        let workers = workerCounters
        var stats = StatsMessage()
        stats.uptimeMicroseconds = (Clock.monotonicNanoseconds() - startNanoseconds) / 1000
        stats.connectionsOpen = loops.reduce(0) { $0 + $1[.connectionsOpen] }
        stats.connectionsTotal = loops.reduce(0) { $0 + $1[.connectionsAccepted] }
        for worker in workers {
            for method in Method.allCases {
                for status in Status.allCases {
                    let count = worker.requests(method, status)
                    stats.requestsTotal += count
                    if status != .ok { stats.errorsTotal += count }
                }
            }
        }
        // Once, under its lock: this runs on a loop, and there may be thousands.
        let slotNumbers = [0] + slots.all.map(\.slot)
        let byOutcome = WireOutcome.allCases.map { outcome in
            workers.reduce(0) { sum, worker in slotNumbers.reduce(sum) { $0 + worker.decisions(slot: $1, outcome: outcome) } }
        }
        stats.decisionsByOutcome = byOutcome
        stats.decisionsTotal = byOutcome.reduce(0, +)
        stats.auditSequenceLast = audit.lastSequence
        stats.auditSequenceDurable = audit.durableSequence
        stats.auditSequenceShipped = audit.shippedSequence ?? 0
        stats.auditBacklogByteCount = UInt64(audit.backlogByteCount)
        stats.swapsTotal = swapCount
        return stats
    }
}
