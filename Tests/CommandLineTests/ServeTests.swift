import Foundation
import Platform
import Testing

@testable import assay

/// A running `assay serve` on free ports, ended with the test.
final class RunningServer {
    let process = Process()
    let log: URL
    let directory: String
    private(set) var wire = ""
    private(set) var http = ""

    init(_ directory: String, _ options: [String] = []) throws {
        self.directory = directory
        log = URL(fileURLWithPath: "\(directory)/server-\(UUID().uuidString).log")
        try Data().write(to: log)
        process.executableURL = URL(fileURLWithPath: try #require(RunCommand.assay))
        process.arguments =
            [
                "serve", "--registry", "\(directory)/r", "--journal", "\(directory)/j", "--listen", "127.0.0.1:0", "--http",
                "127.0.0.1:0",
                "--workers", "1", "--log-format", "json", "--ring-directory", directory,
            ] + options
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        let serving = try line("serving")
        wire = try #require(serving["wire"]?.string)
        http = try #require(serving["http"]?.string)
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var lines: [JSON] {
        let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { try? JSON.parse(Array($0.utf8)) }
    }

    /// Waits for a message in the log.
    func line(_ message: String, seconds: Double = 120) throws -> JSON {
        let found = try wait(seconds) { self.lines.first { $0["message"]?.string?.hasPrefix(message) == true } }
        return try #require(found, "no '\(message)' in the log: \(lines)")
    }

    /// The exit code; nil when it runs on.
    func exitCode(seconds: Double = 120) throws -> Int32? {
        try wait(seconds) { self.process.isRunning ? nil : self.process.terminationStatus }
    }

    private func wait<Value>(_ seconds: Double, _ condition: () -> Value?) throws -> Value? {
        let end = Date(timeIntervalSinceNow: seconds)
        while Date() < end {
            if let value = condition() { return value }
            Thread.sleep(forTimeInterval: 0.02)
        }
        return condition()
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }
}

/// `assay serve` as a process: what signals do, and what a second one is told.
@Suite(.serialized, .enabled(if: RunCommand.assay != nil, "the program assay was not built beside the tests"))
struct ServeTests {
    static let zeros = Array(repeating: "0", count: 30).joined(separator: ",")

    /// A directory with the demo model as champion of `r`.
    static func withRegistry() throws -> ScratchDirectory {
        let scratch = try ScratchDirectory()
        for number in [1, 2] { _ = try ProgramTests.imported(number, in: scratch.path) }
        let push = try ProgramTests.assay(
            "registry", "push", "cards-1.assay", "--registry", "r", "--alias", "champion", in: scratch.path)
        try #require(push.status == 0, "\(push.errors)")
        return scratch
    }

    static func score(_ server: RunningServer) throws -> JSON {
        let result = try ProgramTests.assay("score", "--server", server.wire, "--bundle", "cards", "--features", zeros, "--json")
        try #require(result.status == 0, "\(result.errors)")
        return try JSON.parse(Array(result.output.utf8))
    }

    /// A connected socket.
    static func connection(to wire: String) -> Int32? {
        guard let place = HostPort(wire) else { return nil }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(place.port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return code == 0 ? descriptor : nil
    }

    @Test func aServerScoresSwapsDrainsAndLeavesASoundJournal() throws {
        let scratch = try Self.withRegistry()
        let server = try RunningServer(scratch.path, ["--unix", "\(scratch.path)/s"])
        #expect(try ProgramTests.assay("health", "--server", "unix:\(scratch.path)/s").output == "ready\n")
        let first = try Self.score(server)
        #expect(first["version"] == 1)
        #expect(first["audit_sequence"] == 1)
        let push = try ProgramTests.assay(
            "registry", "push", "cards-2.assay", "--registry", "r", "--alias", "champion", "--why", "better", in: scratch.path)
        #expect(push.status == 0)
        server.signal(SIGHUP)
        _ = try server.line("SIGHUP")
        var second = try Self.score(server)
        for _ in 0..<200 where second["version"] != 2 { second = try Self.score(server) }
        #expect(second["version"] == 2)
        let refused = try ProgramTests.assay("score", "--server", server.wire, "--bundle", "cards", "--features", "1,2")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("FEATURE_COUNT"))
        server.signal(SIGTERM)
        #expect(try server.exitCode() == 0)
        let report = try JSON.parse(Array(try ProgramTests.assay("journal", "verify", "\(scratch.path)/j", "--json").output.utf8))
        #expect(report["ok"] == true)
        #expect(report["closed_cleanly"] == true)
        let dump = try ProgramTests.assay("journal", "dump", "\(scratch.path)/j", "--json", "--limit", "1")
        let record = try JSON.parse(Array(dump.output.utf8))
        #expect(record["score"]?.double == first["score"]?.double)
        #expect(record["features"]?.array?.count == 30)
        #expect(record["caller"]?.string?.contains("@") == true)
    }

    @Test func aSecondSignalEndsADrainAtOnce() throws {
        let scratch = try Self.withRegistry()
        let server = try RunningServer(scratch.path, ["--drain-seconds", "600", "--partial-frame-timeout-seconds", "600"])
        // A frame that has begun keeps a drain waiting.
        let caller = try #require(Self.connection(to: server.wire))
        defer { close(caller) }
        try #require(send(caller, [0, 0, 0], 3, Int32(MSG_NOSIGNAL)) == 3)
        // The score is answered after the loop has read what came before.
        _ = try Self.score(server)
        server.signal(SIGINT)
        _ = try server.line("SIGINT: draining")
        #expect(try server.exitCode(seconds: 1) == nil)
        server.signal(SIGINT)
        #expect(try server.exitCode() == 0)
    }

    @Test func aSecondServerOnTheSameJournalOrPortIsRefused() throws {
        let scratch = try Self.withRegistry()
        let server = try RunningServer(scratch.path)
        let places = ["--registry", "\(scratch.path)/r", "--workers", "1"]
        let sameJournal = try RunCommand.run(
            try #require(RunCommand.assay),
            ["serve", "--journal", "\(scratch.path)/j", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"] + places)
        #expect(sameJournal.status == 1)
        #expect(sameJournal.errors.contains("in use by another server"))
        let sameHTTP = try RunCommand.run(
            try #require(RunCommand.assay),
            ["serve", "--journal", "\(scratch.path)/j2", "--listen", "127.0.0.1:0", "--http", server.http] + places)
        #expect(sameHTTP.status == 2)
        #expect(sameHTTP.errors.contains("in use"))
        let sameWire = try RunCommand.run(
            try #require(RunCommand.assay),
            ["serve", "--journal", "\(scratch.path)/j3", "--listen", server.wire, "--http", "127.0.0.1:0"] + places)
        #expect(sameWire.status == 2)
        server.signal(SIGTERM)
        #expect(try server.exitCode() == 0)
    }

    @Test func anEmptyRegistryIsNotReady() throws {
        let scratch = try ScratchDirectory()
        try File.createDirectory("\(scratch.path)/r")
        let server = try RunningServer(scratch.path)
        let health = try ProgramTests.assay("health", "--server", server.wire, "--json")
        #expect(health.status == 1)
        let json = try JSON.parse(Array(health.output.utf8))
        #expect(json["ready"] == false)
        #expect(json["reasons"]?[0]?["code"] == "NO_BUNDLE")
        server.signal(SIGTERM)
        #expect(try server.exitCode() == 0)
    }
}
