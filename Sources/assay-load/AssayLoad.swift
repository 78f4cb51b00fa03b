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
            or --stage and --ramp one after another; latency counts from the moment at which each request was meant to be sent.

            --find-max --slo "p99<1ms" looks for the highest rate that holds, in runs of --duration seconds.

            Without --rows or --transactions the bundle's golden rows are sent, or random ones where it has none.

            Conditions (--slo, --fail-if) compare pNN, mean, max (ns, us, ms, s), errors, unsent (a number or %) or tx/s with \
            <, <=, > or >=.

            Exit codes: 0 fine, 1 an error or a mismatch, 2 wrong usage, 3 could not connect, 4 a condition of --fail-if came \
            true or no rate held --slo. docs/LOAD.md explains the figures.
            """)

    @Option(help: "HOST:PORT or unix:PATH.")
    var server = "127.0.0.1:7170"

    @Option(help: "Name of the bundle.")
    var bundle: String?

    @Option(help: ArgumentHelp("Several bundles and their shares of the requests.", valueName: "name=weight,…"))
    var mix: String?

    @Option(help: "Alias of the version; default champion.")
    var alias: String = ""

    @Option(help: "A fixed version.")
    var version: UInt32 = 0

    @Option(
        help: ArgumentHelp(
            "Rows to score: .npy, .csv or the directory of a journal; with --mix for each bundle.", valueName: "[bundle=]path"),
        completion: .file(extensions: ["npy", "csv"]))
    var rows: [String] = []

    @Option(
        help: ArgumentHelp(
            "Typed transactions to score, one JSON object a line; with --mix for each bundle.", valueName: "[bundle=]path"),
        completion: .file(extensions: ["jsonl"]))
    var transactions: [String] = []

    @Option(name: [.long, .customShort("c")], help: "Connections.")
    var connections = 1

    @Option(name: [.long, .customShort("d")], help: "Requests in flight on each connection. With --rate the most (default 256).")
    var depth: Int?

    @Option(name: [.long, .customShort("r")], help: "Requests a second of the whole run: open loop.")
    var rate: Double?

    @Option(
        name: [.customLong("stage"), .customLong("ramp")], parsing: .singleValue,
        help: ArgumentHelp(
            "Open loop in stages, in the order given: --stage RATE:SECONDS, --ramp FROM:TO:SECONDS.",
            valueName: "rate[:rate]:seconds"))
    var stages: [String] = []

    @Option(help: "Open loop: arrivals at even intervals (constant) or independent of each other (poisson).")
    var arrivals = LoadProfile.Arrivals.constant

    @Flag(help: "Look for the highest rate at which every --slo holds; --rate is where to begin.")
    var findMax = false

    @Option(
        help: ArgumentHelp("Objective of --find-max, such as \"p99<1ms\"; may be given several times.", valueName: "condition"))
    var slo: [String] = []

    @Option(
        help: ArgumentHelp(
            "Exit with 4 when this came true, such as \"p99>2ms\"; may be given several times.", valueName: "condition"))
    var failIf: [String] = []

    @Flag(help: "Measure first what the generator itself can do, against canned replies.")
    var ceiling = false

    @Option(help: "Seconds to measure (default 10, or without a limit where --requests is given; 5 a step of --find-max).")
    var duration: Double?

    @Option(help: "Seconds before, checked but not measured (default 0, or 0.5 a step of --find-max).")
    var warmup: Double?

    @Option(help: "Most requests to send.")
    var requests: UInt64?

    @Option(help: ArgumentHelp("Rows of one request, or several numbers of rows and their shares.", valueName: "rows[=weight,…]"))
    var batch = "1"

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

    @Option(
        help: "Write a page with the figures as plots to a file (HTML, complete in itself).",
        completion: .file(extensions: ["html"]))
    var report: String?

    @Option(help: "Seed of random rows, Poisson arrivals and the order of a mix.")
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
            let steps = json == "-" ? STDERR_FILENO : STDOUT_FILENO
            let observer = LoadRun.Observer(
                progress: terminal.map { line in { @Sendable in line.show($0.text) } },
                probe: { step in
                    terminal?.clear()
                    Output.write(step + "\n", to: steps)
                })
            let conditions = try conditions(failIf, option: "--fail-if")
            let run = LoadRun(try loadConfiguration(), observer: observer)
            Interruption.onInterrupt { run.stop() }
            var report = try run.perform()
            report.failConditions = conditions
            terminal?.clear()
            try write(report)
            return report.exitCode
        } catch {
            Output.write("assay-load: \(error.description)\n", to: STDERR_FILENO)
            return error.exitCode
        }
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
            if let path = self.report {
                try File.writeAtomically(Array(report.page(command: CommandLine.arguments).utf8), to: path)
            }
            if let hdr { try File.writeAtomically(Array(report.percentileDistribution.utf8), to: hdr) }
        } catch {
            throw .system(error)
        }
    }
}
