import ModelBundle
import Platform

/// Reads the registry and works out what to serve; remembers what it has admitted, so that nothing is admitted twice.
///
/// The rules (docs/REGISTRY.md, "What a server serves"): a version that an alias names comes first; what is being served goes on being
/// served whatever happens to its files; a version that is refused never takes the place of one that was good.
struct SnapshotBuilder: Sendable {
    let limits: RegistryLimits
    private(set) var cache: VersionCache
    /// Served version by bundle and alias.
    private var served: [String: [String: UInt32]] = [:]
    private var last = RegistryScan()

    init(directory: RegistryDirectory, limits: RegistryLimits) {
        self.limits = limits
        cache = VersionCache(directory: directory, limits: limits)
    }

    private var directory: RegistryDirectory { cache.directory }

    /// Reads everything once. Never fails: what can't be read or admitted is a problem in the result, and what was served stays.
    /// - Parameter willRead: called with each directory before it is read, so that a watch on it misses nothing.
    mutating func scan(willRead: (String) -> Void) -> RegistryScan {
        willRead(directory.path)
        let onDisk: [String]
        do throws(RegistryError) { onDisk = try directory.bundleNames() } catch {
            // The whole directory is out of reach: all stays as it is.
            last.problems = [RegistryProblem(reason: error)]
            return last
        }
        var scan = RegistryScan()
        cache.beginScan()
        let names = Set(onDisk).union(served.keys).sorted()
        for name in names {
            willRead(directory.directory(of: name))
            resolveAliases(of: name, &scan, willRead)
        }
        for name in names { holdOtherVersions(of: name, &scan, willRead) }
        cache.endScan(keeping: scan.entries.keys)
        served = scan.aliases
        last = scan
        return scan
    }

    /// Throws what speaks against serving the version; a good one is held from here, so that the next scan has it at hand.
    mutating func verify(_ name: String, version: UInt32) throws(RegistryError) {
        let found = cache.obtain(VersionKey(name: name, version: version), ignoringLimits: true)
        if let problem = found.problem { throw problem }
    }

    /// Decides for each alias of `name` which version it serves.
    private mutating func resolveAliases(of name: String, _ scan: inout RegistryScan, _ willRead: (String) -> Void) {
        let before = served[name] ?? [:]
        var record: AliasRecord?
        do throws(RegistryError) { record = try cache.record(of: name) } catch {
            scan.problems.append(RegistryProblem(bundle: name, reason: error))
        }
        // Without a readable record the aliases stand where they stood.
        let wanted = record?.aliases ?? before
        for (alias, version) in wanted.sorted(by: { $0.key < $1.key }) {
            willRead(directory.directory(of: name, version))
            let key = VersionKey(name: name, version: version)
            let found = cache.obtain(key)
            let published = found.published ?? substitute(for: key, alias: alias, before: before[alias], record)
            if let problem = found.problem {
                scan.problems.append(
                    RegistryProblem(
                        bundle: name, version: version, alias: alias, reason: problem, servedVersion: published?.version ?? 0))
            }
            if let published { scan.serve(published, as: alias) }
        }
        for (alias, version) in before.sorted(by: { $0.key < $1.key }) where wanted[alias] == nil {
            // The registry has no way to take an alias away, so this is an accident.
            guard let published = cache.obtain(VersionKey(name: name, version: version)).published else { continue }
            scan.serve(published, as: alias)
            let reason = RegistryError.aliasVanished(path: directory.aliasesPath(name), alias: alias)
            scan.problems.append(
                RegistryProblem(bundle: name, version: version, alias: alias, reason: reason, servedVersion: version))
        }
    }

    /// What to serve under an alias whose version is refused: what it served before; at a server's start, the latest good version that a
    /// rollback would lead to (not one that was rolled back itself: somebody found it bad).
    private mutating func substitute(
        for key: VersionKey, alias: String, before: UInt32?, _ record: AliasRecord?
    ) -> PublishedBundle? {
        if let before, let published = cache.obtain(VersionKey(name: key.name, version: before)).published { return published }
        guard let record else { return nil }
        let limit = limits.fallbackCountMax
        guard let candidates = try? directory.standingVersions(key.name, alias: alias, record, limit: limit) else { return nil }
        for version in candidates where version != key.version {
            if let published = cache.obtain(VersionKey(name: key.name, version: version)).published { return published }
        }
        return nil
    }

    /// Holds the newest versions that no alias names, as far as the limits go, for requests that ask for a fixed version.
    private mutating func holdOtherVersions(of name: String, _ scan: inout RegistryScan, _ willRead: (String) -> Void) {
        let versions: [UInt32]
        do throws(RegistryError) { versions = try directory.versions(of: name) } catch {
            if served[name] == nil { scan.problems.append(RegistryProblem(bundle: name, reason: error)) }
            return
        }
        let reported = Set(scan.problems.lazy.filter { $0.bundle == name }.map(\.version))
        let isServed = Set(scan.entries.keys.lazy.filter { $0.name == name }.map(\.version))
        let others = versions.filter { !isServed.contains($0) && !reported.contains($0) }
        for version in others.prefix(limits.unaliasedVersionCountMax) {
            willRead(directory.directory(of: name, version))
            let key = VersionKey(name: name, version: version)
            let found = cache.obtain(key)
            if let published = found.published { scan.entries[key] = published }
            switch found.problem {
            case nil, .heldLimit: continue
            case let problem?: scan.problems.append(RegistryProblem(bundle: name, version: version, reason: problem))
            }
        }
    }
}

/// What one reading of the registry came to.
struct RegistryScan: Sendable {
    var entries: [VersionKey: PublishedBundle] = [:]
    var aliases: [String: [String: UInt32]] = [:]
    var problems: [RegistryProblem] = []

    mutating func serve(_ published: PublishedBundle, as alias: String) {
        entries[VersionKey(name: published.name, version: published.version)] = published
        aliases[published.name, default: [:]][alias] = published.version
    }

    /// True when both would be served and reported alike.
    func isSame(as other: RegistryScan) -> Bool {
        aliases == other.aliases && entries.count == other.entries.count
            && entries.allSatisfy { other.entries[$0.key]?.bundle === $0.value.bundle }
            && problems.map(\.description) == other.problems.map(\.description)
    }

    /// The aliases that name another version than in `other`, sorted.
    func swaps(from other: RegistryScan) -> [AliasSwap] {
        aliases.sorted { $0.key < $1.key }.flatMap { name, aliases in
            aliases.sorted { $0.key < $1.key }.compactMap { alias, version in
                let previous = other.aliases[name]?[alias] ?? 0
                guard previous != version else { return nil }
                return AliasSwap(bundle: name, alias: alias, previousVersion: previous, version: version)
            }
        }
    }
}
