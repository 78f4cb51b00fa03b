import Foundation
import Platform
import Testing

@testable import assay

/// A directory that is removed with its contents.
final class ScratchDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("assay-test-\(UUID().uuidString)").path
        try File.createDirectory(path)
    }

    deinit { try? File.removeTree(path) }

    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try File.writeAtomically(Array(text.utf8), to: file)
        return file
    }
}

@Suite struct SettingsTests {
    static func load(
        _ flags: [String: SettingValue] = [:], environment: [String: String] = [:], file: String? = nil
    ) async throws(SettingsError) -> EffectiveSettings {
        try await EffectiveSettings.load(flags: flags, environment: environment, configFile: file)
    }

    @Test func withoutAnythingTheDefaultsHold() async throws {
        let settings = try await Self.load()
        #expect(settings.entries.count == Setting.all.count)
        #expect(settings.entries.allSatisfy { $0.origin == .standard })
        #expect(settings["listen"].value == .text("127.0.0.1:7170"))
        #expect(settings["http"].value == .text("127.0.0.1:7180"))
        #expect(settings["registry"].value == nil)
        #expect(settings["busy-poll"].value == .integer(50))
        #expect(settings["workers"].value == .integer(Setting.processorCount))
    }

    @Test func flagsWinOverEnvironmentOverFileOverDefaults() async throws {
        let directory = try ScratchDirectory()
        let file = try directory.write("a.yaml", "workers: 3\nbusy-poll: 30\ndrain-seconds: 33\n")
        let settings = try await Self.load(
            ["workers": .integer(5)], environment: ["ASSAY_WORKERS": "4", "ASSAY_BUSY_POLL": "40", "WORKERS": "9"], file: file)
        #expect(settings["workers"].value == .integer(5))
        #expect(settings["workers"].origin == .flag("--workers"))
        #expect(settings["busy-poll"].value == .integer(40))
        #expect(settings["busy-poll"].origin == .environment("ASSAY_BUSY_POLL"))
        #expect(settings["drain-seconds"].value == .integer(33))
        #expect(settings["drain-seconds"].origin == .file(file))
        #expect(settings["log-level"].origin == .standard)
    }

    @Test func everySettingCanComeFromEveryLayer() async throws {
        let directory = try ScratchDirectory()
        for setting in Setting.all {
            let (text, yaml, value) = Self.sample(setting)
            let yamlFile = try directory.write("\(setting.key).yaml", "\(setting.key): \(yaml)\n")
            let jsonFile = try directory.write("\(setting.key).json", "{\"\(setting.key)\": \(yaml)}")
            #expect(try await Self.load(environment: [setting.environmentName: text])[setting.key].value == value)
            #expect(try await Self.load(file: yamlFile)[setting.key].value == value)
            #expect(try await Self.load(file: jsonFile)[setting.key].value == value)
            #expect(try await Self.load([setting.key: value])[setting.key].origin == .flag("--" + setting.key))
        }
    }

    /// A value as the environment, and as YAML and JSON spell it.
    private static func sample(_ setting: Setting) -> (String, String, SettingValue) {
        func text(_ value: String) -> (String, String, SettingValue) { (value, "\"\(value)\"", .text(value)) }
        return switch setting.kind {
        case .text: text("some text")
        case .address: text("[::1]:99")
        case .path: text("/some/path")
        case .database: text("postgresql://u:p@h/d")
        case .integer(let range): ("\(range.upperBound)", "\(range.upperBound)", .integer(range.upperBound))
        case .choice(let words): text(words[words.count - 1])
        case .processors: ("2,5", "[2, 5]", .integers([2, 5]))
        }
    }

    @Test(
        arguments: Setting.all.compactMap { setting in
            if case .integer(let range) = setting.kind { (setting.key, range) } else { nil }
        })
    func numbersOutsideTheirRangeAreRefusedByName(_ key: String, _ range: ClosedRange<Int>) async throws {
        for value in [range.lowerBound - 1, range.upperBound + 1] {
            let error = await #expect(throws: SettingsError.self) { try await Self.load([key: .integer(value)]) }
            #expect(
                error?.description
                    == "\(key) is \"\(value)\" (flag:--\(key)); it must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        for value in [range.lowerBound, range.upperBound] {
            #expect(try await Self.load([key: .integer(value)])[key].value == .integer(value))
        }
    }

