import Audit
import Glibc
import Logging
import ModelBundle
import Platform
import Privacy
import Reactor
import Registry
import Session
import Synchronization
import TLSListener

/// A whole server: registry, audit trail, loops and control plane, wired together.
///
///     let server = try AssayServer(configuration, version: "1.0.0", logger: logger)
///     server.start()
///     server.waitUntilStopped()            // another thread calls drain() or stop()
///
/// Threads: one a loop (`assay-loop-N`), one for connections with TLS (`assay-tls`), one for the registry, two for control requests, and those of the audit trail.
public final class AssayServer: Sendable {
    public let configuration: ServerConfiguration
    public let status: ServerStatus
    /// The TCP port that is listened on; nil without TCP.
    public let port: Int?
    private let logger: Logger
    /// nil: the operator wants none.
    private let trail: AuditTrail?
    private let watcher: RegistryWatcher
    private let control: ControlPlane
    /// The port that TLS is spoken on; nil without TLS.
    public let tlsPort: Int?
    private let loops: [EventLoop]
    private let tlsLoop: TLSLoop?
    /// By the index in `ConnectionID`, which is that of the worker: `loops`, and behind them `tlsLoop`.
    private let connectionLoops: [any ConnectionLoop]
    private let listeners: [Listener]
    private let running = Mutex<Running?>(nil)
    /// The audit trail failed: `waitUntilStopped` says so.
    private let hasFailed: FailureFlag

    private struct Running {
        var loopThreads: [WorkerThread]
        var controlThreads: [WorkerThread]
    }

    /// Recovers the journal, admits the registry's bundles, and opens the sockets; nothing is answered before `start`.
    public init(_ configuration: ServerConfiguration, version: String, logger: Logger) throws(ServerError) {
        guard (1...1024).contains(configuration.workerCount) else { throw .workerCount(configuration.workerCount) }
        guard configuration.listen != nil || configuration.unixPath != nil || configuration.tls != nil else {
            throw .nothingToListenOn
        }
        self.configuration = configuration
        self.logger = logger
        let failure = FailureFlag()
        hasFailed = failure
        let keys = try Self.openKeys(configuration)
        trail = try Self.openTrail(configuration, keys, logger, failure)
        let publisher = SnapshotPublisher(readerCount: configuration.ringCount)
        let slots = VersionSlots()
        let status = ServerStatus(
            serverVersion: version, trail: trail, auditMode: configuration.auditMode, durability: configuration.durability,
            publisher: publisher, slots: slots,
            administration: configuration.administration)
        self.status = status
        watcher = try Self.makeWatcher(configuration, publisher, status, logger)
        listeners = try Self.makeListeners(configuration)
        port = listeners.compactMap(\.port).first
        do throws(SystemError) {
            control = try ControlPlane(watcher: watcher, trail: trail, frameByteCountMax: configuration.session.frameByteCountMax)
        } catch {
            throw .registry(.system(error))
        }
        var loops: [EventLoop] = []
        var counters = [control.registryCounters, control.journalCounters]
        let makeService = { [control, trail] (index: Int) -> LoopService in
            let current = CurrentConnection()
            let worker = ScoringWorker(
                limits: configuration.session, services: status, reader: publisher.reader(index),
                producer: trail?.producer(worker: index), auditMode: configuration.auditMode, keys: keys,
                disk: trail?.diskWait(worker: index), durability: configuration.durability, slots: slots
            ) { control.submit(current.id, $0) }
            counters.append(worker.counters)
            return LoopService(worker: worker, current: current, administration: configuration.administration)
        }
        for index in 0..<configuration.workerCount {
            do throws(ReactorError) {
                loops.append(
                    try EventLoop(index: UInt16(index), configuration: configuration.loop, service: makeService(index)))
            } catch {
                throw .reactor(error)
            }
        }
        self.loops = loops
        (tlsLoop, tlsPort) = try Self.makeTLSLoop(configuration, makeService)
        let tls = tlsLoop.map { [$0] } ?? []
        let connectionLoops: [any ConnectionLoop] = loops + tls
        self.connectionLoops = connectionLoops
        status.attach(loops: connectionLoops.map(\.counters), tls: tlsLoop?.counters, workers: counters)
        trail?.onDurable { worker in connectionLoops[worker].resume() }
        failure.whenSet { [weak self] in self?.endAfterFailure() }
    }

    /// The keys of personal data; nil: none are kept. Those that are there are durable before the journal is recovered.
    private static func openKeys(_ configuration: ServerConfiguration) throws(ServerError) -> SubjectKeys? {
        guard let directory = configuration.privacyKeysDirectory else { return nil }
        do throws(PrivacyError) { return try SubjectKeys.open(directory) } catch { throw .privacy(error) }
    }

    private static func openTrail(
        _ configuration: ServerConfiguration, _ keys: SubjectKeys?, _ logger: Logger, _ failure: FailureFlag
    ) throws(ServerError) -> AuditTrail? {
        guard configuration.auditMode != .off else {
            logger.warning(
                "audit is off: no decision has a record, nothing is durable, nothing can be proven; for measurements only")
            return nil
        }
        var audit = configuration.audit
        audit.workerCount = configuration.ringCount
        // A key is never less durable than a record that it opens.
        if let keys { audit.beforeSync = { () throws(SystemError) in try keys.synchronize() } }
        do throws(AuditError) {
            return try AuditTrail.open(audit, logger: logger) { _ in failure.set() }
        } catch {
            throw .audit(error)
        }
    }

