import Foundation
import Platform
import Testing

@testable import assay

/// The built program, from outside: what it prints where, and how it ends.
@Suite(.enabled(if: RunCommand.assay != nil, "the program assay was not built beside the tests"))
struct ProgramTests {
    static let root = DeployTests.root.path
    static let models = "\(root)/bench/train/out/cards"

    static func assay(_ arguments: String..., in directory: String? = nil, environment: [String: String] = [:]) throws
        -> RunCommand.Result
    {
        try RunCommand.run(try #require(RunCommand.assay), arguments, in: directory, environment: environment)
    }

    static func imported(_ number: Int, in directory: String) throws -> RunCommand.Result {
        try assay(
            "bundle", "import", "\(models)/model-\(number).json", "--name", "cards", "--schema",
            "\(models)/schema-\(number).json",
            "--golden-rows", "\(models)/golden-\(number).npy", "--golden-expected", "\(models)/golden-expected-\(number).npy",
            "--output", "cards-\(number).assay", "--json", in: directory)
    }

    @Test func aModelBecomesAServedVersionAndCanBeRolledBack() throws {
        let scratch = try ScratchDirectory()
        let directory = scratch.path
        for number in [1, 2] {
            let made = try Self.imported(number, in: directory)
            try #require(made.status == 0, "\(made.errors)")
            let json = try JSON.parse(Array(made.output.utf8))
            #expect(json["features"] == 30)
            #expect(json["golden_rows"] == 256)
            let push = try Self.assay(
                "registry", "push", "cards-\(number).assay", "--registry", "r", "--alias", "champion", "--why", "push \(number)",
                "--who", "ada",
                in: directory)
            #expect(push.status == 0)
            #expect(push.output == "cards \(number) champion\n")
        }
        let back = try Self.assay(
            "registry", "rollback", "cards", "--why", "worse", in: directory, environment: ["ASSAY_REGISTRY": "r"])
        #expect(back.output == "cards champion 2 -> 1\n")
        let list = try JSON.parse(
            Array(try Self.assay("registry", "list", "--registry", "r", "--json", in: directory).output.utf8))
        let versions = try #require(list["bundles"]?[0]?["versions"]?.array)
        #expect(versions.map { $0["version"]?.integer } == [2, 1])
        #expect(versions[1]["aliases"] == ["champion"])
        #expect(versions[1]["who"] == "ada")
        #expect(versions.allSatisfy { $0["refused"] == JSON.null })
        let history = try JSON.parse(
            Array(try Self.assay("registry", "history", "cards", "--registry", "r", "--json", in: directory).output.utf8))
        #expect(history["moves"]?.array?.compactMap { $0["why"]?.string } == ["push 1", "push 2", "worse"])
        let alias = try Self.assay(
            "registry", "alias", "cards", "challenger", "2", "--why", "try", "--registry", "r", in: directory)
        #expect(alias.output == "cards challenger new -> 2\n")
    }

    @Test func offlineScoresAreTheGoldenOnes() throws {
        let scratch = try ScratchDirectory()
        _ = try Self.imported(1, in: scratch.path)
        let scored = try Self.assay(
            "bundle", "score", "cards-1.assay", "--rows", "\(Self.models)/golden-1.npy", "--output", "o.npy", "--json",
            in: scratch.path)
        try #require(scored.status == 0, "\(scored.errors)")
        let json = try JSON.parse(Array(scored.output.utf8))
        #expect(json["rows"] == 256)
        #expect(json["columns"] == 1)
        let written = try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/o.npy"))
        let expected = try Data(contentsOf: URL(fileURLWithPath: "\(Self.models)/golden-expected-1.npy"))
        // Headers may differ in their padding and shape; the numbers may not.
        #expect(written.suffix(256 * 4) == expected.suffix(256 * 4))
        let raw = try Self.assay(
            "bundle", "score", "cards-1.assay", "--rows", "\(Self.models)/golden-1.npy", "--output", "raw.npy", "--raw",
            in: scratch.path)
        #expect(raw.status == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/raw.npy")).suffix(256 * 4) != written.suffix(256 * 4))
    }

    @Test func aDamagedBundleIsRefusedEverywhereWithItsReason() throws {
        let scratch = try ScratchDirectory()
        let directory = scratch.path
        _ = try Self.imported(1, in: directory)
        var bytes = try File.read("\(directory)/cards-1.assay")
        bytes[bytes.count / 2] ^= 1
        try File.writeAtomically(bytes, to: "\(directory)/bad.assay")
        for command in [["bundle", "verify"], ["bundle", "inspect"], ["registry", "push", "--registry", "r"]] {
            let result = try RunCommand.run(try #require(RunCommand.assay), command + ["bad.assay"], in: directory)
            #expect(result.status == 1, "\(command)")
            #expect(result.errors.contains("SHA-256"), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
        }
        let verdict = try Self.assay("bundle", "verify", "bad.assay", "--json", in: directory)
        #expect(try JSON.parse(Array(verdict.output.utf8))["admitted"] == false)
        #expect(try Self.assay("bundle", "verify", "cards-1.assay", in: directory).status == 0)
    }

    @Test func goldenRowsThatAreNotReproducedLeaveNoFile() throws {
        let scratch = try ScratchDirectory()
        let result = try Self.assay(
            "bundle", "import", "\(Self.models)/model-1.json", "--name", "cards", "--output", "x.assay", "--golden-rows",
            "\(Self.models)/golden-1.npy", "--golden-expected", "\(Self.models)/golden-expected-2.npy", in: scratch.path)
        #expect(result.status == 1)
        #expect(result.errors.contains("golden row"))
        #expect(!File.exists("\(scratch.path)/x.assay"))
    }

    @Test(
        arguments: [
            (["bundle", "verify", "/no/such/file"], 2), (["bundle", "inspect", "/etc/passwd"], 1),
            (["bundle", "import", "/etc/passwd", "--name", "x", "--output", "/no/such/x"], 1),
            (["bundle", "import", "/no/such/model", "--name", "x", "--output", "/no/such/x"], 2),
            (["journal", "verify", "/no/such/journal"], 2),
            (["journal", "dump", "/tmp"], 2), (["registry", "list", "--registry", "/no/such/registry"], 2),
            (["registry", "list"], 64),
            (["registry", "push"], 64), (["nonsense"], 64), (["serve", "--nonsense"], 64), (["serve", "--workers", "two"], 64),
            (["score"], 64),
            (["score", "--bundle", "b", "--features", "1", "--transaction", "f"], 64),
            (["score", "--bundle", "b", "--features", "1;2"], 64),
            (["score", "--server", "127.0.0.1:1", "--bundle", "b", "--features", "1"], 2),
            (["health", "--server", "127.0.0.1:1"], 2),
            (["health", "--server", "unix:/no/such/socket"], 2), (["health", "--server", "nonsense"], 64), (["serve"], 78),
            (["serve", "--registry", "/r", "--journal", "/j", "--workers", "0"], 78),
            (["config", "show", "--admin", "everybody"], 78),
            (["config", "show", "--config", "/no/such/file.yaml"], 78),
            (["serve", "--registry", "/no/such/r", "--journal", "/no/such/j"], 2),
        ] as [([String], Int32)])
    func exitCodesTellWhatKindOfFailureItWas(_ arguments: [String], _ status: Int32) throws {
        // Port 1 stands for a server that is not there; nothing listens on it.
        let result = try RunCommand.run(
            try #require(RunCommand.assay), arguments, environment: ["ASSAY_SERVER": "127.0.0.1:1"])
        #expect(result.status == status, "\(arguments): \(result.errors)")
        #expect(result.output == "")
        #expect(!result.errors.isEmpty)
        if status != 64 { #expect(result.errors.hasPrefix("assay: ")) }
    }

    @Test func configShowTellsOriginsAndHidesPasswords() throws {
        let scratch = try ScratchDirectory()
        let file = try scratch.write("a.yaml", "drain-seconds: 3\npostgres: postgresql://u:s3cr3t@h/d\n")
        let json = try Self.assay(
            "config", "show", "--config", file, "--workers", "3", "--json", environment: ["ASSAY_BUSY_POLL": "7"])
        #expect(json.status == 0)
        #expect(!json.output.contains("s3cr3t"))
        let settings = try JSON.parse(Array(json.output.utf8))
        #expect(settings["workers"] == ["value": 3, "origin": "flag:--workers"])
        #expect(settings["busy-poll"] == ["value": 7, "origin": "environment:ASSAY_BUSY_POLL"])
        #expect(settings["drain-seconds"] == ["value": 3, "origin": .string("file:\(file)")])
        #expect(settings["postgres"]?["value"] == "postgresql://u:***@h/d")
        #expect(settings["listen"] == ["value": "127.0.0.1:7170", "origin": "default"])
        let table = try Self.assay("config", "show", "--config", file)
        #expect(table.output.split(separator: "\n").count == Setting.all.count + 1)
    }

    @Test func versionAndCompletion() throws {
        #expect(try Self.assay("version").output.hasPrefix("\(Version.text)\n"))
        #expect(try Self.assay("--version").output == "\(Version.text)\n")
        for shell in ["bash", "zsh", "fish"] {
            let script = try Self.assay("--generate-completion-script", shell)
            #expect(script.status == 0)
            #expect(script.output.contains("rollback"))
        }
    }
}
