import ArgumentParser
import Testing

@testable import assay

@Suite struct ParsingTests {
    static func parse<Command: ParsableCommand>(_ line: String, as _: Command.Type) throws -> Command {
        let command = try Assay.parseAsRoot(line.split(separator: " ").map(String.init))
        return try #require(command as? Command, "\(line) is a \(type(of: command))")
    }

    @Test func serveTakesEverySetting() throws {
        let line =
            "serve --registry r --journal j --listen h:1 --unix u --http h:2 --postgres postgresql://d --workers 2 --config c.yaml "
            + "--pin 0,1 --busy-poll 50 --idle-timeout-seconds 1 --partial-frame-timeout-seconds 2 --write-stall-timeout-seconds 3 "
            + "--frame-bytes-max 70000 --in-flight-max 5 --connections-max 6 --batch-rows-max 7 --queue-ms-max 16 --tls-listen h:3 --tls-certificate t --tls-key u --tls-client-ca v --audit drop --ring-directory d --ring-bytes 8 "
            + "--sync-interval-ms 9 --segment-bytes 10 --privacy-keys k --registry-poll-seconds 11 --admin none --drain-seconds 12 --log-level debug "
            + "--log-format json --durability disk --checkpoint-key k --checkpoint-blocks 13 --retention-hours 14 --retention-bytes 15"
        let options = try Self.parse(line, as: Serve.self).options
        let flags = try options.flags()
        #expect(Set(flags.keys) == Set(Setting.all.map(\.key)))
        #expect(options.config == "c.yaml")
        #expect(flags["pin"] == .integers([0, 1]))
        #expect(flags["busy-poll"] == .integer(50))
        #expect(flags["audit"] == .text("drop") && flags["durability"] == .text("disk"))
        #expect(flags["postgres"] == .text("postgresql://d"))
    }

    @Test func serveWithoutFlagsSaysNothing() throws {
        #expect(try Self.parse("serve", as: Serve.self).options.flags().isEmpty)
    }

    @Test func bundleCommands() throws {
        let made = try Self.parse(
            "bundle import m.json --name cards --output c.assay --schema s.json --golden-rows x.npy --golden-expected p.npy",
            as: BundleImport.self)
        #expect((made.model, made.name, made.output) == ("m.json", "cards", "c.assay"))
        #expect((made.schema, made.goldenRows, made.goldenExpected) == ("s.json", "x.npy", "p.npy"))
        #expect(try Self.parse("bundle inspect f", as: BundleInspect.self).file == "f")
        #expect(try Self.parse("bundle verify f --json", as: BundleVerify.self).json)
        let score = try Self.parse("bundle score f --rows x.csv --output o.npy --raw", as: BundleScore.self)
        #expect((score.file, score.rows, score.output, score.raw) == ("f", "x.csv", "o.npy", true))
    }

    @Test(arguments: [
        "bundle import m --name n --output o --golden-rows x.npy", "bundle import m --name n --output o --golden-expected x.npy",
        "bundle import m --name n --output o --golden-raw x.npy",
    ])
    func goldenRowsNeedTheirExpectation(_ line: String) {
        #expect(throws: (any Error).self) { try Self.parse(line, as: BundleImport.self) }
    }

    @Test func registryCommands() throws {
        let push = try Self.parse("registry push f --registry d --alias champion --why better --who ada", as: RegistryPush.self)
        #expect((push.file, push.options.registry, push.alias, push.why) == ("f", "d", "champion", "better"))
        #expect(push.who.signature == "ada")
        #expect(try Self.parse("registry list --registry d --json", as: RegistryList.self).options.json)
        let alias = try Self.parse("registry alias cards challenger 3 --why x --registry d", as: RegistryAlias.self)
        #expect((alias.name, alias.alias, alias.version, alias.why) == ("cards", "challenger", 3, "x"))
        let rollback = try Self.parse("registry rollback cards --why x --registry d", as: RegistryRollback.self)
        #expect((rollback.name, rollback.alias) == ("cards", "champion"))
        #expect(try Self.parse("registry history cards --registry d", as: RegistryHistory.self).name == "cards")
    }

    @Test(arguments: [
        "registry alias cards champion 3 --registry d", "registry rollback cards --registry d",
        "registry alias cards champion x --why y",
        "registry alias cards champion -1 --why y", "registry", "bundle", "journal", "bundle import m", "journal dump",
        "serve --workers two",
        "serve --unknown", "score", "nonsense",
    ])
    func incompleteLinesAreRefused(_ line: String) {
        #expect(throws: (any Error).self) {
            let command = try Assay.parseAsRoot(line.split(separator: " ").map(String.init))
            // A group of commands alone asks for help instead of running.
            if type(of: command).configuration.subcommands.isEmpty == false { throw CleanExit.helpRequest() }
        }
    }

    @Test func whoIsTheUserAtTheHostByDefault() throws {
        let signature = try Self.parse("registry list", as: RegistryList.self)
        #expect(signature.options.registry == nil)
        let who = try Self.parse("registry rollback c --why w", as: RegistryRollback.self).who.signature
        #expect(who.split(separator: "@").count == 2)
    }

    @Test func journalCommands() throws {
        #expect(try Self.parse("journal verify d", as: JournalVerify.self).directory == "d")
        let dump = try Self.parse("journal dump d --from 7 --limit 3 --json", as: JournalDump.self)
        #expect((dump.directory, dump.from, dump.limit, dump.json) == ("d", 7, 3, true))
        let all = try Self.parse("journal dump d", as: JournalDump.self)
        #expect(all.from == 1)
        #expect(all.limit == nil)
    }

    @Test func configAndVersion() throws {
        #expect(try Self.parse("config show --json --workers 3", as: ConfigShow.self).options.workers == 3)
        #expect(try Self.parse("version", as: Version.self).json == false)
    }

    @Test func scoreHasAVersionOfItsOwn() throws {
        let score = try Self.parse("score --bundle cards --version 7 --features 1,2", as: Score.self)
        #expect((score.bundle, score.version, score.features) == ("cards", 7, "1,2"))
    }

    @Test func helpNamesEverySettingAndItsDefault() {
        let help = Serve.helpMessage(columns: 400)
        for setting in Setting.all { #expect(help.contains("--\(setting.key) "), "--\(setting.key) is missing") }
        #expect(help.contains("(default: 127.0.0.1:7170)"))
        #expect(Assay.helpMessage().contains("78 wrong configuration"))
    }
}
