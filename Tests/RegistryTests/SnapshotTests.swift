import ModelBundle
import Platform
import Testing

@testable import Registry

@Suite struct SnapshotTests {
    /// A bundle and its manifest without a registry.
    func published(_ name: String, _ version: UInt32) throws -> PublishedBundle {
        let bundle = try Bundle.admit(bytes: TestBundle.bytes(name, salt: Int(version)))
        return PublishedBundle(
            bundle: bundle,
            manifest: VersionManifest(
                bundle: name, version: version, digest: bundle.digest, byteCount: bundle.byteCount, who: "a",
                when: Timestamp(unixMicroseconds: 0), why: "b", isUnproven: version % 2 == 0, sourceFile: "c"))
    }

    @Test func versionsAreFoundByAliasAndByNumber() throws {
        let snapshot = RegistrySnapshot(
            entries: [
                try published("cards", 3), try published("bitcoin", 1), try published("cards", 7), try published("cards", 5),
            ],
            aliases: ["cards": ["champion": 5, "challenger": 7], "bitcoin": ["champion": 1]], generation: 1)
        #expect(snapshot.entries.map(\.name) == ["bitcoin", "cards", "cards", "cards"])
        #expect(snapshot.entries.map(\.version) == [1, 7, 5, 3])
        #expect(snapshot.find("cards") == .found(index: 2))
        #expect(snapshot.find("cards", alias: "champion") == .found(index: 2))
        #expect(snapshot.find("cards", alias: "challenger") == .found(index: 1))
        #expect(snapshot.find("cards", version: 3) == .found(index: 3))
        #expect(snapshot.find("cards", alias: "challenger", version: 5) == .found(index: 2))
        #expect(snapshot.find("bitcoin") == .found(index: 0))
    }

    @Test func whatIsNotThereIsSaidPrecisely() throws {
        let snapshot = RegistrySnapshot(
            entries: [try published("cards", 3)], aliases: ["cards": ["challenger": 3]], generation: 1)
        #expect(snapshot.find("card") == .unknownBundle)
        #expect(snapshot.find("cardss") == .unknownBundle)
        #expect(snapshot.find("") == .unknownBundle)
        #expect(snapshot.find(String(repeating: "c", count: 65)) == .unknownBundle)
        #expect(snapshot.find(String(repeating: "c", count: 100_000)) == .unknownBundle)
        #expect(snapshot.find("cards") == .unknownAlias)
        #expect(snapshot.find("cards", alias: "challenge") == .unknownAlias)
        #expect(snapshot.find("cards", alias: String(repeating: "c", count: 100_000)) == .unknownAlias)
        for version: UInt32 in [1, 2, 4, .max] { #expect(snapshot.find("cards", version: version) == .unknownVersion) }
        #expect(RegistrySnapshot.empty.find("cards") == .unknownBundle)
    }

    @Test func manyNamesOfEveryLengthAreFound() throws {
        // 64 lengths, and for each names that differ in one byte only, at the begin, in the middle and at the end.
        var names: Set<String> = []
        for count in 1...64 {
            for position in [0, count / 2, count - 1] {
                var bytes = [UInt8](repeating: UInt8(ascii: "n"), count: count)
                bytes[position] = UInt8(ascii: "x")
                names.insert(String(decoding: bytes, as: UTF8.self))
            }
        }
        let prototype = try Bundle.admit(bytes: TestBundle.bytes("any"))
        let entries = names.map { name in
            PublishedBundle(
                bundle: prototype,
                manifest: VersionManifest(
                    bundle: name, version: 1, digest: prototype.digest, byteCount: 1, who: "",
                    when: Timestamp(unixMicroseconds: 0), why: "",
                    isUnproven: false, sourceFile: ""))
        }
        let aliases = Dictionary(uniqueKeysWithValues: names.map { ($0, ["champion": UInt32(1)]) })
        let snapshot = RegistrySnapshot(entries: entries, aliases: aliases, generation: 1)
        for name in names {
            guard case .found(let index) = snapshot.find(name) else {
                Issue.record("\(name) is not found")
                continue
            }
            #expect(snapshot.entries[index].name == name)
            #expect(snapshot.find(name + "y") == .unknownBundle)
        }
    }

    @Test func theHotViewSaysTheSameAsTheEntry() throws {
        let snapshot = RegistrySnapshot(
            entries: [try published("cards", 3), try published("cards", 4)], aliases: [:], generation: 1)
        for (index, entry) in snapshot.entries.enumerated() {
            let served = snapshot.served(index)
            #expect(Array(served.name) == entry.nameBytes && Array(served.name) == Array("cards".utf8))
            #expect(Array(served.digest) == entry.bundle.digest.bytes)
            #expect(served.version == entry.version && served.isUnproven == (entry.version == 4))
            #expect(served.bundle.takeUnretainedValue() === entry.bundle)
        }
    }
}
