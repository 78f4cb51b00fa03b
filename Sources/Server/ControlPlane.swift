import Audit
import ModelBundle
import Platform
import Reactor
import Registry
import Session
import Wire

/// Answers what must not be answered on a loop, on two threads, each one request after another: one for the registry (descriptions and
/// pieces of bundles, moves of aliases, so that administrators never race each other inside one server), one for look-ups in the journal,
/// which wait for seconds when the disk does, and must not keep an administrator from a rollback meanwhile.
final class ControlPlane: Sendable {
    /// Requests of all connections that wait at most for one thread; each holds a few hundred bytes, at most a few kilobytes.
    static let queueCountMax = 1024
    /// Decisions of one transaction id when the caller doesn't say how many.
    private static let lookupCountDefault = 10
    /// More than a FetchBundle reply needs beside the piece itself (some 80 bytes), and less than the smallest frame limit.
    private static let envelopeByteCount = 1 << 10

    /// What the two threads answered; each writes its own.
    let registryCounters = WorkerCounters()
    let journalCounters = WorkerCounters()
    private let registryQueue: ControlQueue
    private let journalQueue: ControlQueue
    private let watcher: RegistryWatcher
    private let trail: AuditTrail?
    private let frameByteCountMax: Int

    init(watcher: RegistryWatcher, trail: AuditTrail?, frameByteCountMax: Int) throws(SystemError) {
        registryQueue = try ControlQueue(countMax: Self.queueCountMax)
        journalQueue = try ControlQueue(countMax: Self.queueCountMax)
        self.watcher = watcher
        self.trail = trail
        self.frameByteCountMax = frameByteCountMax
    }

    /// Called on a loop; false when too much is waiting.
    func submit(_ connection: ConnectionID, _ request: ControlRequest) -> Bool {
        let queue = request.body.method == .getDecision ? journalQueue : registryQueue
        return queue.put(ControlQueue.Job(connection: connection, request: request))
    }

    /// Starts both threads, which answer until `stop`; replies go to the connection's loop.
    func start(loops: [any ConnectionLoop]) -> [WorkerThread] {
        [
            WorkerThread(name: "assay-control") { [self] in
                registryQueue.run { answer($0, registryCounters, loops) }
            },
            WorkerThread(name: "assay-lookup") { [self] in
                journalQueue.run { answer($0, journalCounters, loops) }
            },
        ]
    }

    func stop() {
        registryQueue.stop()
        journalQueue.stop()
    }

    private func answer(_ job: ControlQueue.Job, _ counters: WorkerCounters, _ loops: [any ConnectionLoop]) {
        let reply = reply(to: job.request)
        counters.countRequest(job.request.body.method, reply.status)
        let frame = reply.frame(acceptsLZ4: job.request.acceptsLZ4, byteCountMax: frameByteCountMax)
        loops[Int(job.connection.loop)].post(job.connection, frame)
    }

    private func reply(to request: ControlRequest) -> Reply {
        let now = Clock.wallNanoseconds() / 1000
        if request.deadlineMicroseconds != 0, request.deadlineMicroseconds <= now {
            let error = ReplyError(reason: "DEADLINE_EXCEEDED", text: "the deadline passed while the request was waiting")
            return Reply(id: request.id, status: .deadlineExceeded, error: error)
        }
        do throws(ControlError) {
            return Reply(id: request.id, body: try answer(request))
        } catch {
            return Reply(id: request.id, status: error.status, error: error.replyError)
        }
    }

