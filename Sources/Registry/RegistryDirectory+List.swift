import ModelBundle
import Platform

/// One bundle as `list` finds it on disk.
public struct ListedBundle: Sendable {
    public let name: String
    /// Alias and version; empty when aliases.json can't be read.
    public let aliases: [String: UInt32]
    /// Why aliases or versions can't be read.
    public let error: RegistryError?
    /// The newest first.
    public let versions: [ListedVersion]
}

/// One version as `list` finds it on disk.
public struct ListedVersion: Sendable {
    public let version: UInt32
    /// The aliases that name it, sorted.
    public let aliases: [String]
    /// nil when the manifest can't be read; `refused` then says why.
    public let manifest: VersionManifest?
    /// Why a server would not serve it; nil when it is admitted.
    public let refused: RegistryError?
}

extension RegistryDirectory {
    /// Everything in the registry with its state. Runs the admission of every version, one after another, so it takes the time that a
    /// server would take to load them all.
    public func list() throws(RegistryError) -> [ListedBundle] {
        try bundleNames().map(listedBundle)
    }

    private func listedBundle(_ name: String) -> ListedBundle {
        var failure: RegistryError?
        var aliases: [String: UInt32] = [:]
        var versions: [UInt32] = []
        do throws(RegistryError) {
            versions = try self.versions(of: name)
            aliases = try self.aliases(of: name)
        } catch { failure = error }
        // An alias can name a version whose directory somebody removed; that belongs into the list, too.
        let all = Set(versions).union(aliases.values).sorted(by: >)
        return ListedBundle(
            name: name, aliases: aliases, error: failure, versions: all.map { listedVersion(name, $0, aliases) })
    }

    private func listedVersion(_ name: String, _ version: UInt32, _ aliases: [String: UInt32]) -> ListedVersion {
        var refused: RegistryError?
        do throws(RegistryError) { _ = try admit(name, version: version) } catch { refused = error }
        let names = aliases.filter { $0.value == version }.keys.sorted()
        return ListedVersion(version: version, aliases: names, manifest: try? manifest(name, version: version), refused: refused)
    }
}
