import Forest
import Glibc
import Logging
import ModelBundle
import Platform
import Registry
import Server
import Session
import Testing
import Wire

/// What the control threads answer, asked over a socket.
@Suite struct ControlPlaneTests {
    @Test func everyAnswerIsCountedByMethodAndStatus() throws {
        let bench = try ControlBench()
        let score = ScoreRequest(model: ModelReference(bundle: "stump"), input: .features32([2]))
        #expect(try bench.ask(.score(score)).status == .ok)
        #expect(try bench.ask(.getDecision(auditSequence: 1)).status == .ok)
        #expect(try bench.ask(.getDecision(auditSequence: 99)).status == .notFound)
        #expect(try bench.ask(.describeModel(ModelReference(bundle: "stump"))).status == .ok)
        #expect(try bench.ask(.rollback(bundle: "stump", alias: "", who: "ada", why: "")).status == .failedPrecondition)
        bench.stop()
        let counted = [
            (Method.getDecision, Status.ok), (.getDecision, .notFound), (.describeModel, .ok), (.rollback, .failedPrecondition),
        ].map { method, status in bench.server.status.workerCounters.reduce(0) { $0 + $1.requests(method, status) } }
        #expect(counted == [1, 1, 1, 1])
        #expect(bench.server.status.stats().requestsTotal == 5)
        #expect(bench.server.status.stats().errorsTotal == 2)
    }

    @Test func drainThatComesBeforeTheStartEndsTheServerAtOnce() throws {
        let directory = try ControlBench.scratchDirectory()
        defer { try? File.removeTree(directory) }
        let server = try AssayServer(ControlBench.configuration(directory), version: "test", logger: .silent)
        server.drain()
        server.start()
        #expect(server.waitUntilStopped())
    }

    @Test func answerThatNoFrameHoldsIsAnError() throws {
        let bench = try ControlBench { $0.session.frameByteCountMax = 48 }
        for body in [.describeModel(ModelReference(bundle: "stump")), .listModels, .health] as [RequestBody] {
            let reply = try bench.ask(body)
            let isShort = body == .health
            #expect(reply.status == (isShort ? .ok : .resourceExhausted))
            #expect(reply.error?.reason == (isShort ? nil : "REPLY_TOO_LONG"))
        }
        bench.stop()
    }
}

/// A server with one version of `stump`, and a connection to it.
private final class ControlBench {
    let directory: String
    let server: AssayServer
    private let connection: Int32

    init(_ change: (inout ServerConfiguration) -> Void = { _ in }) throws {
        directory = try Self.scratchDirectory()
        var configuration = try Self.configuration(directory)
        let registry = try RegistryDirectory(path: directory + "/registry")
        try File.writeAtomically(Self.stump(), to: directory + "/stump.assay")
        _ = try registry.push(file: directory + "/stump.assay", alias: "champion", who: "test", why: "", allowUnproven: true)
        change(&configuration)
        server = try AssayServer(configuration, version: "test", logger: .silent)
        server.start()
        connection = try Self.connect(to: directory + "/socket")
    }

    deinit {
        close(connection)
        try? File.removeTree(directory)
    }

    static func scratchDirectory() throws -> String {
        var template = Array("/tmp/assay-control-XXXXXX".utf8CString)
        guard let path = mkdtemp(&template) else { throw SystemError(operation: "mkdtemp", code: errno) }
        return String(cString: path)
    }

    static func configuration(_ directory: String) throws -> ServerConfiguration {
        _ = try RegistryDirectory(path: directory + "/registry", createIfMissing: true)
        var configuration = ServerConfiguration(
            registryDirectory: directory + "/registry", journalDirectory: directory + "/journal", workerCount: 1)
        configuration.listen = nil
        configuration.unixPath = directory + "/socket"
        configuration.audit.ringDirectory = directory
        configuration.audit.ringByteCount = 1 << 20
        return configuration
    }

    func stop() {
        server.stop()
        #expect(server.waitUntilStopped())
    }

    func ask(_ body: RequestBody) throws -> Reply {
        let frame = Request(id: 1, body: body).frame()
        #expect(send(connection, frame, frame.count, Int32(MSG_NOSIGNAL)) == frame.count)
        var reply = try receive(Frame.headerByteCount)
        reply += try receive(reply[1...].reduce(0) { $0 << 8 | Int($1) })
        return try reply.withUnsafeBytes { try Reply.decode(frame: $0, byteCountMax: 1 << 20) }
    }

    private func receive(_ byteCount: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        guard recv(connection, &bytes, byteCount, Int32(MSG_WAITALL)) == byteCount else {
            throw SystemError(operation: "recv", code: errno)
        }
        return bytes
    }

    private static func connect(to path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else { throw SystemError(operation: "connect", code: errno) }
        return descriptor
    }

    private static func stump() throws -> [UInt8] {
        let tree = TreeEnsemble.Tree(nodes: [
            .split(feature: 0, threshold: 1, missingGoesLeft: true, left: 1, right: 2), .leaf(-2), .leaf(3),
        ])
        let draft = BundleDraft(
            name: "stump", objective: "binary:logistic", schema: FeatureSchema(features: [.init(name: "a")]),
            policy: .probability,
            ensemble: TreeEnsemble(featureCount: 1, baseMargins: [0], transform: Transform(.logistic), trees: [tree]))
        return try draft.serialized()
    }
}

extension Logger {
    fileprivate static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