    private func answer(_ request: ControlRequest) throws(ControlError) -> ReplyBody {
        switch request.body {
        case .getDecision(let sequence, let transactionID, let limit):
            guard (sequence == 0) != transactionID.isEmpty else { throw .decisionQuery }
            if transactionID.isEmpty { return .getDecision(record: try record(sequence)) }
            let records = try records(transactionID, limit)
            return .getDecision(record: records[0], records: records)
        case .describeModel(let reference):
            let (snapshot, entry) = try find(reference)
            return .describeModel(ModelDescription(entry, in: snapshot))
        case .fetchBundle(let reference, let offset, let byteCountMax):
            return .fetchBundle(try piece(reference, offset: offset, byteCountMax: byteCountMax))
        case .setAlias(let bundle, let alias, let version, let who, let why):
            do throws(RegistryError) {
                let change = try watcher.setAlias(
                    bundle, alias: alias, version: version, who: who.isEmpty ? request.caller : who, why: why)
                return .setAlias(previousVersion: change.previousVersion, version: change.version)
            } catch {
                throw .registry(error)
            }
        case .rollback(let bundle, let alias, let who, let why):
            do throws(RegistryError) {
                let change = try watcher.rollback(
                    bundle, alias: alias.isEmpty ? "champion" : alias, who: who.isEmpty ? request.caller : who, why: why)
                return .rollback(previousVersion: change.previousVersion, version: change.version)
            } catch {
                throw .registry(error)
            }
        case .score, .scoreBatch, .hello, .health, .listModels, .stats:
            preconditionFailure("\(request.body.method) is answered on the loop")
        }
    }

    private func record(_ sequence: UInt64) throws(ControlError) -> [UInt8] {
        // Without a trail no decision has a number.
        guard let trail else { throw .unknownDecision }
        let record: [UInt8]?
        do throws(AuditError) { record = try trail.record(sequence: sequence) } catch { throw .audit(error) }
        guard let record else { throw .unknownDecision }
        return record
    }

    /// At least one; as many of the newest ones as a frame holds.
    private func records(_ transactionID: String, _ limit: UInt32) throws(ControlError) -> [[UInt8]] {
        guard limit <= AuditLimits.lookupCountMax else { throw .lookupLimit(limit) }
        guard let trail else { throw .unknownTransaction }
        let records: [[UInt8]]
        do throws(AuditError) {
            records = try trail.records(
                transactionID: transactionID, limit: limit == 0 ? Self.lookupCountDefault : Int(limit))
        } catch {
            throw .audit(error)
        }
        guard let first = records.first else { throw .unknownTransaction }
        // The first one travels twice; some ten bytes go with each.
        var room = frameByteCountMax - Self.envelopeByteCount - first.count
        let fitting = records.prefix { record in
            room -= record.count + 16
            return room >= 0
        }
        return fitting.isEmpty ? [first] : Array(fitting)
    }

    private func find(_ reference: ModelReference) throws(ControlError) -> (RegistrySnapshot, PublishedBundle) {
        let snapshot = watcher.publisher.current
        let lookup = unsafe Array(reference.bundle.utf8).withUnsafeBytes { name in
            unsafe Array(reference.alias.utf8).withUnsafeBytes { alias in
                unsafe snapshot.find(name: name, alias: alias, version: reference.version)
            }
        }
        switch lookup {
        case .found(let index): return (snapshot, snapshot.entries[index])
        case .unknownBundle: throw .unknownModel(reason: "UNKNOWN_BUNDLE", text: "no bundle of that name is served")
        case .unknownAlias: throw .unknownModel(reason: "UNKNOWN_ALIAS", text: "the bundle has no such alias")
        case .unknownVersion: throw .unknownModel(reason: "UNKNOWN_VERSION", text: "that version of the bundle is not served")
        }
    }

    private func piece(_ reference: ModelReference, offset: UInt64, byteCountMax: UInt32) throws(ControlError) -> BundlePiece {
        let entry = try find(reference).1
        let bundle = entry.bundle
        guard offset <= UInt64(bundle.byteCount) else { throw .offsetBeyondEnd(offset: offset, byteCount: bundle.byteCount) }
        let limit = frameByteCountMax - Self.envelopeByteCount
        let wanted = byteCountMax == 0 ? limit : min(Int(byteCountMax), limit)
        let start = Int(offset)
        let end = min(bundle.byteCount, start + wanted)
        // Safety: start <= end <= the file's length; the bundle is alive until the copy is made.
        let bytes = unsafe Array(bundle.fileBytes[start..<end])
        return BundlePiece(
            version: entry.version, digest: bundle.digest.bytes, byteCount: UInt64(bundle.byteCount), offset: offset, bytes: bytes
        )
    }
}