    private static func makeWatcher(
        _ configuration: ServerConfiguration, _ publisher: SnapshotPublisher, _ status: ServerStatus, _ logger: Logger
    ) throws(ServerError) -> RegistryWatcher {
        do throws(RegistryError) {
            let directory = try RegistryDirectory(path: configuration.registryDirectory)
            return try RegistryWatcher(
                directory: directory, publisher: publisher, pollSeconds: configuration.registryPollSeconds, logger: logger
            ) { publication in status.countSwaps(publication.swaps.count { $0.previousVersion != 0 }) }
        } catch {
            throw .registry(error)
        }
    }

    private static func makeListeners(_ configuration: ServerConfiguration) throws(ServerError) -> [Listener] {
        do throws(ReactorError) {
            var listeners: [Listener] = []
            if let address = configuration.listen { listeners.append(try Listener.tcp(host: address.host, port: address.port)) }
            if let path = configuration.unixPath { listeners.append(try Listener.unix(path: path)) }
            return listeners
        } catch {
            throw .reactor(error)
        }
    }

    private static func makeTLSLoop(
        _ configuration: ServerConfiguration, _ makeService: (Int) -> LoopService
    ) throws(ServerError) -> (TLSLoop?, port: Int?) {
        guard let tls = configuration.tls else { return (nil, nil) }
        let listener: Listener
        do throws(ReactorError) { listener = try Listener.tcp(host: tls.listen.host, port: tls.listen.port) } catch {
            throw .reactor(error)
        }
        // One loop has all of them.
        var limits = configuration.loop
        limits.connectionCountMax *= configuration.workerCount
        let index = configuration.workerCount
        do throws(TLSError) {
            let loop = try TLSLoop(
                index: UInt16(index), configuration: limits, service: makeService(index), listener: listener, files: tls.files)
            return (loop, listener.port)
        } catch {
            throw .tls(error)
        }
    }

    /// Publishes the registry and begins to answer.
    public func start() {
        watcher.start()
        for loop in loops { for listener in listeners { loop.listen(on: listener) } }
        tlsLoop?.start()
        running.withLock { running in
            precondition(running == nil, "the server was started before")
            let loopThreads = loops.enumerated().map { index, loop in
                let processor = index < configuration.processors.count ? configuration.processors[index] : nil
                return WorkerThread(name: "assay-loop-\(index)", processor: processor) { loop.run() }
            }
            running = Running(loopThreads: loopThreads, controlThreads: control.start(loops: connectionLoops))
        }
    }

    /// Stops accepting, answers what has arrived, then ends; connections still busy after `drainSeconds` are closed. From any thread.
    public func drain() {
        status.beginDraining()
        for listener in listeners { listener.stopListening() }
        let deadline = Clock.monotonicNanoseconds() + UInt64(configuration.drainSeconds) * 1_000_000_000
        for loop in connectionLoops { loop.drain(deadlineNanoseconds: deadline) }
    }

    /// Nothing becomes durable any more: replies that wait for it are refused, and the server ends.
    private func endAfterFailure() {
        for loop in connectionLoops { loop.resume() }
        drain()
    }

    /// Closes every connection at once; what is in the audit trail stays. From any thread.
    public func stop() {
        status.beginDraining()
        for loop in connectionLoops { loop.stop() }
    }

    /// Looks at the registry now instead of at the next notification or poll.
    public func refreshRegistry() { watcher.refreshNow() }

    /// Meets new connections with what the files of TLS hold now. After an error the old ones go on. Without TLS nothing happens.
    public func reloadCertificates() throws(ServerError) {
        guard let tls = configuration.tls else { return }
        do throws(TLSError) { try tlsLoop?.reload(tls.files) } catch { throw .tls(error) }
    }

    /// Waits for the loops to end, then closes the control plane, the registry and the audit trail in this order.
    /// False: the audit trail had failed, and the process should exit with an error.
    public func waitUntilStopped() -> Bool {
        let threads = running.withLock { $0 }
        guard let threads else { return true }
        for thread in threads.loopThreads { thread.join() }
        tlsLoop?.waitUntilEnded()
        control.stop()
        for thread in threads.controlThreads { thread.join() }
        watcher.stop()
        trail?.close()
        return !hasFailed.isSet
    }
}

/// Set once, from any thread, also before anybody listens.
final class FailureFlag: Sendable {
    private struct State {
        var isSet = false
        var action: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    var isSet: Bool { state.withLock { $0.isSet } }

    func set() {
        let action = state.withLock { state in
            state.isSet = true
            return state.action
        }
        action?()
    }

    func whenSet(_ action: @escaping @Sendable () -> Void) {
        let isSet = state.withLock { state in
            state.action = action
            return state.isSet
        }
        if isSet { action() }
    }
}
