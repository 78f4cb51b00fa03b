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
            Serve.self, Score.self, DecisionCommand.self, Health.self, BundleCommand.self, TrainCommand.self,
            RegistryCommand.self, JournalCommand.self,
            PrivacyCommand.self, ConfigCommand.self, Version.self,
        ])

    func run() async throws {
        throw CleanExit.helpRequest(self)
    }

    static func main() async {
        // Not a flag of the parser: the root's flags are taken out of the subcommands' arguments, too, and `score` has a --version of its own.
        if CommandLine.arguments.dropFirst().first == "--version" { return Output.line(Version.text) }
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
