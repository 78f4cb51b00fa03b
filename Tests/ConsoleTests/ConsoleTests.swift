import Logging
import Testing

@testable import Console

@Suite struct ConsoleTests {
    static var quietLogger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    /// Runs `body` against a console on a free port, and stops it in every case.
    static func withConsole(_ source: ConsoleSource = Samples.source(), _ body: (Console, Int) async throws -> Void) async throws
    {
        let console = Console(host: "127.0.0.1", port: 0, source: source, logger: quietLogger)
        let port = try await console.start()
        let result: Result<Void, any Error>
        do { result = .success(try await body(console, port)) } catch { result = .failure(error) }
        await console.stop()
        try result.get()
    }

    @Test func theFourPagesAreServedOverHTTP() async throws {
        try await Self.withConsole { _, port async throws in
            #expect(port > 0)
            for path in ["/livez", "/readyz", "/models"] {
                let reply = try await HTTPProbe.get(path, port: port)
                #expect(reply.status == 200)
                #expect(reply.headers["content-type"] == "application/json; charset=utf-8")
                #expect(reply.headers["cache-control"] == "no-store")
                #expect(reply.headers["content-length"] == String(reply.body.utf8.count))
            }
            let metrics = try await HTTPProbe.get("/metrics?x=1", port: port)
            #expect(metrics.status == 200)
            #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.body.contains("\nassay_requests_total{method=\"score\",status=\"OK\"} 1000007\n"))
        }
    }

    @Test func anUnreadyServerAnswers503() async throws {
        let source = Samples.source(
            readiness: ReadinessReport(reasons: [.init(code: "DRAINING", text: "stopping", blocking: true)]))
        try await Self.withConsole(source) { _, port async throws in
            #expect(try await HTTPProbe.get("/readyz", port: port).status == 503)
            #expect(try await HTTPProbe.get("/livez", port: port).status == 200)
        }
    }

    @Test func headHasTheLengthAndNoBody() async throws {
        try await Self.withConsole { _, port async throws in
            let full = try await HTTPProbe.get("/models", port: port)
            let head = try await HTTPProbe.get("/models", port: port, method: "HEAD")
            #expect(head.status == 200)
            #expect(head.headers["content-length"] == full.headers["content-length"])
            #expect(head.body == "")
        }
    }

    @Test func badRequestsHurtOnlyThemselves() async throws {
        try await Self.withConsole { _, port async throws in
            let long = String(repeating: "x", count: 200_000)
            let requests = [
                "garbage\r\n\r\n", "GET\r\n\r\n", "GET /livez HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\u{3}\r\n\r\n",
                "GET /livez HTTP/1.1\r\nContent-Length: -5\r\n\r\n", "GET /livez HTTP/1.1\r\nA: \(long)\r\n\r\n",
                "POST /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            ]
            for request in requests {
                // Whatever the answer, the connection ends and no 200 is given.
                let raw = (try? await HTTPProbe.exchange(request, port: port)) ?? ""
                #expect(!raw.hasPrefix("HTTP/1.1 200"), "\(request.prefix(40).debugDescription) got \(raw.prefix(80))")
            }
            #expect(try await HTTPProbe.get("/nothing", port: port).status == 404)
            let post = try await HTTPProbe.get("/metrics", port: port, method: "POST")
            #expect(post.status == 405)
            #expect(post.headers["allow"] == "GET, HEAD")
            #expect(try await HTTPProbe.get("/livez", port: port).status == 200)
        }
    }

    @Test func manyAtOnceAreAllAnswered() async throws {
        try await Self.withConsole { _, port async throws in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<(ConsoleLimits.connectionCountMax * 2) {
                    group.addTask { try await HTTPProbe.get("/metrics", port: port).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == Array(repeating: 200, count: ConsoleLimits.connectionCountMax * 2))
        }
    }

    @Test func aPortInUseIsATypedError() async throws {
        try await Self.withConsole { _, port async throws in
            let second = Console(host: "127.0.0.1", port: port, source: Samples.source(), logger: Self.quietLogger)
            await #expect(throws: ConsoleError.addressInUse(host: "127.0.0.1", port: port)) { try await second.start() }
            await second.stop()
            #expect(try await HTTPProbe.get("/livez", port: port).status == 200)
        }
    }

    @Test func anUnknownHostIsATypedError() async {
        let console = Console(host: "no.such.host.invalid", port: 0, source: Samples.source(), logger: Self.quietLogger)
        await #expect(throws: ConsoleError.unknownHost(host: "no.such.host.invalid")) { try await console.start() }
    }

    @Test func anAddressOfAnotherMachineIsATypedError() async {
        let console = Console(host: "192.0.2.1", port: 0, source: Samples.source(), logger: Self.quietLogger)
        await #expect(throws: ConsoleError.self) { try await console.start() }
    }

    @Test func itStartsOnceAndStopsAsOftenAsAsked() async throws {
        try await Self.withConsole { console, port async throws in
            await #expect(throws: ConsoleError.alreadyStarted) { try await console.start() }
            await console.stop()
            await console.stop()
            await #expect(throws: HTTPProbe.Failure.self) { try await HTTPProbe.get("/livez", port: port) }
            let next = Console(host: "127.0.0.1", port: port, source: Samples.source(), logger: Self.quietLogger)
            #expect(try await next.start() == port)
            await next.stop()
        }
    }

    @Test func aSilentConnectionDoesNotHoldUpTheStop() async throws {
        try await Self.withConsole { console, port async throws in
            async let silent = HTTPProbe.exchange("GET /livez HTTP/1.1\r\n", port: port)
            _ = try await HTTPProbe.get("/livez", port: port)
            await console.stop()
            #expect(((try? await silent) ?? "").hasPrefix("HTTP/1.1 200") == false)
        }
    }
}
