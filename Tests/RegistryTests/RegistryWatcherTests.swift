import Logging
import Platform
import Synchronization
import Testing

@testable import Registry

/// Takes a watcher's publications and lets a test wait for one.
private final class Publications: Sendable {
    private let all = Mutex<[RegistryPublication]>([])
    private let signal: EventSignal
    init() throws { signal = try EventSignal() }

    func take(_ publication: RegistryPublication) {
        all.withLock { $0.append(publication) }
        signal.signal()
    }

    /// Waits until some publication satisfies `condition`. The limit is only for a test that fails.
    func wait(_ condition: (RegistryPublication) -> Bool) -> RegistryPublication? {
        let deadline = Clock.monotonicNanoseconds() + 180_000_000_000
        while Clock.monotonicNanoseconds() < deadline {
            if let found = all.withLock({ $0.first(where: condition) }) { return found }
            signal.wait(milliseconds: 100)
        }
        return nil
    }

    var count: Int { all.withLock { $0.count } }
}

@Suite struct RegistryWatcherTests {
    let registry: TestRegistry
    private let publications: Publications
    let publisher = SnapshotPublisher(readerCount: 1)

    init() throws {
        registry = try TestRegistry()
        publications = try Publications()
    }

    /// The poll is set far away, so that what a test sees came by inotify or by a call.
    func watcher(pollSeconds: Int = 3600) throws -> RegistryWatcher {
        try RegistryWatcher(
            directory: registry.directory, publisher: publisher, pollSeconds: pollSeconds, logger: silentLogger,
            onPublish: { [publications] in publications.take($0) })
    }

    /// Runs `body` with a watcher that is ended afterwards, whatever happens.
    func watching(pollSeconds: Int = 3600, _ body: (RegistryWatcher) throws -> Void) throws {
        let watcher = try watcher(pollSeconds: pollSeconds)
        watcher.start()
        defer { watcher.stop() }
        try body(watcher)
    }

    @Test func startPublishesWhatIsThere() throws {
        try registry.push("cards", alias: "champion")
        try watching { _ in
            #expect(publisher.current.version("cards") == 1)
            #expect(publisher.current.generation == 1)
        }
    }

    @Test func aPushByAnotherProcessIsSeenAndPublished() throws {
        try watching { _ in
            let other = try RegistryDirectory(path: registry.path)
            try other.push(file: registry.file("cards", salt: 1), alias: "champion", who: "a", why: "b")
            let first = publications.wait {
                $0.swaps == [AliasSwap(bundle: "cards", alias: "champion", previousVersion: 0, version: 1)]
            }
            #expect(first != nil)
            try other.push(file: registry.file("cards", salt: 2), alias: "champion", who: "a", why: "b")
            let second = publications.wait {
                $0.swaps == [AliasSwap(bundle: "cards", alias: "champion", previousVersion: 1, version: 2)]
            }
            #expect(second?.snapshot.version("cards") == 2)
            #expect(second?.snapshot.version("cards", version: 1) == 1)
            try other.rollback("cards", who: "a", why: "b")
            #expect(publications.wait { $0.swaps.first?.previousVersion == 2 }?.snapshot.version("cards") == 1)
        }
    }

    @Test func aCorruptedBundleCopiedByHandIsRefusedAndTheOldOneServed() throws {
        try registry.push("cards", salt: 1, alias: "champion")
        try watching { _ in
            try File.createDirectory("\(registry.path)/cards/2")
            try registry.overwrite("cards/2/bundle.assay", "this is no bundle")
            let manifest = try registry.text("cards/1/manifest.json")
            try registry.overwrite("cards/2/manifest.json", manifest.replacingOnce("\"version\": 1", "\"version\": 2"))
            let seen = publications.wait { publication in
                publication.snapshot.problems.contains { problem in
                    guard case .refused = problem.reason else { return false }
                    return problem.bundle == "cards" && problem.version == 2
                }
            }
            #expect(seen?.snapshot.version("cards") == 1)
            #expect(seen?.snapshot.find("cards", version: 2) == .unknownVersion)
        }
    }

    @Test func theChampionDamagedInPlaceIsReportedAndStillServed() throws {
        try registry.push("cards", salt: 1, alias: "champion")
        try watching { _ in
            let bundle = publisher.current.entries[0].bundle
            try registry.overwrite("cards/1/bundle.assay", "this is no bundle")
            let seen = publications.wait { $0.snapshot.problems.count == 1 }
            #expect(seen?.snapshot.entries.first?.bundle === bundle)
            #expect(seen?.swaps == [])
        }
    }

    @Test func theSlowPollSeesChangesWithoutEvents() throws {
        try registry.push("cards", salt: 1, alias: "champion")
        // The link's target lies outside the registry, where nobody watches.
        let outside = "\(File.directory(of: registry.path))/outside.assay"
        try File.writeAtomically(TestBundle.bytes("cards", salt: 1), to: outside)
        try File.remove("\(registry.path)/cards/1/bundle.assay")
        #expect(symbolicLink(outside, "\(registry.path)/cards/1/bundle.assay"))
        try watching(pollSeconds: 1) { _ in
            try File.writeAtomically(Array("damaged".utf8), to: outside)
            #expect(publications.wait { $0.snapshot.problems.first?.description.contains("7 bytes") == true } != nil)
        }
    }

    @Test func controlOperationsReturnAfterTheyArePublished() throws {
        for salt in 1...3 { try registry.push("cards", salt: salt) }
        try watching { watcher in
            for version: UInt32 in [1, 2, 3] {
                let change = try watcher.setAlias("cards", alias: "champion", version: version, who: "a", why: "b")
                #expect(change == AliasChange(previousVersion: version - 1, version: version))
                #expect(publisher.current.version("cards") == version)
            }
            #expect(
                try watcher.rollback("cards", alias: "champion", who: "a", why: "b")
                    == AliasChange(previousVersion: 3, version: 2))
            #expect(publisher.current.version("cards") == 2)
            let generation = publisher.current.generation
            #expect(
                thrown { () throws(RegistryError) in
                    _ = try watcher.setAlias("cards", alias: "champion", version: 9, who: "a", why: "b")
                } == "bundle cards has no version 9")
            #expect(publisher.current.generation == generation)
        }
    }

    @Test func controlOperationsAdmitNothingThatIsHeld() throws {
        for salt in 1...2 { try registry.push("cards", salt: salt) }
        try watching { watcher in
            let admissions = registry.admissions.total
            for round in 0..<10 {
                _ = try watcher.setAlias("cards", alias: "champion", version: UInt32(1 + round % 2), who: "a", why: "b")
            }
            #expect(registry.admissions.total == admissions)
        }
    }

    @Test func nothingIsPublishedWhenNothingChanged() throws {
        try registry.push("cards", alias: "champion")
        let watcher = try watcher()
        #expect(watcher.refreshNow())
        for _ in 0..<3 { #expect(!watcher.refreshNow()) }
        #expect(publications.count == 1 && publisher.current.generation == 1)
    }

    @Test func aStoppedWatcherLeavesItsSnapshotServed() throws {
        try registry.push("cards", alias: "champion")
        let watcher = try watcher()
        watcher.start()
        watcher.stop()
        #expect(publisher.current.version("cards") == 1)
    }
}
