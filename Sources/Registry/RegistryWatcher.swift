import Glibc
import Logging
import ModelBundle
import Platform
import Synchronization

/// What a publication changed.
public struct RegistryPublication: Sendable {
    public let snapshot: RegistrySnapshot
    /// Empty when only problems or versions without an alias changed.
    public let swaps: [AliasSwap]
}

/// Keeps what a server serves in step with the registry on disk: watches the directories (inotify, and a slow poll for what that misses),
/// admits what is new, publishes a new snapshot.
///
/// Reading, admission and publication happen under one lock, so that snapshots are published in the order in which they were read; the
/// control operations may be called from any thread but a reader's, and return after their effect was published.
public final class RegistryWatcher: Sendable {
    public let directory: RegistryDirectory
    public let publisher: SnapshotPublisher
    private let logger: Logger
    private let onPublish: @Sendable (RegistryPublication) -> Void
    private let pollMilliseconds: Int32
    private let state: Mutex<State>
    private let wakeUp: EventSignal
    /// -1 without inotify.
    private let watchDescriptor: Int32
    private let isStopping = Atomic(false)
    private let thread = Mutex<WorkerThread?>(nil)

    private struct State: ~Copyable {
        var builder: SnapshotBuilder
        var watch: DirectoryWatch?
        var published = RegistryScan()
        var generation: UInt64 = 0
    }

    /// - Parameters:
    ///   - pollSeconds: the longest time after which a change is seen that inotify missed (network file systems have none); 1-3600.
    ///   - logger: gets swaps and problems as they come and go.
    ///   - onPublish: called after each publication, in their order, on the thread that published; it must not call the watcher.
    public init(
        directory: RegistryDirectory, publisher: SnapshotPublisher, limits: RegistryLimits = RegistryLimits(),
        pollSeconds: Int = 10,
        logger: Logger, onPublish: @escaping @Sendable (RegistryPublication) -> Void = { _ in }
    ) throws(RegistryError) {
        precondition((1...3600).contains(pollSeconds), "pollSeconds \(pollSeconds)")
        self.directory = directory
        self.publisher = publisher
        self.logger = logger
        self.onPublish = onPublish
        pollMilliseconds = Int32(pollSeconds) * 1000
        do { wakeUp = try EventSignal() } catch { throw .system(error) }
        var watch: DirectoryWatch?
        do throws(RegistryError) { watch = try DirectoryWatch() } catch {
            logger.warning("registry is not watched, only polled", metadata: ["reason": "\(error)"])
        }
        watchDescriptor = watch?.fileDescriptor ?? -1
        state = Mutex(State(builder: SnapshotBuilder(directory: directory, limits: limits), watch: watch))
    }

    /// Reads the registry and publishes what it holds, then watches it on a thread of its own until `stop`.
    public func start() {
        refreshNow()
        thread.withLock { thread in
            precondition(thread == nil, "the watcher is running")
            thread = WorkerThread(name: "registry") { [self] in run() }
        }
    }

    /// Ends the thread; returns when it has ended. What was published stays so.
    public func stop() {
        // Pairs with the load in `run`; the signal orders the two.
        isStopping.store(true, ordering: .releasing)
        wakeUp.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Reads the registry; what has changed is published when this returns. True when something was published.
    @discardableResult
    public func refreshNow() -> Bool {
        state.withLock { refresh(&$0) }
    }

    /// `RegistryDirectory.setAlias`, published when it returns.
    public func setAlias(
        _ name: String, alias: String, version: UInt32, who: String, why: String
    ) throws(RegistryError) -> AliasChange {
        try state.withLock { state throws(RegistryError) in
            let change = try directory.setAlias(name, alias: alias, version: version, who: who, why: why) {
                version throws(RegistryError) in try state.builder.verify(name, version: version)
            }
            refresh(&state)
            return change
        }
    }

    /// `RegistryDirectory.rollback`, published when it returns.
    public func rollback(_ name: String, alias: String, who: String, why: String) throws(RegistryError) -> AliasChange {
        try state.withLock { state throws(RegistryError) in
            let change = try directory.rollback(name, alias: alias, who: who, why: why) {
                version throws(RegistryError) in try state.builder.verify(name, version: version)
            }
            refresh(&state)
            return change
        }
    }
}

extension RegistryWatcher {
    @discardableResult
    private func refresh(_ state: inout State) -> Bool {
        state.watch?.beginScan()
        let scan = state.builder.scan { path in state.watch?.watch(path) }
        state.watch?.endScan()
        let before = state.published
        let isFirst = state.generation == 0
        guard isFirst || !scan.isSame(as: before) else {
            publisher.reclaim()
            return false
        }
        state.published = scan
        state.generation += 1
        let snapshot = RegistrySnapshot(
            entries: Array(scan.entries.values), aliases: scan.aliases, problems: scan.problems, generation: state.generation)
        publisher.publish(snapshot)
        let swaps = scan.swaps(from: before)
        log(swaps, problems: scan.problems, before: before.problems)
        onPublish(RegistryPublication(snapshot: snapshot, swaps: swaps))
        return true
    }

    private func log(_ swaps: [AliasSwap], problems: [RegistryProblem], before: [RegistryProblem]) {
        for swap in swaps {
            logger.info(
                "alias swapped",
                metadata: [
                    "bundle": "\(swap.bundle)", "alias": "\(swap.alias)", "from": "\(swap.previousVersion)",
                    "to": "\(swap.version)",
                ])
        }
        let old = Set(before.map(\.description))
        let new = Set(problems.map(\.description))
        for problem in new.subtracting(old).sorted() { logger.warning("registry problem", metadata: ["problem": "\(problem)"]) }
        for problem in old.subtracting(new).sorted() {
            logger.info("registry problem is gone", metadata: ["problem": "\(problem)"])
        }
    }

    private func run() {
        // Pairs with the store in `stop`.
        while !isStopping.load(ordering: .acquiring) {
            let happened = waitForEvents(milliseconds: pollMilliseconds)
            if isStopping.load(ordering: .acquiring) { return }
            if happened { settle() }
            refreshNow()
        }
    }

    /// Waits until writers pause: a copy that is under way would only be refused for being half a file.
    private func settle() {
        let deadline = Clock.monotonicNanoseconds() + UInt64(RegistryLimits.settleMillisecondsMax) * 1_000_000
        while waitForEvents(milliseconds: RegistryLimits.settleMilliseconds), Clock.monotonicNanoseconds() < deadline {
            if isStopping.load(ordering: .acquiring) { return }
        }
    }

    /// Sleeps until something happened in the directories (true), or the time is up or `stop` was called.
    private func waitForEvents(milliseconds: Int32) -> Bool {
        var entries = [
            pollfd(fd: wakeUp.fileDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: watchDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        guard unsafe poll(&entries, 2, milliseconds) > 0 else { return false }
        if entries[0].revents != 0 { wakeUp.clear() }
        return entries[1].revents != 0 && DirectoryWatch.drain(watchDescriptor)
    }
}
