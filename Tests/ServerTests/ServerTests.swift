import AssayClient
import Forest
import Foundation
import Logging
import ModelBundle
import Platform
import Registry
import Server
import Testing
import Wire

/// A whole server in this process, asked by the Swift client over real sockets.
@Suite struct ServerTests {
    @Test func everyMethodIsAnsweredOverTCPAndUnixSockets() async throws {
        let bench = try ServerBench()
        for address in [ServerAddress.tcp(host: "127.0.0.1", port: UInt16(bench.port)), .unix(path: bench.unixPath)] {
            let client = AssayClient(address)
            let hello = try await client.hello()
            #expect(hello.serverVersion == "test")
            let decision = try await client.score(bundle: "stump", features: [2, 0])
            #expect(decision.outcome == .decline)
            #expect(decision.version == 1)
            let record = try await client.getDecision(auditSequence: decision.auditSequence)
            #expect(record.withUnsafeBytes { AuditRecord.decode($0) }?.score == decision.score)
            let description = try await client.describeModel(ModelReference(bundle: "stump"))
            #expect(description.features.map(\.name) == ["a", "b"])
            #expect(description.treeCount == 1)
            let bundle = try await client.fetchBundle(ModelReference(bundle: "stump"))
            #expect(SHA256Hasher.hash(bundle.bytes).bytes == decision.digest)
            #expect(try await client.health().isReady)
            #expect(try await client.listModels().map(\.version) == [2, 1])
            await client.close()
        }
        bench.stop()
    }

    @Test func aliasesMoveAndRollBackAndTheNextScoreTellsSo() async throws {
        let bench = try ServerBench()
        let client = AssayClient(.tcp(host: "127.0.0.1", port: UInt16(bench.port)))
        let moved = try await client.setAlias(bundle: "stump", alias: "champion", version: 2, who: "ada", why: "better")
        #expect(moved.previousVersion == 1)
        #expect(try await client.score(bundle: "stump", features: [2, 0]).version == 2)
        let back = try await client.rollback(bundle: "stump", who: "ada", why: "worse")
        #expect(back.version == 1)
        #expect(try await client.score(bundle: "stump", features: [2, 0]).version == 1)
        #expect(try bench.registry.history("stump").map(\.why).suffix(2) == ["better", "worse"])
        #expect(try await client.stats().swapsTotal == 2)
        await client.close()
        bench.stop()
    }

