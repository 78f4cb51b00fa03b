import ModelBundle
import Platform
import Testing

@testable import Registry

@Suite struct SnapshotBuilderTests {
    let registry: TestRegistry
    init() throws { registry = try TestRegistry() }

    func builder(_ change: (inout RegistryLimits) -> Void = { _ in }) -> SnapshotBuilder {
        var limits = RegistryLimits()
        change(&limits)
        return SnapshotBuilder(directory: registry.directory, limits: limits)
    }

    func held(_ scan: RegistryScan) -> [UInt32] { scan.entries.keys.map(\.version).sorted() }

    @Test func aliasesAndTheNewestOtherVersionsAreHeld() throws {
        for salt in 0..<6 { try registry.push("cards", salt: salt) }
        try registry.move("cards", to: 1)
        var builder = builder { $0.unaliasedVersionCountMax = 2 }
        let scan = builder.scan { _ in }
        #expect(scan.aliases == ["cards": ["champion": 1]])
        #expect(held(scan) == [1, 5, 6])
        #expect(scan.problems.isEmpty)
    }

    @Test func unchangedVersionsAreNeverAdmittedAgain() throws {
        for salt in 0..<3 { try registry.push("cards", salt: salt, alias: "champion") }
        var builder = builder()
        let before = builder.scan { _ in }
        let admissions = registry.admissions.total
        let again = builder.scan { _ in }
        #expect(again.isSame(as: before) && again.swaps(from: before).isEmpty)
        try registry.push("cards", salt: 3, alias: "champion")
        let after = builder.scan { _ in }
        // One by the push, one by the server.
        #expect(registry.admissions.total == admissions + 2)
        #expect(after.swaps(from: before) == [AliasSwap(bundle: "cards", alias: "champion", previousVersion: 3, version: 4)])
        for version: UInt32 in 1...3 {
            let key = VersionKey(name: "cards", version: version)
            #expect(before.entries[key]?.bundle === after.entries[key]?.bundle)
        }
    }

    @Test func theSameFilePushedAgainSharesTheBundle() throws {
        try registry.push("cards", salt: 5)
        try registry.push("cards", salt: 5)
        var builder = builder()
        let admissions = registry.admissions.total
        let scan = builder.scan { _ in }
        let bundles = scan.entries.values.map(\.bundle)
        #expect(bundles.count == 2 && bundles[0] === bundles[1])
        #expect(registry.admissions.total == admissions + 1)
    }

    @Test func aRefusedVersionLeavesTheAliasWhereItServed() throws {
        try registry.push("cards", salt: 0, alias: "champion")
        var builder = builder()
        _ = builder.scan { _ in }
        try registry.push("cards", salt: 1, alias: "champion")
        try registry.overwrite("cards/2/bundle.assay", "damaged")
        let scan = builder.scan { _ in }
        #expect(scan.aliases == ["cards": ["champion": 1]])
        let problem = try #require(scan.problems.first)
        #expect(scan.problems.count == 1)
        #expect(problem.bundle == "cards" && problem.version == 2 && problem.alias == "champion" && problem.servedVersion == 1)
        #expect(problem.description.hasPrefix("cards champion version 2: \(registry.path)/cards/2/bundle.assay is refused: "))
        #expect(problem.description.hasSuffix("; version 1 is served"))
    }

    @Test func aRefusedVersionIsTriedAgainOnlyWhenItsFilesChange() throws {
        try registry.push("cards", salt: 0)
        try registry.push("cards", salt: 1, alias: "champion")
        try registry.overwrite("cards/2/bundle.assay", "damaged")
        let path = "\(registry.path)/cards/2/bundle.assay"
        let before = registry.admissions[path]
        var builder = builder()
        for _ in 0..<3 { #expect(builder.scan { _ in }.problems.count == 1) }
        #expect(registry.admissions[path] == before + 1)
        try File.writeAtomically(TestBundle.bytes("cards", salt: 1), to: path)
        let scan = builder.scan { _ in }
        #expect(scan.problems.isEmpty && scan.aliases == ["cards": ["champion": 2]])
    }

    @Test func refusalsOfFilesThatChangedJustNowAreNotRemembered() throws {
        let registry = try TestRegistry(startingAt: Clock.wallNanoseconds())
        try registry.push("cards", salt: 1)
        try registry.overwrite("cards/1/bundle.assay", "damaged")
        var builder = SnapshotBuilder(directory: registry.directory, limits: RegistryLimits())
        let path = "\(registry.path)/cards/1/bundle.assay"
        for round in 1...3 {
            _ = builder.scan { _ in }
            #expect(registry.admissions[path] == round)
        }
    }

    @Test func damageToTheServedFileIsReportedAndTheBundleStays() throws {
        try registry.push("cards", salt: 0, alias: "champion")
        var builder = builder()
        let before = builder.scan { _ in }
        let key = VersionKey(name: "cards", version: 1)
        var bytes = TestBundle.bytes("cards", salt: 0)
        bytes[bytes.count / 2] ^= 1
        try File.writeAtomically(bytes, to: "\(registry.path)/cards/1/bundle.assay")
        let after = builder.scan { _ in }
        #expect(after.aliases == before.aliases && after.entries[key]?.bundle === before.entries[key]?.bundle)
        #expect(after.problems.first?.description.contains("has SHA-256") == true)
        try File.writeAtomically(TestBundle.bytes("cards", salt: 0), to: "\(registry.path)/cards/1/bundle.assay")
        #expect(builder.scan { _ in }.problems.isEmpty)
    }

    @Test func whatIsServedSurvivesTheLossOfItsFiles() throws {
        try registry.push("cards", salt: 0, alias: "champion")
        try registry.push("cards", salt: 1)
        try registry.push("coins", salt: 0, alias: "champion")
        var builder = builder()
        let before = builder.scan { _ in }
        try File.removeTree("\(registry.path)/cards")
        let after = builder.scan { _ in }
        #expect(after.aliases == before.aliases)
        // Version 2 had no alias: it went with its directory.
        #expect(after.entries.count == 2)
        #expect(after.problems.contains { $0.bundle == "cards" && $0.servedVersion == 1 })
        try File.removeTree(registry.path)
        let without = builder.scan { _ in }
        #expect(without.aliases == before.aliases && without.problems.count == 1 && without.problems[0].bundle == nil)
    }

    @Test func aDamagedAliasFileLeavesTheAliasesWhereTheyWere() throws {
        try registry.push("cards", salt: 0, alias: "champion")
        var running = builder()
        _ = running.scan { _ in }
        try registry.overwrite("cards/aliases.json", "{}")
        let scan = running.scan { _ in }
        #expect(scan.aliases == ["cards": ["champion": 1]])
        #expect(
            scan.problems.map(\.description) == [
                "cards: \(registry.path)/cards/aliases.json is damaged: its field format is missing or out of range"
            ])
        // A server that starts now knows no alias, but still the version.
        var restarted = builder()
        let fresh = restarted.scan { _ in }
        #expect(fresh.aliases.isEmpty && held(fresh) == [1] && fresh.problems.count == 1)
    }

