import ArgumentParser
import Glibc

/// The command line of Assay; every spelling is a contract (docs/OPERATIONS.md).
@main
struct Assay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay",
        abstract: "Scores transactions with swappable models, and keeps every decision.",
        discussion: """
            Exit codes: 0 done; 1 looked at and refused (bundle, journal, request); 2 could not be tried (file, network); \
            64 wrong usage; 78 wrong configuration.
            """,
        subcommands: [
            Serve.self, Score.self, Health.self, BundleCommand.self, RegistryCommand.self, JournalCommand.self,
            ConfigCommand.self, Version.self,
        ])

    @Flag(name: .customLong("version"), help: "Print the version.")
    var printsVersion = false

    func run() async throws {
        if printsVersion { Output.line(Version.text) } else { throw CleanExit.helpRequest(self) }
    }

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch let failure as CommandFailure {
            Output.error(failure.description)
            Glibc.exit(failure.code.rawValue)
        } catch {
            exit(withError: error)
        }
    }
}
