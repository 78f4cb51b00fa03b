import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// The HTTP side door: `/livez`, `/readyz`, `/metrics` and `/models`, on one event loop thread of its own.
///
/// It never touches the scoring loops: it asks its `ConsoleSource` when somebody asks it.
public final class Console: Sendable {
    private enum State {
        case idle
        case running(ServiceGroup, Task<Void, any Error>)
        case stopped
    }

    /// The console's thread. It lives as long as the process: the framework's graceful stop leaves a task behind that may still
    /// post to its loop after everything else has ended, so a loop of a single run could be gone too early.
    private static let thread = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let host: String
    private let port: Int
    private let routes: ConsoleRoutes
    private let logger: Logger
    private let state = Mutex(State.idle)

    /// - Parameters:
    ///   - host: name or address to listen on; the console has no authentication, so loopback or a network of your own.
    ///   - port: 0-65535; 0 takes a free one, which `start` returns.
    public init(host: String, port: Int, source: ConsoleSource, logger: Logger) {
        precondition((0...65535).contains(port), "port \(port)")
        self.host = host
        self.port = port
        self.routes = ConsoleRoutes(source: source)
        // The framework tells of every start and stop at info; the server says that once, in its own words.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        self.logger = quiet
    }

    /// Listens, and returns the port it listens on.
    public func start() async throws(ConsoleError) -> Int {
        let (bound, continuation) = AsyncStream.makeStream(of: Int.self)
        let service = ServiceGroup(configuration: serviceConfiguration(application { continuation.yield($0) }))
        let task = state.withLock { state -> Task<Void, any Error>? in
            guard case .idle = state else { return nil }
            let task = Task.detached {
                defer { continuation.finish() }
                try await service.run()
            }
            state = .running(service, task)
            return task
        }
        guard let task else { throw .alreadyStarted }
        for await port in bound { return port }
        // The stream ended without a port: the service has failed.
        let result = await task.result
        state.withLock { $0 = .stopped }
        throw failure(result)
    }

    /// Stops accepting, lets replies under way finish for at most `ConsoleLimits.stopSeconds`. Idempotent.
    public func stop() async {
        let running = state.withLock { state -> (ServiceGroup, Task<Void, any Error>)? in
            guard case .running(let service, let task) = state else { return nil }
            state = .stopped
            return (service, task)
        }
        guard let (service, task) = running else { return }
        await service.triggerGracefulShutdown()
        _ = await task.result
    }

    private func application(
        _ listening: @escaping @Sendable (Int) -> Void
    ) -> Application<CallbackResponder<BasicRequestContext>> {
        let routes = routes
        let responder = CallbackResponder<BasicRequestContext> { request, _ in
            Self.response(routes.answer(method: request.method.rawValue, path: request.uri.path), request.method)
        }
        let channel = HTTP1Channel.Configuration(
            idleTimeout: .seconds(ConsoleLimits.idleSeconds),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: ConsoleLimits.headerByteCountMax, maxHeaderListSize: ConsoleLimits.headerByteCountMax,
                maxHeaderFieldCount: ConsoleLimits.headerCountMax))
        return Application(
            responder: responder, server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: "assay", backlog: ConsoleLimits.backlogCount,
                availableConnectionsDelegate: MaximumAvailableConnections(ConsoleLimits.connectionCountMax)),
            onServerRunning: { channel in listening(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .shared(Self.thread), logger: logger)
    }

    private func serviceConfiguration(_ application: some Service) -> ServiceGroupConfiguration {
        // No signals: the process has one place that handles them (Sources/assay/Serve.swift).
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(ConsoleLimits.stopSeconds)
        return configuration
    }

    private static func response(_ answer: ConsoleRoutes.Answer, _ method: HTTPRequest.Method) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = answer.contentType
        headers[.cacheControl] = "no-store"
        if let allow = answer.allow { headers[.allow] = allow }
        let body = ByteBuffer(string: answer.body)
        headers[.contentLength] = String(body.readableBytes)
        let status = HTTPResponse.Status(code: answer.status)
        return Response(status: status, headers: headers, body: method == .head ? .init() : .init(byteBuffer: body))
    }

    private func failure(_ result: Result<Void, any Error>) -> ConsoleError {
        switch result {
        case .success:
            .notStarted(reason: "it was stopped")
        case .failure(let error as IOError) where error.errnoCode == EADDRINUSE:
            .addressInUse(host: host, port: port)
        case .failure(let error as IOError):
            .addressRefused(host: host, port: port, code: error.errnoCode)
        case .failure(is SocketAddressError), .failure(is SocketAddressError.UnknownHost):
            .unknownHost(host: host)
        case .failure(let error):
            .notStarted(reason: "\(type(of: error))")
        }
    }
}
