import Forest
import Logging
import ModelBundle
import Platform
import Privacy
import Registry
import Synchronization
import Testing
import Wire

@testable import Audit
@testable import Session

/// One session with everything below it real (registry and journal in a directory of its own) and nothing above it: no socket, no loop.
final class SessionBench {
    let directory: String
    let trail: AuditTrail
    let watcher: RegistryWatcher
    let worker: ScoringWorker
    let submitted: Submissions
    private var session: Session
    private var output = SendBuffer()

    /// `stump`: three features (the second may not be missing), probability of "a >= 1"; review from 0.5, decline from 0.7.
    init(
        mayAdminister: Bool = true, limits: SessionLimits = SessionLimits(), ringByteCount: Int = 1 << 20,
        auditMode: AuditMode = .required, keepsKeys: Bool = false, durability: WireDurability = .memory, gate: SyncGate? = nil
    ) throws {
        directory = try Self.temporaryDirectory()
        try File.createDirectory(directory + "/registry")
        let registry = try RegistryDirectory(path: directory + "/registry")
        try File.writeAtomically(Self.stump(), to: directory + "/stump.assay")
        _ = try registry.push(file: directory + "/stump.assay", alias: "champion", who: "test", why: "", allowUnproven: true)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let publisher = SnapshotPublisher(readerCount: 1)
        watcher = try RegistryWatcher(directory: registry, publisher: publisher, logger: logger)
        watcher.refreshNow()
        var configuration = AuditConfiguration(journalDirectory: directory + "/journal", workerCount: 1)
        configuration.ringDirectory = directory
        configuration.ringByteCount = ringByteCount
        if let gate {
            let disk = GatedDisk(disk: DiskStorage(directory: configuration.journalDirectory), gate: gate)
            trail = try AuditTrail.open(configuration, storage: disk, logger: logger) { _ in }
        } else {
            trail = try AuditTrail.open(configuration, logger: logger)
        }
        let submitted = Submissions()
        self.submitted = submitted
        worker = ScoringWorker(
            limits: limits, services: FixedServices(), reader: publisher.reader(0),
            producer: auditMode == .off ? nil : trail.producer(worker: 0), auditMode: auditMode,
            keys: keepsKeys ? try SubjectKeys.open(directory + "/keys") : nil,
            disk: auditMode == .off ? nil : trail.diskWait(worker: 0), durability: durability, slots: VersionSlots()
        ) { submitted.take($0) }
        session = Session(mayAdminister: mayAdminister)
    }

    deinit {
        trail.close()
        try? File.removeTree(directory)
    }

    /// Gives the session `bytes` and decodes what it answers.
    @discardableResult
    func receive(_ bytes: [UInt8], waitingSince: UInt64? = nil) throws -> (progress: Session.Progress, replies: [Reply]) {
        let progress = bytes.withUnsafeBytes { session.receive($0, waitingSince: waitingSince, worker: worker, output: &output) }
        return (progress, try takeReplies())
    }

    /// Replies that have waited for the disk and need not any more.
    func released() throws -> [Reply] {
        session.releaseHeld(worker, &output)
        return try takeReplies()
    }

    private func takeReplies() throws -> [Reply] {
        var rest = [UInt8](output.bytes)
        output.clear()
        var replies: [Reply] = []
        while !rest.isEmpty {
            let frame = rest
            replies.append(try frame.withUnsafeBytes { try Reply.decode(frame: $0, byteCountMax: 1 << 30) })
            let length = rest[1..<5].reduce(0) { $0 << 8 | Int($1) }
            rest.removeFirst(Frame.headerByteCount + length)
        }
        return replies
    }

    /// The only reply to one request.
    func ask(_ request: Request) throws -> Reply {
        let (progress, replies) = try receive(request.frame())
        #expect(progress.consumed == request.frame().count)
        #expect(!progress.mustClose)
        return try #require(replies.first)
    }

    func ask(_ body: RequestBody, id: UInt64 = 1) throws -> Reply { try ask(Request(id: id, body: body)) }

    func score(_ features: [Float], _ change: (inout ScoreRequest) -> Void = { _ in }) throws -> Reply {
        var request = ScoreRequest(model: ModelReference(bundle: "stump"), input: .features32(features))
        change(&request)
        return try ask(.score(request))
    }

    /// Serves another bundle, under its own name.
    func push(_ bundle: [UInt8]) throws {
        try File.writeAtomically(bundle, to: directory + "/another.assay")
        _ = try watcher.directory.push(
            file: directory + "/another.assay", alias: "champion", who: "test", why: "", allowUnproven: true)
        watcher.refreshNow()
    }

    func controlDone() { session.controlDone() }
    var isIdle: Bool { session.isIdle }
    func disconnect() { session.dropHeld(worker) }

    /// The audit record with that number, decoded.
    func record(_ sequence: UInt64) throws -> AuditRecord {
        let bytes = try #require(try trail.record(sequence: sequence))
        return try #require(bytes.withUnsafeBytes { AuditRecord.decode($0) })
    }

    static func stump() throws -> [UInt8] {
        let tree = TreeEnsemble.Tree(nodes: [
            .split(feature: 0, threshold: 1, missingGoesLeft: true, left: 1, right: 2), .leaf(-2), .leaf(2),
        ])
        let draft = BundleDraft(
            name: "stump", objective: "binary:logistic",
            schema: FeatureSchema(features: [
                .init(name: "a", source: .bitcoinFee), .init(name: "b", missingAllowed: false, source: .bitcoinInputCount),
                .init(name: "c"),
            ]), policy: OutcomePolicy(decidingOutput: 0, reviewThreshold: 0.5, declineThreshold: 0.7),
            ensemble: TreeEnsemble(featureCount: 3, baseMargins: [0], transform: Transform(.logistic), trees: [tree]))
        return try draft.serialized()
    }

    private static func temporaryDirectory() throws -> String {
        let path = "/tmp/assay-session-\(UInt64.random(in: 0 ... .max))"
        try File.createDirectory(path)
        return path
    }
}

/// Control requests that a session handed over.
final class Submissions: Sendable {
    private let requests = Mutex<[ControlRequest]>([])
    private let isFull = Mutex(false)

    var all: [ControlRequest] { requests.withLock { $0 } }

    func refuseFromNowOn() { isFull.withLock { $0 = true } }

    func take(_ request: ControlRequest) -> Bool {
        if isFull.withLock({ $0 }) { return false }
        requests.withLock { $0.append(request) }
        return true
    }
}

struct FixedServices: SessionServices {
    let serverVersion = "test"
    let serverID = [UInt8](repeating: 7, count: 16)

    func health() -> HealthMessage { HealthMessage(isReady: true, reasons: []) }
    func stats() -> StatsMessage { StatsMessage() }
    func models() -> [ModelVersionMessage] { [] }
}

struct NoDecision: Error { let reply: Reply }

extension Reply {
    /// The decision that the reply tells; throws what it tells instead.
    var decided: DecisionMessage {
        get throws {
            guard case .decision(let decision)? = body else { throw NoDecision(reply: self) }
            return decision
        }
    }
}
