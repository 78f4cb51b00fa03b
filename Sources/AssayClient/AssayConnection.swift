import NIOCore
import NIOPosix
import Platform
import Synchronization
import Wire

/// One connection to an Assay server. Calls may be made from any task, many at a time; replies come in any order.
public final class AssayConnection: Sendable {
    /// What the server said of itself when the connection was opened.
    public let server: HelloMessage

    private let channel: any Channel
    private let handler: NIOLoopBound<ConnectionHandler>
    private let life: ConnectionLife
    private let configuration: ClientConfiguration
    private let lastID: Atomic<UInt64>
    private let load = Atomic<Int>(0)

    private init(
        channel: any Channel, handler: NIOLoopBound<ConnectionHandler>, life: ConnectionLife, configuration: ClientConfiguration,
        server: HelloMessage
    ) {
        self.life = life
        self.channel = channel
        self.handler = handler
        self.configuration = configuration
        self.server = server
        lastID = Atomic(1)
    }

    /// Connects and greets the server, within `configuration.connectTimeout` each.
    public static func connect(
        to address: ServerAddress, configuration: ClientConfiguration = ClientConfiguration(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws(AssayError) -> AssayConnection {
        let life = ConnectionLife()
        let channel: any Channel
        let handler: NIOLoopBound<ConnectionHandler>
        do {
            (channel, handler) = try await open(address, configuration, group, life)
        } catch {
            throw .cannotConnect(address: address.description, cause: cause(of: error))
        }
        do throws(AssayError) {
            let hello = try await greet(channel, handler, configuration)
            if hello.inFlightMax > 0 {
                channel.eventLoop.execute { handler.value.setInFlightMax(Int(hello.inFlightMax)) }
            }
            return AssayConnection(
                channel: channel, handler: handler, life: life, configuration: configuration, server: hello)
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }

    /// One sentence: of all addresses that a name has been tried at, the last one's.
    private static func cause(of error: any Error) -> String {
        let last = (error as? NIOConnectionError)?.connectionErrors.last?.error ?? error
        guard let failure = last as? IOError else { return "\(last)" }
        return SystemError(operation: "connect", code: failure.errnoCode).description
    }

    /// Requests that this connection's callers wait for.
    public var callCount: Int { load.load(ordering: .relaxed) }

    /// Whether calls can be made.
    public var isActive: Bool { !life.isOver && channel.isActive }

    /// Ends the connection; calls that wait fail with `closed`.
    public func close() async {
        let handler = handler
        channel.eventLoop.execute { handler.value.end(.closed) }
        try? await channel.closeFuture.get()
    }

    /// Sends any request and returns its result.
    ///
    /// - Parameter timeout: the call's time limit, also told to the server as a deadline; nil: that of the configuration.
    public func call(_ body: RequestBody, timeout: Duration? = nil) async throws(AssayError) -> ReplyBody {
        let id = lastID.add(1, ordering: .relaxed).newValue
        // The count is for choosing a connection only.
        load.add(1, ordering: .relaxed)
        defer { load.subtract(1, ordering: .relaxed) }
        let limit = Int(server.frameByteCountMax)
        return try await Self.call(
            channel, handler, id: id, body, timeout: timeout ?? configuration.timeout, frameByteCountMax: limit > 0 ? limit : .max
        )
    }

    private static func open(
        _ address: ServerAddress, _ configuration: ClientConfiguration, _ group: any EventLoopGroup, _ life: ConnectionLife
    ) async throws -> (any Channel, NIOLoopBound<ConnectionHandler>) {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
        let initialize: @Sendable (any Channel) -> EventLoopFuture<(any Channel, NIOLoopBound<ConnectionHandler>)> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let handler = ConnectionHandler(life: life)
                try channel.pipeline.syncOperations.addHandler(handler)
                return (channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
            }
        }
        switch address {
        case .tcp(let host, let port):
            return try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: Int(port), channelInitializer: initialize)
        case .unix(let path):
            return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: initialize)
        }
    }

    private static func greet(
        _ channel: any Channel, _ handler: NIOLoopBound<ConnectionHandler>, _ configuration: ClientConfiguration
    ) async throws(AssayError) -> HelloMessage {
        let request = HelloRequest(
            clientName: configuration.clientName, clientVersion: configuration.clientVersion, acceptsLZ4: configuration.acceptsLZ4
        )
        let result = try await call(
            channel, handler, id: 1, .hello(request), timeout: configuration.connectTimeout, frameByteCountMax: .max)
        guard case .hello(let hello) = result else { throw .wrongResult(method: .hello) }
        return hello
    }

    private static func call(
        _ channel: any Channel, _ handler: NIOLoopBound<ConnectionHandler>, id: UInt64, _ body: RequestBody, timeout: Duration,
        frameByteCountMax: Int
    ) async throws(AssayError) -> ReplyBody {
        let amount = TimeAmount(timeout)
        let deadline = Clock.wallNanoseconds() / 1_000 + amount.nanoseconds / 1_000
        let frame = Request(id: id, deadlineMicroseconds: deadline, body: body).frame()
        guard frame.count - Frame.headerByteCount <= frameByteCountMax else {
            throw .requestTooLarge(byteCount: frame.count - Frame.headerByteCount, limit: frameByteCountMax)
        }
        let method = body.method
        let reply = try await exchange(channel, handler, id: id, frame) { loop in
            loop.scheduleTask(in: amount) {
                handler.value.abandon(id: id, .timedOut(method: method, milliseconds: amount.nanoseconds / 1_000_000))
            }
        }
        guard reply.status == .ok else {
            throw .refused(status: reply.status, reply.error ?? ReplyError(reason: "", text: ""))
        }
        guard let result = reply.body else { throw .wrongResult(method: method) }
        return result
    }

    /// Sends a frame and waits for its reply, the time limit or the task's cancellation, whichever comes first.
    private static func exchange(
        _ channel: any Channel, _ handler: NIOLoopBound<ConnectionHandler>, id: UInt64, _ frame: [UInt8],
        _ schedule: @escaping @Sendable (any EventLoop) -> Scheduled<Void>
    ) async throws(AssayError) -> Reply {
        let isCancelled = CancelFlag()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<Reply, AssayError>, Never>) in
                let ticket = CallTicket(continuation)
                channel.eventLoop.execute {
                    // A cancellation that ran before found nothing to give up; it left the flag.
                    if isCancelled.value { return ticket.finish(.failure(.cancelled)) }
                    ticket.setTimer(schedule(channel.eventLoop))
                    handler.value.begin(id: id, frame: frame, ticket: ticket)
                }
            }
        } onCancel: {
            isCancelled.set()
            channel.eventLoop.execute { handler.value.abandon(id: id, .cancelled) }
        }
        return try result.get()
    }
}

/// Set by a cancelled task, read on the event loop. Sequentially consistent: it orders nothing but itself, and is cold.
private final class CancelFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var value: Bool { flag.load(ordering: .sequentiallyConsistent) }
    func set() { flag.store(true, ordering: .sequentiallyConsistent) }
}

extension TimeAmount {
    /// At least a millisecond, at most a day.
    init(_ duration: Duration) {
        let limited = min(max(duration, .milliseconds(1)), .seconds(ClientLimits.timeoutSecondsMax))
        let parts = limited.components
        self = .nanoseconds(parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000)
    }
}