    @Test(arguments: [
        ("workers", "two"), ("workers", "2.5"), ("workers", ""), ("listen", "nowhere"), ("listen", "host:99999"),
        ("listen", "::1:80"),
        ("listen", "a b:80"), ("http", ":7180"), ("admin", "everybody"), ("log-level", "loud"), ("registry", ""), ("pin", "1,1"),
        ("pin", "1,x"), ("pin", "-1"), ("pin", "9000"), ("registry", "a\nb"),
        ("ring-directory", String(repeating: "x", count: 5000)),
    ])
    func wrongValuesOfTheEnvironmentAreRefusedWithTheirOrigin(_ key: String, _ text: String) async throws {
        let name = "ASSAY_" + key.uppercased().replacing("-", with: "_")
        let error = await #expect(throws: SettingsError.self) { try await Self.load(environment: [name: text]) }
        let description = try #require(error?.description)
        #expect(description.hasPrefix("\(key) is "))
        #expect(description.contains("(environment:\(name)); it must be "))
    }

    @Test func aWrongTypeInTheFileIsRefusedAndNotSkipped() async throws {
        let directory = try ScratchDirectory()
        for (index, text) in ["workers: two", "workers: [1]", "listen: [a, b]", "pin: 3", "pin: [a]", "workers: 1.5"].enumerated()
        {
            let file = try directory.write("\(index).yaml", text)
            let key = text.prefix { $0 != ":" }
            let error = await #expect(throws: SettingsError.self) { try await Self.load(file: file) }
            #expect(error?.description.hasPrefix("\(key) is ") == true)
            #expect(error?.description.contains("file:\(file)") == true)
        }
    }

    @Test func emptySwitchesOffWhatMayBeOff() async throws {
        let directory = try ScratchDirectory()
        let file = try directory.write("a.yaml", "postgres: postgresql://h/d\nunix: /run/a.sock\npin: [1, 2]\n")
        let environment = ["ASSAY_POSTGRES": "", "ASSAY_UNIX": "", "ASSAY_PIN": ""]
        let settings = try await Self.load(["http": .text("")], environment: environment, file: file)
        for key in ["postgres", "unix", "http", "pin"] { #expect(settings[key].value == nil) }
        #expect(settings["http"].origin == .flag("--http"))
        #expect(settings["postgres"].origin == .environment("ASSAY_POSTGRES"))
    }

    @Test func unknownKeysOfTheFileAreRefusedByName() async throws {
        let directory = try ScratchDirectory()
        let yaml = try directory.write("a.yaml", "wokers: 2\nlisten: 127.0.0.1:1\nserver:\n  port: 3\n")
        let json = try directory.write("a.json", "{\"wokers\": 2, \"nothing\": null}")
        await #expect(throws: SettingsError.unknownKeys(["server.port", "wokers"], path: yaml)) {
            try await Self.load(file: yaml)
        }
        await #expect(throws: SettingsError.unknownKeys(["nothing", "wokers"], path: json)) { try await Self.load(file: json) }
    }

    @Test func otherVariablesThatBeginLikeOursAreLeftAlone() async throws {
        let settings = try await Self.load(environment: ["ASSAY_SHARED": "/x", "ASSAY_PORT_7170_TCP": "tcp://10.0.0.1:7170"])
        #expect(settings.entries.allSatisfy { $0.origin == .standard })
    }

    @Test func theFileMayBeNamedByTheEnvironment() async throws {
        let directory = try ScratchDirectory()
        let first = try directory.write("a.yaml", "workers: 3")
        let second = try directory.write("b.yaml", "workers: 4")
        #expect(try await Self.load(environment: ["ASSAY_CONFIG": first])["workers"].value == .integer(3))
        #expect(try await Self.load(environment: ["ASSAY_CONFIG": first], file: second)["workers"].value == .integer(4))
    }