    @Test func anAliasThatVanishesGoesOnBeingServed() throws {
        try registry.push("cards", salt: 0, alias: "champion")
        var builder = builder()
        _ = builder.scan { _ in }
        try File.remove("\(registry.path)/cards/aliases.json")
        let scan = builder.scan { _ in }
        #expect(scan.aliases == ["cards": ["champion": 1]])
        #expect(
            scan.problems.map(\.description) == [
                "cards champion version 1: \(registry.path)/cards/aliases.json no longer has the alias champion; version 1 is served"
            ])
    }

    @Test func aServerThatStartsWithADamagedChampionServesTheLastGoodOne() throws {
        for salt in 0..<4 { try registry.push("cards", salt: salt) }
        for version: UInt32 in [1, 2, 3] { try registry.move("cards", to: version) }
        try registry.directory.rollback("cards", who: "a", why: "3 is bad")
        try registry.move("cards", to: 4)
        // History: 1, 2, (3 taken back), 4. Now 4 is damaged: 2 follows, not 3.
        try registry.overwrite("cards/4/bundle.assay", "damaged")
        var first = builder()
        let scan = first.scan { _ in }
        #expect(scan.aliases == ["cards": ["champion": 2]])
        #expect(scan.problems.count == 1 && scan.problems[0].version == 4 && scan.problems[0].servedVersion == 2)
        try registry.overwrite("cards/2/bundle.assay", "damaged")
        var second = builder()
        #expect(second.scan { _ in }.aliases == ["cards": ["champion": 1]])
        try registry.overwrite("cards/1/bundle.assay", "damaged")
        var third = builder()
        let nothing = third.scan { _ in }
        #expect(nothing.aliases.isEmpty)
        #expect(
            nothing.problems.contains {
                $0.alias == "champion" && $0.servedVersion == 0 && $0.description.hasSuffix("the alias is not served")
            })
    }

    @Test func limitsKeepAliasesBeforeOtherVersions() throws {
        for salt in 0..<4 { try registry.push("cards", salt: salt) }
        for salt in 0..<4 { try registry.push("zcoins", salt: salt) }
        try registry.move("zcoins", to: 1)
        var builder = builder { $0.heldBundleCountMax = 3 }
        let scan = builder.scan { _ in }
        #expect(scan.aliases == ["zcoins": ["champion": 1]])
        #expect(scan.entries.count == 3 && scan.problems.isEmpty)
    }

    @Test func anAliasBeyondTheLimitIsReported() throws {
        try registry.push("cards", salt: 0, alias: "champion")
        try registry.push("coins", salt: 0, alias: "champion")
        let byteCount = TestBundle.bytes("cards", salt: 0).count
        var builder = builder { $0.heldByteCountMax = byteCount + 1 }
        let scan = builder.scan { _ in }
        #expect(scan.aliases == ["cards": ["champion": 1]])
        #expect(
            scan.problems.map(\.description) == [
                "coins champion version 1: not loaded: 1 bundles with \(byteCount) bytes are already held; the alias is not served"
            ])
    }

    @Test func aBundleUnderAnotherNameIsRefused() throws {
        try registry.push("cards", salt: 0)
        try File.createDirectory("\(registry.path)/coins/1")
        for file in ["bundle.assay", "manifest.json"] {
            try registry.overwrite("coins/1/\(file)", "")
            try File.writeAtomically(try File.read("\(registry.path)/cards/1/\(file)"), to: "\(registry.path)/coins/1/\(file)")
        }
        var builder = builder()
        let scan = builder.scan { _ in }
        #expect(scan.entries.count == 1)
        #expect(
            scan.problems.map(\.description) == [
                "coins version 1: \(registry.path)/coins/1/manifest.json is damaged: it belongs to another bundle or version"
            ])
    }

    @Test func directoriesAreAnnouncedBeforeTheyAreRead() throws {
        try registry.push("cards", salt: 0, alias: "champion")
        var builder = builder()
        var announced: [String] = []
        _ = builder.scan { announced.append($0) }
        #expect(announced == [registry.path, "\(registry.path)/cards", "\(registry.path)/cards/1"])
    }
}
