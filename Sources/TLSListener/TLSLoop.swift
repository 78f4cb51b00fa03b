import CLinux
import NIOCore
import NIOPosix
import NIOSSL
import Platform
import Reactor
import Synchronization

/// An event loop whose connections speak TLS: SwiftNIO and BoringSSL around the same service as behind `Reactor.EventLoop`, on one thread.
///
/// Methods may be called from any thread.
public final class TLSLoop: ConnectionLoop, @unchecked Sendable {
    public let counters = LoopCounters()
    private let index: UInt16
    private let listener: Listener
    /// What new connections are met with.
    private let context: Mutex<NIOSSLContext>
    private let stage = Mutex(Stage.made)
    private let isResuming = Atomic(false)
    private let postedByteCount = Atomic<Int>(0)
    // Safety: touched by the loop's thread only, from `start` on.
    private let state: TLSLoopState

    private enum Stage {
        case made
        case running(Running)
        case ended
    }

    private struct Running {
        let group: MultiThreadedEventLoopGroup
        let loop: any NIOCore.EventLoop
        let acceptor: any Channel
        let end: EventLoopPromise<Void>
    }

    /// - Parameters:
    ///   - index: goes into every `ConnectionID`.
    ///   - service: called on the loop's thread only.
    ///   - listener: for this loop alone.
    /// - Throws: a file that can't be read, or doesn't hold what it should.
    public init(
        index: UInt16, configuration: LoopConfiguration, service: any ConnectionService, listener: Listener, files: TLSFiles
    ) throws(TLSError) {
        self.index = index
        self.listener = listener
        context = Mutex(try files.makeContext())
        state = TLSLoopState(index: index, configuration: configuration, counters: counters, service: service)
    }

    /// Meets connections with what the files hold now; those that are open go on. After an error nothing has changed.
    public func reload(_ files: TLSFiles) throws(TLSError) {
        let next = try files.makeContext()
        context.withLock { $0 = next }
    }

    /// Accepts and serves, on a thread of its own, until a drain or `stop`. May be called once.
    public func start() {
        stage.withLock { stage in
            guard case .made = stage else { return }
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let loop = group.next()
            loop.execute { unsafe assay_name_thread("assay-tls") }
            let acceptor: any Channel
            do { acceptor = try bootstrap(group).withBoundSocket(listener.duplicateDescriptor()).wait() } catch {
                preconditionFailure("the listening socket cannot be watched: \(error)")
            }
            let beat = TimeAmount.nanoseconds(Int64(Limits.tickNanoseconds))
            loop.scheduleRepeatedTask(initialDelay: beat, delay: beat) { [self] _ in state.tick() }
            stage = .running(Running(group: group, loop: loop, acceptor: acceptor, end: loop.makePromise()))
        }
    }

    /// Waits until the loop has ended after `drain` or `stop`, and gives its thread back. Not from the loop's own thread.
    public func waitUntilEnded() {
        guard let running else { return }
        // Neither fails: the promise is only ever fulfilled, and the group has one owner.
        try? running.end.futureResult.wait()
        stage.withLock { $0 = .ended }
        try? running.group.syncShutdownGracefully()
    }

    @discardableResult
    public func post(_ id: ConnectionID, _ bytes: [UInt8]) -> Bool {
        // Relaxed: it only bounds.
        let waiting = postedByteCount.add(bytes.count, ordering: .relaxed).newValue
        guard waiting <= Limits.postedByteCountMax else {
            postedByteCount.subtract(bytes.count, ordering: .relaxed)
            return false
        }
        let isTaken = execute { [self] in
            postedByteCount.subtract(bytes.count, ordering: .relaxed)
            counters.add(.lettersReceived)
            guard let connection = state.slots[id] else { return counters.add(.lettersStale) }
            connection.post(bytes)
        }
        if !isTaken { postedByteCount.subtract(bytes.count, ordering: .relaxed) }
        return isTaken
    }

    @discardableResult
    public func resume() -> Bool {
        // Partner: the exchange below. Who finds it set has had its news stored before that one, which makes them seen.
        if isResuming.exchange(true, ordering: .acquiringAndReleasing) { return true }
        return execute { [self] in
            _ = isResuming.exchange(false, ordering: .acquiringAndReleasing)
            state.resume()
        }
    }

    /// Has the loop do something. False: it does not run. Under the lock, since nothing may be given to a loop that is gone.
    private func execute(_ task: @escaping @Sendable () -> Void) -> Bool {
        stage.withLock { stage in
            guard case .running(let running) = stage else { return false }
            running.loop.execute(task)
            return true
        }
    }

    public func drain(deadlineNanoseconds: UInt64) {
        guard let running = endOfAccepting() else { return }
        running.loop.execute { [self] in
            // From the next beat on: what lies in the sockets now was sent before the drain was known, and is read until then.
            state.beginDrain(deadlineNanoseconds: deadlineNanoseconds) { running.end.succeed() }
        }
    }

    public func stop() {
        guard let running = endOfAccepting() else { return }
        running.loop.execute { [self] in
            state.beginDrain(deadlineNanoseconds: 0) { running.end.succeed() }
            for connection in state.slots.all { connection.abort(.stopped) }
        }
    }

    /// nil: there was nothing to end.
    private func endOfAccepting() -> Running? {
        let running = stage.withLock { stage -> Running? in
            if case .running(let running) = stage { return running }
            stage = .ended
            return nil
        }
        let listener = listener
        guard let running else {
            listener.stopListening()
            return nil
        }
        // The socket is shared: once the loop watches it no longer, it may be shut down.
        running.acceptor.close(mode: .all).whenComplete { _ in listener.stopListening() }
        return running
    }

    private var running: Running? {
        stage.withLock { stage in
            if case .running(let running) = stage { running } else { nil }
        }
    }

    private func bootstrap(_ group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
        let pending = state.configuration.pendingOutputByteCountMax
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Limits.backlog)
            .serverChannelOption(.maxMessagesPerRead, value: Limits.acceptCountPerTurnMax)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: pending / 2, high: pending))
            .childChannelInitializer { [self] channel in channel.eventLoop.makeCompletedFuture { try accept(channel) } }
    }

    private struct Refused: Error {}

    /// Makes an accepted channel a connection; an error closes it.
    private func accept(_ channel: any Channel) throws {
        guard !state.isDraining, let id = state.slots.reserve() else {
            counters.add(.connectionsRefused)
            throw Refused()
        }
        guard state.service.accepted(id, PeerAddress(channel.remoteAddress)) else {
            state.slots.release(id)
            counters.add(.connectionsRefused)
            throw Refused()
        }
        counters.add(.connectionsOpen)
        counters.add(.connectionsAccepted)
        let traffic = WireTraffic(counters: counters)
        let connection = TLSConnection(id: id, state: state, traffic: traffic)
        state.slots.fill(id, connection)
        let tls = NIOSSLServerHandler(context: context.withLock { $0 })
        do { try channel.pipeline.syncOperations.addHandlers([traffic, tls, connection]) } catch {
            // The peer has gone meanwhile; without its handlers nobody else would say so.
            state.service.closed(id, .reset)
            state.connectionEnded(id)
            throw error
        }
    }
}

extension PeerAddress {
    fileprivate init(_ address: SocketAddress?) {
        self = address?.ipAddress.map { Self.isLoopback($0) ? .loopback : .network } ?? .network
    }

    private static func isLoopback(_ address: String) -> Bool {
        address == "::1" || address.hasPrefix("127.") || address.lowercased().hasPrefix("::ffff:127.")
    }
}