    @Test func aMissingOrMalformedFileIsRefused() async throws {
        let directory = try ScratchDirectory()
        let missing = "\(directory.path)/none.yaml"
        let error = await #expect(throws: SettingsError.self) { try await Self.load(file: missing) }
        #expect(error?.description.contains("the configuration file \(missing) cannot be read: ") == true)
        for (name, text) in [
            ("a.yaml", "a: [1"), ("b.yaml", "- 1\n- 2"), ("c.json", "{\"workers\": "), ("d.json", "[1]"), ("e.yaml", ""),
        ] {
            let file = try directory.write(name, text)
            let error = await #expect(throws: SettingsError.self) { try await Self.load(file: file) }
            #expect(error?.description.hasPrefix("the configuration file \(file) is malformed: ") == true, "\(name)")
        }
    }

    @Test func aMalformedFileDoesNotGiveItsSecretsAway() async throws {
        let directory = try ScratchDirectory()
        let file = try directory.write("a.yaml", "postgres: \"postgresql://u:s3cr3t@h/d\nworkers: 2\n")
        let error = await #expect(throws: SettingsError.self) { try await Self.load(file: file) }
        #expect(error?.description.contains("s3cr3t") == false)
    }
}

@Suite struct ServerSettingsTests {
    static let places: [String: SettingValue] = ["registry": .text("/r"), "journal": .text("/j")]

    static func settings(_ flags: [String: SettingValue]) async throws -> ServerSettings {
        try ServerSettings(try await SettingsTests.load(flags.merging(places) { own, _ in own }))
    }

    @Test func defaultsMakeAServer() async throws {
        let settings = try await Self.settings([:])
        #expect(settings.listen == HostPort(host: "127.0.0.1", port: 7170))
        #expect(settings.http == HostPort(host: "127.0.0.1", port: 7180))
        #expect(settings.unix == nil)
        #expect(settings.postgres == nil)
        #expect(settings.processors == [])
        #expect(settings.admin == .local)
    }

    @Test(arguments: ["registry", "journal"])
    func whatIsRequiredIsAskedFor(_ key: String) async throws {
        var flags = Self.places
        flags[key] = nil
        let effective = try await SettingsTests.load(flags)
        let error = #expect(throws: SettingsError.missing(key: key)) { try ServerSettings(effective) }
        #expect(error?.description.contains("--\(key), ASSAY_\(key.uppercased())") == true)
    }

    @Test func withoutAnAuditTrailNoJournalIsAskedFor() async throws {
        let settings = try ServerSettings(try await SettingsTests.load(["registry": .text("/r"), "audit": .text("off")]))
        #expect(settings.audit == .off)
        #expect(settings.journal == "")
        #expect(try await Self.settings([:]).audit == .required)
    }

    @Test func pinSetsTheWorkersUnlessTheyAreSet() async throws {
        #expect(try await Self.settings(["pin": .integers([4, 2, 7])]).workerCount == 3)
        #expect(try await Self.settings(["pin": .integers([4, 2]), "workers": .integer(2)]).processors == [4, 2])
        await #expect(throws: SettingsError.self) {
            try await Self.settings(["pin": .integers([4, 2]), "workers": .integer(3)])
        }
    }

    @Test func contradictionsAreRefused() async throws {
        let contradictions: [[String: SettingValue]] = [
            ["listen": .text("")], ["http": .text("127.0.0.1:7170")], ["journal": .text("/r")],
            ["ring-bytes": .integer(1 << 20), "frame-bytes-max": .integer(1 << 20)],
            ["audit": .text("off"), "postgres": .text("postgresql:///x")],
            ["tls-key": .text("/k")], ["tls-certificate": .text("/c")], ["tls-client-ca": .text("/a")],
            Self.tls("127.0.0.1:7170"), Self.tls("127.0.0.1:7180"),
            ["audit": .text("off"), "durability": .text("disk")], ["audit": .text("drop"), "durability": .text("disk")],
        ]
        for flags in contradictions {
            let error = await #expect(throws: SettingsError.self) { try await Self.settings(flags) }
            guard case .conflict = error else {
                Issue.record("\(String(describing: error)) for \(flags)")
                continue
            }
        }
        #expect(try await Self.settings(["listen": .text(""), "unix": .text("/u")]).listen == nil)
        #expect(try await Self.settings(["listen": .text("127.0.0.1:0"), "http": .text("127.0.0.1:0")]).http?.port == 0)
    }

    private static func tls(_ address: String) -> [String: SettingValue] {
        ["tls-listen": .text(address), "tls-certificate": .text("/c"), "tls-key": .text("/k")]
    }

    @Test func encryptionNeedsItsFilesAndIsEnoughToListenOn() async throws {
        var flags = Self.tls("127.0.0.1:7171")
        flags["listen"] = .text("")
        #expect(try await Self.settings(flags).tls?.clientCA == nil)
        for key in ["tls-certificate", "tls-key"] {
            let incomplete = flags.filter { $0.key != key }
            await #expect(throws: SettingsError.missing(key: key)) { try await Self.settings(incomplete) }
        }
        #expect(try await Self.settings([:]).tls == nil)
    }
}

