import ArgumentParser
import ModelBundle
import Platform
import Registry

/// `assay registry …`: works on the directory itself; a running server sees the change.
struct RegistryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry", abstract: "Publish bundles and move aliases.",
        subcommands: [RegistryPush.self, RegistryList.self, RegistryAlias.self, RegistryRollback.self, RegistryHistory.self])
}

/// Which registry, for all its commands.
struct RegistryOptions: ParsableArguments {
    @Option(help: .init("Directory of the registry (or ASSAY_REGISTRY).", valueName: "DIR"), completion: .directory)
    var registry: String?
    @Flag(help: "Print JSON.") var json = false

    func open(createIfMissing: Bool = false) throws -> RegistryDirectory {
        guard let path = registry ?? Surroundings.variable("ASSAY_REGISTRY") else {
            throw ValidationError("Missing expected argument '--registry <DIR>' (or ASSAY_REGISTRY)")
        }
        return try failing { try RegistryDirectory(path: path, createIfMissing: createIfMissing) }
    }
}

/// Who does it and why, for the history.
struct SignatureOptions: ParsableArguments {
    @Option(help: .init("Who does it. Default: user@host.", valueName: "TEXT")) var who: String?

    var signature: String { who ?? Surroundings.userAtHost }
}

/// `assay registry push`.
struct RegistryPush: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Admit a bundle file and give it the next version number under its name.")

    @Argument(help: .init("Bundle file.", valueName: "FILE"), completion: .file()) var file: String
    @OptionGroup var options: RegistryOptions
    @Option(help: .init("Move this alias to the new version.", valueName: "ALIAS")) var alias: String?
    @Option(help: .init("The reason, for the history.", valueName: "TEXT")) var why = ""
    @OptionGroup var who: SignatureOptions
    @Flag(help: "Take a bundle without golden rows, too; decisions say that it is unproven.") var allowUnproven = false

    func run() throws {
        let registry = try options.open(createIfMissing: true)
        let name = try failing { try Bundle.admit(file: file).name }
        let version = try failing {
            try registry.push(
                file: file, name: name, alias: alias, who: who.signature, why: why, allowUnproven: allowUnproven)
        }
        if options.json {
            Output.json(
                JSON.object([
                    "bundle": .string(name), "version": JSON(version), "alias": alias.map { .string($0) } ?? .null,
                ]))
        } else {
            Output.line("\(name) \(version)" + (alias.map { " \($0)" } ?? ""))
        }
    }
}

/// `assay registry list`.
struct RegistryList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Print every version, its aliases, and why it is refused if it is.",
        discussion: "Admits every version as a server would.")

    @OptionGroup var options: RegistryOptions

    func run() throws {
        let registry = try options.open()
        let bundles = try failing { try registry.list() }
        if options.json {
            Output.json(JSON.object(["bundles": .array(bundles.map(\.json))]))
        } else {
            let rows = bundles.flatMap(\.rows)
            for line in Output.table([["BUNDLE", "VERSION", "ALIASES", "STATE", "PUSHED", "BY", "DIGEST"]] + rows) {
                Output.line(line)
            }
            for line in bundles.flatMap(\.refusals) { Output.line(line) }
        }
    }
}

/// `assay registry alias`.
struct RegistryAlias: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias", abstract: "Move an alias to a version.")

    @Argument(help: .init("Bundle.", valueName: "NAME")) var name: String
    @Argument(help: .init("Alias: champion, challenger …", valueName: "ALIAS")) var alias: String
    @Argument(help: .init("Version.", valueName: "VERSION")) var version: UInt32
    @OptionGroup var options: RegistryOptions
    @Option(help: .init("The reason, for the history.", valueName: "TEXT")) var why: String
    @OptionGroup var who: SignatureOptions

    func run() throws {
        let registry = try options.open()
        let change = try failing { try registry.setAlias(name, alias: alias, version: version, who: who.signature, why: why) }
        change.print(bundle: name, alias: alias, json: options.json)
    }
}

/// `assay registry rollback`.
struct RegistryRollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Move an alias back to where it was before its last move.")

    @Argument(help: .init("Bundle.", valueName: "NAME")) var name: String
    @Option(help: .init("Alias.", valueName: "ALIAS")) var alias = "champion"
    @OptionGroup var options: RegistryOptions
    @Option(help: .init("The reason, for the history.", valueName: "TEXT")) var why: String
    @OptionGroup var who: SignatureOptions

    func run() throws {
        let registry = try options.open()
        let change = try failing { try registry.rollback(name, alias: alias, who: who.signature, why: why) }
        change.print(bundle: name, alias: alias, json: options.json)
    }
}

/// `assay registry history`.
struct RegistryHistory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Print who moved which alias when and why, the oldest first.")

    @Argument(help: .init("Bundle.", valueName: "NAME")) var name: String
    @OptionGroup var options: RegistryOptions

    func run() throws {
        let registry = try options.open()
        let moves = try failing { try registry.history(name) }
        // A version whose directory was deleted since tells no more.
        let unproven = Set(moves.map(\.to).filter { (try? registry.manifest(name, version: $0))?.isUnproven == true })
        if options.json {
            let members = moves.map { $0.json(isUnproven: unproven.contains($0.to)) }
            Output.json(JSON.object(["bundle": .string(name), "moves": .array(members)]))
        } else {
            let rows = moves.map { move in
                [
                    String(move.number), move.when.description, move.alias, move.from == 0 ? "-" : String(move.from),
                    String(move.to) + (unproven.contains(move.to) ? " (unproven)" : ""), move.kind.rawValue, move.who, move.why,
                ]
            }
            for line in Output.table([["MOVE", "WHEN", "ALIAS", "FROM", "TO", "KIND", "WHO", "WHY"]] + rows) { Output.line(line) }
        }
    }
}
