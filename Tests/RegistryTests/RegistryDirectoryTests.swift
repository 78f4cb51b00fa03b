import Glibc
import Platform
import Testing

@testable import Registry

@Suite struct RegistryDirectoryTests {
    let registry: TestRegistry
    init() throws { registry = try TestRegistry() }

    @Test func pushWritesBundleAndManifestUnderTheNextVersion() throws {
        let file = try registry.file("cards", salt: 7)
        #expect(try registry.directory.push(file: file, who: "ann@risk", why: "first") == 1)
        #expect(try registry.push("cards", salt: 8) == 2)
        #expect(try registry.names("cards/1") == ["bundle.assay", "manifest.json"])
        #expect(try File.read("\(registry.path)/cards/1/bundle.assay") == TestBundle.bytes("cards", salt: 7))
        let manifest = try registry.directory.manifest("cards", version: 1)
        #expect(manifest.bundle == "cards" && manifest.version == 1 && manifest.who == "ann@risk" && manifest.why == "first")
        #expect(manifest.digest == SHA256Hasher.hash(TestBundle.bytes("cards", salt: 7)))
        #expect(manifest.byteCount == TestBundle.bytes("cards", salt: 7).count)
        #expect(manifest.when.description == "2027-01-15T08:00:00.000000Z")
        #expect(!manifest.isUnproven && manifest.sourceFile == "cards-7.assay")
        #expect(try registry.directory.versions(of: "cards") == [2, 1])
        #expect(try registry.directory.bundleNames() == ["cards"])
    }

    @Test func otherUsersMayReadWhatWasPushed() throws {
        try registry.push("cards")
        var status = stat()
        #expect(stat("\(registry.path)/cards/1", &status) == 0 && status.st_mode & 0o777 == 0o755)
        #expect(stat("\(registry.path)/cards/1/bundle.assay", &status) == 0 && status.st_mode & 0o044 == 0o044)
    }

    @Test func pushWithAliasMovesIt() throws {
        try registry.push("cards", alias: "champion")
        #expect(try registry.directory.aliases(of: "cards") == ["champion": 1])
        try registry.push("cards", salt: 1)
        #expect(try registry.directory.aliases(of: "cards") == ["champion": 1])
    }

    @Test func versionNumbersAreNotUsedAgainAfterTheirDirectoryWasDeleted() throws {
        for salt in 0..<3 { try registry.push("cards", salt: salt) }
        try File.removeTree("\(registry.path)/cards/3")
        #expect(try registry.push("cards", salt: 4) == 4)
        // Without aliases.json the directories still tell.
        try File.remove("\(registry.path)/cards/aliases.json")
        #expect(try registry.push("cards", salt: 5) == 5)
    }

    @Test func pushedVersionsAreNotTouchedByLaterPushes() throws {
        try registry.push("cards")
        let before = try registry.contents(of: "cards/1")
        for salt in 1..<4 { try registry.push("cards", salt: salt, alias: "champion") }
        #expect(try registry.contents(of: "cards/1") == before)
    }