@Suite struct PasswordMaskTests {
    @Test(arguments: [
        ("postgresql://assay:s3cr3t@db:5432/assay?sslmode=require", "postgresql://assay:***@db:5432/assay?sslmode=require"),
        ("postgres://assay@db/assay", "postgres://assay@db/assay"),
        ("postgresql://db/assay?user=a&password=s3cr3t&x=1", "postgresql://db/assay?user=a&password=***&x=1"),
        ("postgresql://db/assay?sslpassword=s3cr3t", "postgresql://db/assay?sslpassword=***"),
        ("postgresql://u:s3cr@3t@db/a", "postgresql://u:***@db/a"), ("postgresql://u:s3/cr3t@db/a", "postgresql://u:***@db/a"),
        ("host=db password=s3cr3t dbname=a", "host=db password=*** dbname=a"),
        ("host=db PASSWORD = 's3 c\\'r3t' dbname=a", "host=db PASSWORD =*** dbname=a"),
        ("password='s3cr3t", "password=***"), ("postgresql://db/a?pass%77ord=s3cr3t", "postgresql://db/a?pass%77ord=***"),
        ("", ""),
    ])
    func passwordsDoNotShow(_ text: String, _ expected: String) {
        let masked = PasswordMask.masked(text)
        #expect(masked == expected)
        for part in ["s3cr3t", "s3cr", "s3/c", "s3 c", "r3t"] { #expect(!masked.contains(part)) }
    }

    @Test func anErrorAboutADatabaseShowsNothingOfIt() async throws {
        for text in ["s3cr3t", "mysql://u:s3cr3t@h/d", "s3cr3t with spaces"] {
            let error = await #expect(throws: SettingsError.self) { try await SettingsTests.load(["postgres": .text(text)]) }
            #expect(error?.description.contains("s3cr3t") == false)
        }
    }
}

@Suite struct HostPortTests {
    @Test(arguments: [
        ("127.0.0.1:7170", "127.0.0.1", 7170), ("localhost:0", "localhost", 0), ("[::1]:80", "::1", 80),
        ("a-b.c:65535", "a-b.c", 65535),
    ])
    func addressesAreReadAndWritten(_ text: String, _ host: String, _ port: Int) throws {
        let address = try #require(HostPort(text))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:8o", "::1:80", "a:b:80", "ho st:80", "/x:80",
    ])
    func othersAreRefused(_ text: String) {
        #expect(HostPort(text) == nil)
    }
}

@Suite struct ConfigurationDocumentTests {
    static let document = try? String(
        contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
            .appendingPathComponent("docs/CONFIGURATION.md"), encoding: .utf8)

    @Test(arguments: Setting.all)
    func everySettingIsDocumentedWithItsDefault(_ setting: Setting) throws {
        let document = try #require(Self.document)
        let row = try #require(
            document.split(separator: "\n").first { $0.hasPrefix("| `\(setting.key)` |") }, "\(setting.key) has no row")
        if setting.key != "workers", let standard = setting.standard, !standard.text.isEmpty {
            #expect(row.contains("`\(standard.text)`"), "\(setting.key): default \(standard.text)")
        }
        if case .integer(let range) = setting.kind {
            #expect(row.contains("\(range.lowerBound)-\(range.upperBound)"), "\(setting.key): range \(range)")
        }
    }

    @Test func noOtherSettingIsDocumented() throws {
        let document = try #require(Self.document)
        let keys = document.split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap {
            $0.split(separator: "`").dropFirst().first
        }
        #expect(Set(keys.map(String.init)) == Set(Setting.all.map(\.key)))
    }
}

extension Setting: CustomTestStringConvertible {
    public var testDescription: String { key }
}
