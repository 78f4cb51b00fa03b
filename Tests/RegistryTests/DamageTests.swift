import Platform
import Testing

@testable import Registry

@Suite struct DamageTests {
    let registry: TestRegistry
    init() throws {
        registry = try TestRegistry()
        for salt in 0..<3 { try registry.push("cards", salt: salt, alias: "champion") }
    }

    func replace(_ file: String, _ old: String, _ new: String) throws {
        try registry.overwrite(file, try registry.text(file).replacingOnce(old, new))
    }

    @Test(arguments: [
        ("{\"format\": 1, \"bundle\":", "JSON ends unfinished at byte 23"),
        ("[]", "its field format is missing or out of range"),
        ("{\"format\": 2}", "its format is 2, this version knows 1"),
        ("{\"format\": 1}", "its field bundle is missing or out of range"),
        ("", "JSON ends unfinished at byte 0"),
    ])
    func aliasFilesThatAreNotOnesAreNamedWithWhatIsWrong(text: String, reason: String) throws {
        try registry.overwrite("cards/aliases.json", text)
        let before = try registry.contents()
        let expected = "\(registry.path)/cards/aliases.json is damaged: \(reason)"
        let file = try registry.file("cards", salt: 9)
        let directory = registry.directory
        #expect(thrown { () throws(RegistryError) in _ = try directory.aliases(of: "cards") } == expected)
        #expect(thrown { () throws(RegistryError) in try directory.push(file: file, who: "a", why: "b") } == expected)
        #expect(
            thrown { () throws(RegistryError) in
                try directory.setAlias("cards", alias: "champion", version: 1, who: "a", why: "b")
            } == expected)
        #expect(thrown { () throws(RegistryError) in try directory.rollback("cards", who: "a", why: "b") } == expected)
        #expect(thrown { () throws(RegistryError) in _ = try directory.history("cards") } == expected)
        #expect(try registry.contents() == before)
    }

    @Test(arguments: [
        ("\"champion\": 3", "\"champion\": 2", "alias champion is not where the moves lead"),
        ("\"champion\": 3", "\"champion\": 3, \"extra\": 1", "alias extra is not where the moves lead"),
        ("\"champion\": 3", "\"champion\": 0", "its field aliases is missing or out of range"),
        ("\"champion\": 3", "\"Champion\": 3", "its field aliases is missing or out of range"),
        ("\"from\": 2", "\"from\": 1", "move 3 does not follow from the moves before it"),
        ("\"number\": 2", "\"number\": 7", "move 7 is not where it should be"),
        ("\"kind\": \"set\"", "\"kind\": \"sit\"", "its field kind is missing or out of range"),
        ("\"to\": 3", "\"to\": 4294967296", "its field to is missing or out of range"),
        ("\"when\": \"2027-01-15T", "\"when\": \"2027-13-15T", "its field when is missing or out of range"),
        ("\"bundle\": \"cards\"", "\"bundle\": \"coins\"", "it belongs to another bundle or version"),
        ("\"highest_version\": 3", "\"highest_version\": -1", "its field highest_version is missing or out of range"),
        ("\"first_move\": 1", "\"first_move\": 0", "its field first_move is missing or out of range"),
    ])
    func aliasesThatContradictTheirHistoryAreRefused(old: String, new: String, reason: String) throws {
        try replace("cards/aliases.json", old, new)
        let message = thrown { () throws(RegistryError) in _ = try registry.directory.aliases(of: "cards") }
        #expect(message == "\(registry.path)/cards/aliases.json is damaged: \(reason)")
    }

    @Test func everyTruncationOfAnAliasFileIsNoticed() throws {
        let bytes = try File.read("\(registry.path)/cards/aliases.json")
        let end = try #require(bytes.lastIndex(of: UInt8(ascii: "}")))
        for count in 0...end {
            try registry.overwrite("cards/aliases.json", String(decoding: bytes[..<count], as: UTF8.self))
            #expect(
                thrown { () throws(RegistryError) in _ = try registry.directory.aliases(of: "cards") } != nil, "cut at \(count)")
        }
    }

    @Test(arguments: [
        ("\"version\": 2", "\"version\": 3", "it belongs to another bundle or version"),
        ("\"digest\": \"", "\"digest\": \"x", "its field digest is missing or out of range"),
        ("\"unproven\": false", "\"unproven\": 0", "its field unproven is missing or out of range"),
        ("\"bytes\":", "\"octets\":", "its field bytes is missing or out of range"),
    ])
    func damagedManifestsAreNamedWithWhatIsWrong(old: String, new: String, reason: String) throws {
        try replace("cards/2/manifest.json", old, new)
        let message = thrown { () throws(RegistryError) in _ = try registry.directory.admit("cards", version: 2) }
        #expect(message == "\(registry.path)/cards/2/manifest.json is damaged: \(reason)")
    }

    @Test func aVersionWithoutManifestIsRefused() throws {
        try File.remove("\(registry.path)/cards/2/manifest.json")
        let message = thrown { () throws(RegistryError) in _ = try registry.directory.admit("cards", version: 2) }
        #expect(message == "\(registry.path)/cards/2/manifest.json is damaged: it is missing")
    }

    @Test func anotherGoodBundleInPlaceOfTheOneThatWasPushedIsRefused() throws {
        let path = "\(registry.path)/cards/2/bundle.assay"
        try File.writeAtomically(TestBundle.bytes("cards", salt: 5), to: path)
        let message = thrown { () throws(RegistryError) in _ = try registry.directory.admit("cards", version: 2) }
        let found = SHA256Hasher.hash(TestBundle.bytes("cards", salt: 5))
        #expect(message?.contains("has SHA-256 \(found), its manifest says") == true)
    }

    @Test func aMissingArchiveIsNoticed() throws {
        try replace("cards/aliases.json", "\"first_move\": 1", "\"first_move\": 11")
        for number in 1...3 { try replace("cards/aliases.json", "\"number\": \(number),", "\"number\": \(number + 10),") }
        let message = thrown { () throws(RegistryError) in _ = try registry.directory.history("cards") }
        #expect(message == "\(registry.path)/cards/aliases.json is damaged: the archive before move 11 is missing")
    }
}
