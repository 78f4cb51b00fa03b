import Platform
import Testing

@testable import Registry

@Suite struct AliasTests {
    let registry: TestRegistry
    init() throws {
        registry = try TestRegistry()
        for salt in 0..<5 { try registry.push("cards", salt: salt) }
    }

    var directory: RegistryDirectory { registry.directory }

    func rollBack(_ alias: String = "champion") throws(RegistryError) -> AliasChange {
        try directory.rollback("cards", alias: alias, who: "ops", why: "worse")
    }

    @Test func movesAreKeptWithWhoWhenAndWhy() throws {
        #expect(
            try directory.setAlias("cards", alias: "champion", version: 1, who: "ann", why: "first \"champion\" ü")
                == AliasChange(previousVersion: 0, version: 1))
        registry.clock.advance(seconds: 90)
        #expect(
            try directory.setAlias("cards", alias: "champion", version: 3, who: "bob", why: "better recall").previousVersion == 1)
        try directory.setAlias("cards", alias: "challenger", version: 2, who: "eve", why: "shadow")
        let history = try directory.history("cards")
        #expect(history.map(\.number) == [1, 2, 3])
        #expect(history.map(\.alias) == ["champion", "champion", "challenger"])
        #expect(history.map(\.from) == [0, 1, 0] && history.map(\.to) == [1, 3, 2])
        #expect(history.map(\.who) == ["ann", "bob", "eve"] && history[0].why == "first \"champion\" ü")
        #expect(history[1].when.unixMicroseconds - history[0].when.unixMicroseconds == 90_000_000)
        #expect(history.allSatisfy { $0.kind == .set })
        #expect(try directory.aliases(of: "cards") == ["champion": 3, "challenger": 2])
    }

    @Test func settingAnAliasWhereItIsWritesNothing() throws {
        try registry.move("cards", to: 2)
        let before = try registry.contents()
        #expect(
            try directory.setAlias("cards", alias: "champion", version: 2, who: "a", why: "again")
                == AliasChange(previousVersion: 2, version: 2))
        #expect(try registry.contents() == before)
    }

    @Test func repeatedRollbacksWalkFurtherBack() throws {
        for version: UInt32 in [1, 2, 3] { try registry.move("cards", to: version) }
        #expect(try rollBack() == AliasChange(previousVersion: 3, version: 2))
        #expect(try rollBack() == AliasChange(previousVersion: 2, version: 1))
        #expect(thrown { () throws(RegistryError) in _ = try rollBack() } == "no earlier version to roll cards/champion back to")
        #expect(try directory.history("cards").map(\.kind) == [.set, .set, .set, .rollback, .rollback])
    }

    @Test func aMoveAfterARollbackIsTheNextToBeTakenBack() throws {
        for version: UInt32 in [1, 2, 3] { try registry.move("cards", to: version) }
        _ = try rollBack()
        try registry.move("cards", to: 5)
        // 1, 2, (3 taken back), 5: the walk passes over 3.
        #expect(try rollBack() == AliasChange(previousVersion: 5, version: 2))
        #expect(try rollBack() == AliasChange(previousVersion: 2, version: 1))
    }

    @Test func aliasesRollBackIndependently() throws {
        for version: UInt32 in [1, 2] {
            try registry.move("cards", to: version)
            try registry.move("cards", "challenger", to: version + 2)
        }
        _ = try rollBack("challenger")
        #expect(try directory.aliases(of: "cards") == ["champion": 2, "challenger": 3])
        _ = try rollBack()
        #expect(try directory.aliases(of: "cards") == ["champion": 1, "challenger": 3])
    }

    @Test func operationsOnWhatIsNotThereAreRefused() throws {
        try registry.move("cards", to: 1)
        let before = try registry.contents()
        let refusals: [(String?, String)] = [
            (
                thrown { () throws(RegistryError) in
                    try directory.setAlias("coins", alias: "champion", version: 1, who: "a", why: "b")
                }, "there is no bundle coins"
            ),
            (
                thrown { () throws(RegistryError) in
                    try directory.setAlias("cards", alias: "champion", version: 9, who: "a", why: "b")
                }, "bundle cards has no version 9"
            ),
            (
                thrown { () throws(RegistryError) in
                    try directory.setAlias("cards", alias: "champion", version: 0, who: "a", why: "b")
                }, "bundle cards has no version 0"
            ),
            (
                thrown { () throws(RegistryError) in try directory.setAlias("cards", alias: "a b", version: 1, who: "a", why: "b")
                }, "an alias is 1-64 bytes of [a-z0-9_-]; this one has 3 bytes or others"
            ),
            (
                thrown { () throws(RegistryError) in
                    try directory.setAlias("../cards", alias: "champion", version: 1, who: "a", why: "b")
                }, "a bundle's name is 1-64 bytes of [a-z0-9_-]; this one has 8 bytes or others"
            ),
            (thrown { () throws(RegistryError) in _ = try rollBack("challenger") }, "bundle cards has no alias challenger"),
            (
                thrown { () throws(RegistryError) in _ = try directory.rollback("coins", who: "a", why: "b") },
                "there is no bundle coins"
            ),
            (thrown { () throws(RegistryError) in _ = try directory.history("coins") }, "there is no bundle coins"),
        ]
        for (message, expected) in refusals { #expect(message == expected) }
        #expect(try registry.contents() == before)
    }

    @Test func anAliasIsNotMovedToAVersionThatIsNotAdmitted() throws {
        try registry.move("cards", to: 1)
        try registry.move("cards", to: 2)
        try registry.overwrite("cards/1/bundle.assay", "damaged")
        try registry.overwrite("cards/4/bundle.assay", "damaged")
        let before = try registry.contents()
        #expect(
            thrown { () throws(RegistryError) in
                try directory.setAlias("cards", alias: "champion", version: 4, who: "a", why: "b")
            }?.contains("is refused") == true)
        #expect(thrown { () throws(RegistryError) in _ = try rollBack() }?.contains("is refused") == true)
        #expect(try registry.contents() == before)
    }

    @Test func aliasesAreLimited() throws {
        for index in 0..<RegistryLimits.aliasCountMax { try registry.move("cards", "alias-\(index)", to: 1) }
        #expect(
            thrown { () throws(RegistryError) in try directory.setAlias("cards", alias: "more", version: 1, who: "a", why: "b") }
                == "bundle cards already has 64 aliases")
        try registry.move("cards", "alias-0", to: 2)
    }

    @Test func oldMovesGoToArchivesAndAreStillRolledBackTo() throws {
        try registry.move("cards", "quiet", to: 1)
        try registry.move("cards", "quiet", to: 2)
        let moves = RegistryLimits.recentMoveCountMax * 2
        var record = try directory.record(of: "cards")
        let signature = try Signature(who: "a", why: "b")
        for index in 0..<moves {
            record.move("champion", to: UInt32(1 + index % 2), .set, by: signature, at: directory.now())
            guard record.moves.count > RegistryLimits.recentMoveCountMax || index == moves - 1 else { continue }
            try directory.write(record, of: "cards")
            record = try directory.record(of: "cards")
        }
        #expect(record.moves.count <= RegistryLimits.recentMoveCountMax)
        let archives = try registry.names("cards").filter { $0.hasPrefix("moves-") }
        #expect(archives.count == 3, "\(archives)")
        let history = try directory.history("cards")
        #expect(history.count == moves + 2 && history.map(\.number) == Array(1...UInt64(moves + 2)))
        #expect(try rollBack("quiet") == AliasChange(previousVersion: 2, version: 1))
    }

    @Test func anArchiveThatACrashLeftIsPassedOver() throws {
        for version: UInt32 in [1, 2, 3] { try registry.move("cards", to: version) }
        let record = try directory.record(of: "cards")
        let leftover = AliasArchive(aliasesBefore: [:], firstMove: 1, moves: Array(record.moves[..<2]))
        try registry.overwrite("cards/moves-1.json", leftover.json(bundle: "cards").serialized())
        #expect(try directory.history("cards") == record.moves)
        #expect(try rollBack().version == 2)
    }
}
