import ArgumentParser
import Glibc
import LoadGenerator
import Platform

/// The command line of the load generator; the work is in `LoadGenerator`.
@main
struct AssayLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay-load",
        abstract: "Sends score requests to an Assay server and measures and checks its answers.",
        discussion: """
            Closed loop: --connections C each with --depth D requests in flight. Open loop: --rate R requests a second in all, \
            whose latency counts from the moment at which each was meant to be sent.

            Without --rows or --transactions the bundle's golden rows are sent, or random ones where it has none.

            Exit codes: 0 fine, 1 an error or a mismatch, 2 wrong usage, 3 could not connect. docs/LOAD.md explains the figures.
            """)

    @Option(help: "HOST:PORT or unix:PATH.")
    var server = "127.0.0.1:7170"

    @Option(help: "Name of the bundle.")
    var bundle: String

    @Option(help: "Alias of the version; default champion.")
    var alias: String = ""

    @Option(help: "A fixed version.")
    var version: UInt32 = 0

    @Option(help: "Rows to score: .npy or .csv.", completion: .file(extensions: ["npy", "csv"]))
    var rows: String?

    @Option(help: "Typed transactions to score, one JSON object a line.", completion: .file(extensions: ["jsonl"]))
    var transactions: String?

    @Option(name: [.long, .customShort("c")], help: "Connections.")
    var connections = 1

    @Option(name: [.long, .customShort("d")], help: "Requests in flight on each connection. With --rate the most (default 256).")
    var depth: Int?

    @Option(name: [.long, .customShort("r")], help: "Requests a second of the whole run: open loop.")
    var rate: Double?

    @Option(help: "Seconds to measure (default 10, or without a limit where --requests is given).")
    var duration: Double?

    @Option(help: "Seconds before, checked but not measured.")
    var warmup = 0.0

    @Option(help: "Most requests to send.")
    var requests: UInt64?

    @Option(help: "Rows of one request.")
    var batch = 1

    @Option(help: "Milliseconds that the server has for each request.")
    var deadline: Double?

    @Option(
        help: "What each reply waits for: memory or disk (default: as the server is set).", completion: .list(["memory", "disk"]))
    var durability: String?

    @Flag(help: "Recompute every score with the bundle version that the reply names, and compare bit for bit.")
    var verify = false

    @Option(help: "Registry directory in which --verify looks for bundles first.", completion: .directory)
    var registry: String?

    @Option(help: "Write the figures as JSON to a file, or to standard output with -.")
    var json: String?

    @Option(help: "Write the latency distribution (HdrHistogram percentiles, microseconds) to a file.")
    var hdr: String?

    @Option(help: "Load threads.")
    var threads = 1

    @Option(help: "Seed of random rows.")
    var seed: UInt64 = 1

    @Option(help: "Seconds after which a request without a reply has failed.")
    var timeout = 10.0

    @Option(help: "Write every acknowledged decision to a file (24 bytes each: sequence, score bits, request id).")
    var recordAcknowledged: String?

    @Flag(help: "Lost connections are no errors.")
    var tolerateDisconnect = false

    @Flag(help: "Open lost connections again.")
    var reconnect = false

    /// Nothing else can run as a command: codes of our own instead of those of sysexits.h.
    static func main() {
        do {
            var command = try parseAsRoot()
            guard let load = command as? AssayLoad else {
                try command.run()
                return
            }
            Glibc.exit(load.perform())
        } catch {
            let text = fullMessage(for: error)
            let isHelp = exitCode(for: error) == .success
            Output.write(text + "\n", to: isHelp ? STDOUT_FILENO : STDERR_FILENO)
            Glibc.exit(isHelp ? 0 : 2)
        }
    }

    /// Runs the load and returns the exit code.
    private func perform() -> Int32 {
        do throws(LoadError) {
            let terminal = TerminalLine()
            let run = LoadRun(try loadConfiguration(), progress: terminal.map { line in { @Sendable in line.show($0.text) } })
            Interruption.onInterrupt { run.stop() }
            let report = try run.perform()
            terminal?.clear()
            try write(report)
            return report.exitCode
        } catch {
            Output.write("assay-load: \(error.description)\n", to: STDERR_FILENO)
            return error.exitCode
        }
    }

    private func loadConfiguration() throws(LoadError) -> LoadConfiguration {
        guard let address = ServerAddress(server) else { throw .badAddress(server) }
        var configuration = LoadConfiguration(server: address, bundle: bundle)
        configuration.alias = alias
        configuration.version = version
        configuration.rowsPath = rows
        configuration.transactionsPath = transactions
        configuration.connectionCount = connections
        configuration.depth = depth ?? (rate == nil ? 1 : 256)
        configuration.ratePerSecond = rate
        configuration.durationSeconds = duration ?? (requests == nil ? 10 : nil)
        configuration.warmupSeconds = warmup
        configuration.requestCount = requests
        configuration.rowsPerRequest = batch
        configuration.deadlineMilliseconds = deadline
        if let durability {
            guard let known = LoadConfiguration.Durability(rawValue: durability) else {
                throw .usage("--durability \(durability) is neither memory nor disk")
            }
            configuration.durability = known
        }
        configuration.verifies = verify
        configuration.registryPath = registry
        configuration.threadCount = threads
        configuration.seed = seed
        configuration.timeoutSeconds = timeout
        configuration.acknowledgementsPath = recordAcknowledged
        configuration.toleratesDisconnect = tolerateDisconnect
        configuration.reconnects = reconnect
        return configuration
    }

    private func write(_ report: LoadReport) throws(LoadError) {
        let json = report.json.serialized(pretty: true) + "\n"
        if self.json == "-" {
            Output.write(json, to: STDOUT_FILENO)
            for warning in report.warnings { Output.write("assay-load: \(warning)\n", to: STDERR_FILENO) }
        } else {
            Output.write(report.text, to: STDOUT_FILENO)
        }
        do throws(SystemError) {
            if let path = self.json, path != "-" { try File.writeAtomically(Array(json.utf8), to: path) }
            if let hdr { try File.writeAtomically(Array(report.percentileDistribution.utf8), to: hdr) }
        } catch {
            throw .system(error)
        }
    }
}