    @Test func administrationIsRefusedWhereThePolicySaysSo() async throws {
        let bench = try ServerBench { $0.administration = .none }
        let client = AssayClient(.unix(path: bench.unixPath))
        await #expect(throws: AssayError.self) {
            try await client.setAlias(bundle: "stump", alias: "champion", version: 2, who: "ada", why: "no")
        }
        #expect(try await client.score(bundle: "stump", features: [2, 0]).version == 1)
        await client.close()
        bench.stop()
    }

    @Test func serverWithoutABundleIsNotReadyUntilOneIsPushed() async throws {
        let bench = try ServerBench(versionCount: 0)
        let client = AssayClient(.tcp(host: "127.0.0.1", port: UInt16(bench.port)))
        let before = try await client.health()
        #expect(!before.isReady)
        #expect(before.reasons.map(\.code) == ["NO_BUNDLE"])
        try bench.push()
        bench.server.refreshRegistry()
        #expect(try await client.health().isReady)
        await client.close()
        bench.stop()
    }

    @Test func drainEndsTheServerAndTheJournalHoldsWhatWasAnswered() async throws {
        let bench = try ServerBench()
        let client = AssayClient(.tcp(host: "127.0.0.1", port: UInt16(bench.port)))
        for _ in 0..<100 { _ = try await client.score(bundle: "stump", features: [2, 0]) }
        bench.server.drain()
        #expect(bench.server.waitUntilStopped())
        #expect(bench.server.status.audit.durableSequence == 100)
        #expect(bench.server.status.health().reasons.map(\.code).contains("DRAINING"))
        await client.close()
    }

    @Test func serverWithoutATrailDecidesAndSaysThatItHasNone() async throws {
        let bench = try ServerBench { $0.auditMode = .off }
        let client = AssayClient(.tcp(host: "127.0.0.1", port: UInt16(bench.port)))
        #expect(try await client.hello().serverID.count == 16)
        let decision = try await client.score(bundle: "stump", features: [2, 0])
        #expect(decision.outcome == .decline)
        #expect(decision.auditSequence == 0)
        let error = await #expect(throws: AssayError.self) { try await client.getDecision(auditSequence: 1) }
        #expect("\(error!)".contains("UNKNOWN_DECISION"))
        let health = try await client.health()
        #expect(health.isReady)
        #expect(health.reasons.map(\.code) == ["AUDIT_OFF"])
        #expect(!File.exists(bench.directory + "/journal"))
        await client.close()
        bench.stop()
    }

    @Test func aReplyThatWaitedForTheDiskIsOnDiskAndADrainWaitsForIt() async throws {
        let bench = try ServerBench { $0.durability = .disk }
        let client = AssayClient(.tcp(host: "127.0.0.1", port: UInt16(bench.port)))
        for number in 1...20 as ClosedRange<UInt64> {
            let decision = try await client.score(bundle: "stump", features: [2, 0])
            #expect(decision.auditSequence == number)
            #expect(bench.server.status.audit.durableSequence >= number)
        }
        let decisions = try await withThrowingTaskGroup(of: DecisionMessage.self) { group in
            for _ in 0..<64 { group.addTask { try await client.score(bundle: "stump", features: [2, 0]) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(decisions.map(\.auditSequence)) == Set(21...84))
        #expect(bench.server.status.audit.durableSequence == 84)
        bench.server.drain()
        #expect(bench.server.waitUntilStopped())
        await client.close()
    }

    @Test func unusableConfigurationsAreRefusedWithTheirReason() throws {
        let directory = try scratchDirectory()
        defer { try? File.removeTree(directory) }
        var configuration = ServerConfiguration(
            registryDirectory: directory, journalDirectory: directory + "/journal", workerCount: 0)
        #expect(throws: ServerError.self) { try AssayServer(configuration, version: "test", logger: .silent) }
        configuration.workerCount = 1
        configuration.listen = nil
        #expect(throws: ServerError.self) { try AssayServer(configuration, version: "test", logger: .silent) }
        #expect(!File.exists(directory + "/journal"), "a configuration that is wrong touches nothing")
    }
}

/// A server with `stump`, versions 1 and 2, champion 1, in a directory of its own.
private final class ServerBench {
    let directory: String
    let registry: RegistryDirectory
    let server: AssayServer
    var port: Int { server.port! }
    var unixPath: String { directory + "/socket" }

    init(versionCount: Int = 2, _ change: (inout ServerConfiguration) -> Void = { _ in }) throws {
        directory = try scratchDirectory()
        registry = try RegistryDirectory(path: directory + "/registry", createIfMissing: true)
        try File.writeAtomically(Self.stump(), to: directory + "/stump.assay")
        var configuration = ServerConfiguration(
            registryDirectory: directory + "/registry", journalDirectory: directory + "/journal", workerCount: 2)
        configuration.listen = ("127.0.0.1", 0)
        configuration.unixPath = directory + "/socket"
        configuration.audit.ringDirectory = directory
        configuration.audit.ringByteCount = 1 << 20
        change(&configuration)
        server = try AssayServer(configuration, version: "test", logger: .silent)
        for version in 0..<versionCount { try push(alias: version == 0 ? "champion" : nil) }
        server.start()
    }

    deinit { try? File.removeTree(directory) }

    func push(alias: String? = "champion") throws {
        _ = try registry.push(file: directory + "/stump.assay", alias: alias, who: "test", why: "", allowUnproven: true)
    }

    func stop() {
        server.stop()
        #expect(server.waitUntilStopped())
    }

    private static func stump() throws -> [UInt8] {
        let tree = TreeEnsemble.Tree(nodes: [
            .split(feature: 0, threshold: 1, missingGoesLeft: true, left: 1, right: 2), .leaf(-2), .leaf(3),
        ])
        let draft = BundleDraft(
            name: "stump", objective: "binary:logistic", schema: FeatureSchema(features: [.init(name: "a"), .init(name: "b")]),
            policy: .probability,
            ensemble: TreeEnsemble(featureCount: 2, baseMargins: [0], transform: Transform(.logistic), trees: [tree]))
        return try draft.serialized()
    }
}

private func scratchDirectory() throws -> String {
    var template = Array("/tmp/assay-server-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template) else { throw SystemError(operation: "mkdtemp", code: errno) }
    return String(cString: path)
}

extension Logger {
    fileprivate static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
