import ArgumentParser
import Platform

/// `assay config …`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at the configuration.", subcommands: [ConfigShow.self])
}

/// `assay config show`.
struct ConfigShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print every setting, its effective value and where it came from.",
        discussion: "Takes the flags of `assay serve` and reads the same file and environment; passwords are not shown.")

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let settings = try await effectiveSettings(options)
        if json {
            Output.json(settings.json)
        } else {
            let rows = settings.entries.map { [$0.setting.key, $0.shown ?? "-", $0.origin.description] }
            for line in Output.table([["SETTING", "VALUE", "ORIGIN"]] + rows) { Output.line(line) }
        }
        try checkIfComplete(settings)
    }

    /// What contradicts itself is said here too, not first by the server; what is merely missing is not wrong yet.
    private func checkIfComplete(_ settings: EffectiveSettings) throws {
        do {
            _ = try ServerSettings(settings)
        } catch .missing {
        } catch {
            throw CommandFailure(error)
        }
    }
}

/// The settings as all layers give them, or why there are none.
func effectiveSettings(_ options: SettingsOptions) async throws -> EffectiveSettings {
    do {
        return try await options.load(environment: Surroundings.environment)
    } catch {
        throw CommandFailure(error)
    }
}

extension EffectiveSettings {
    var json: JSON {
        JSON.object(
            entries.map { entry in
                let value: JSON =
                    switch entry.value {
                    case .none: .null
                    case .integer(let value)?: JSON(value)
                    case .integers(let values)?: .array(values.map { JSON($0) })
                    case .text?: entry.shown.map { .string($0) } ?? .null
                    }
                return (entry.setting.key, JSON.object(["value": value, "origin": .string(entry.origin.description)]))
            })
    }
}