    @Test func refusedPushesChangeNothing() throws {
        try registry.push("cards", alias: "champion")
        let before = try registry.contents()
        let damaged = "\(File.directory(of: registry.path))/damaged.assay"
        try File.writeAtomically(Array(TestBundle.bytes("cards").dropLast(2)), to: damaged)
        let good = try registry.file("cards", salt: 1)
        let unproven = try registry.file("cards", salt: 2, unproven: true)
        let directory = registry.directory
        let long = String(repeating: "x", count: 5000)
        let refusals: [(String?, String)] = [
            (thrown { () throws(RegistryError) in try directory.push(file: damaged, who: "a", why: "b") }, "is refused"),
            (thrown { () throws(RegistryError) in try directory.push(file: "/nowhere", who: "a", why: "b") }, "No such file"),
            (thrown { () throws(RegistryError) in try directory.push(file: unproven, who: "a", why: "b") }, "no golden rows"),
            (
                thrown { () throws(RegistryError) in try directory.push(file: good, name: "coins", who: "a", why: "b") },
                "named cards, not coins"
            ),
            (
                thrown { () throws(RegistryError) in try directory.push(file: good, alias: "Champion", who: "a", why: "b") },
                "an alias is"
            ),
            (thrown { () throws(RegistryError) in try directory.push(file: good, who: "a", why: long) }, "why has 5000 bytes"),
            (
                thrown { () throws(RegistryError) in try directory.push(file: good, who: "a\u{1b}[2J", why: "b") },
                "control character"
            ),
        ]
        for (message, expected) in refusals { #expect(message?.contains(expected) == true, "\(message ?? "nothing")") }
        #expect(try registry.contents() == before)
    }

    @Test func unprovenBundlesAreTakenWhenAllowedAndMarked() throws {
        let file = try registry.file("cards", unproven: true)
        try registry.directory.push(file: file, who: "a", why: "b", allowUnproven: true)
        #expect(try registry.directory.manifest("cards", version: 1).isUnproven)
        #expect(try registry.directory.admit("cards", version: 1).bundle.isUnproven)
    }

    @Test func foreignEntriesArePassedOver() throws {
        try registry.push("cards")
        for name in ["cards/007", "cards/0", "cards/x", "cards/4294967296", "Not A Bundle", ".hidden"] {
            try File.createDirectory("\(registry.path)/\(name)")
        }
        try registry.overwrite("README", "hello")
        #expect(try registry.directory.versions(of: "cards") == [1])
        #expect(try registry.directory.bundleNames() == ["cards"])
        #expect(try registry.push("cards", salt: 1) == 2)
    }

    @Test func leftoversOfDeadPushesAreIgnoredAndRemovedAfterAnHour() throws {
        try registry.push("cards")
        try File.createDirectory("\(registry.path)/cards/.push-dead00")
        try registry.overwrite("cards/.push-dead00/bundle.assay", "half a bundle")
        try registry.overwrite("cards/aliases.json.77.1.tmp", "half a file")
        // The files carry the machine's time; the registry's clock is set beside it.
        registry.clock.set(Clock.wallNanoseconds() + 3_500_000_000_000)
        #expect(try registry.push("cards", salt: 1) == 2)
        #expect(try registry.names("cards").contains(".push-dead00"))
        #expect(try registry.directory.list()[0].versions.count == 2)
        registry.clock.advance(seconds: 200)
        #expect(try registry.push("cards", salt: 2) == 3)
        #expect(try registry.names("cards") == [".lock", "1", "2", "3", "aliases.json"])
    }

    @Test func aVersionPutInPlaceBehindTheLockIsNotOverwritten() throws {
        try registry.push("cards")
        try File.createDirectory("\(registry.path)/cards/2")
        try registry.overwrite("cards/2/note", "mine")
        #expect(try registry.push("cards", salt: 1) == 3)
        #expect(try registry.text("cards/2/note") == "mine")
    }

    @Test func pushesFromManyThreadsGetDifferentVersions() throws {
        let threads = 4, each = 8
        let files = try (0..<threads).map { try registry.file("cards", salt: $0) }
        let versions = Collected<UInt32>()
        let start = StartBarrier(threads)
        let workers = (0..<threads).map { thread in
            WorkerThread(name: "push") { [registry] in
                // A directory object of its own, as another process would have.
                guard let directory = try? RegistryDirectory(path: registry.path) else { return }
                start.arriveAndWait()
                for _ in 0..<each {
                    guard let version = try? directory.push(file: files[thread], alias: "champion", who: "t", why: "race") else {
                        continue
                    }
                    versions.append(version)
                }
            }
        }
        for worker in workers { worker.join() }
        #expect(versions.all.sorted() == Array(1...UInt32(threads * each)))
        #expect(try registry.directory.versions(of: "cards").count == threads * each)
        let history = try registry.directory.history("cards")
        #expect(history.map(\.to) == Array(1...UInt32(threads * each)))
        for version in versions.all { _ = try registry.directory.admit("cards", version: version) }
    }

    @Test func listShowsWhatIsAdmittedAndWhyTheRestIsRefused() throws {
        for salt in 0..<3 { try registry.push("cards", salt: salt) }
        try registry.push("coins")
        try registry.move("cards", to: 2)
        try registry.move("cards", "challenger", to: 3)
        try registry.overwrite("cards/3/bundle.assay", "nothing of worth")
        try registry.overwrite("coins/aliases.json", "{")
        let list = try registry.directory.list()
        #expect(list.map(\.name) == ["cards", "coins"])
        #expect(list[0].versions.map(\.version) == [3, 2, 1])
        #expect(list[0].versions.map(\.aliases) == [["challenger"], ["champion"], []])
        #expect(list[0].versions[0].refused?.description.contains("cards/3/bundle.assay is refused") == true)
        #expect(list[0].versions[1].refused == nil && list[0].versions[1].manifest?.version == 2)
        #expect(list[0].error == nil)
        #expect(list[1].error?.description.contains("coins/aliases.json is damaged") == true)
        #expect(list[1].versions.map(\.version) == [1])
    }

    @Test func aRegistryThatIsNotThereIsNotMadeUnasked() {
        #expect(
            thrown { () throws(RegistryError) in _ = try RegistryDirectory(path: "\(registry.path)/none") }?.contains(
                "not a directory") == true)
        #expect(!File.exists("\(registry.path)/none"))
    }
}
