import Glibc
import ModelBundle
import Platform

/// Turns a file into an admitted bundle; `Bundle.admit(file:)` outside tests.
public typealias BundleLoader = @Sendable (String) throws(BundleError) -> Bundle

/// The registry on disk: `NAME/VERSION/{bundle.assay,manifest.json}` and `NAME/aliases.json` (docs/REGISTRY.md has the formats).
///
/// Any number of processes and threads may read and write one directory. Writers of one name exclude each other by a lock; readers need
/// none, for whatever they see was renamed into its place whole. Nothing is remembered between calls.
public final class RegistryDirectory: Sendable {
    public let path: String
    let loader: BundleLoader
    private let wallNanoseconds: @Sendable () -> Int64

    /// Opens the registry at `path`; throws `notADirectory` when there is none and it is not to be created.
    /// - Parameters:
    ///   - loader: how a file becomes an admitted bundle.
    ///   - wallNanoseconds: Unix time for manifests and histories.
    public init(
        path: String, createIfMissing: Bool = false,
        loader: @escaping BundleLoader = { path throws(BundleError) in try Bundle.admit(file: path) },
        wallNanoseconds: @escaping @Sendable () -> Int64 = { Clock.wallNanoseconds() }
    ) throws(RegistryError) {
        self.path = path
        self.loader = loader
        self.wallNanoseconds = wallNanoseconds
        if createIfMissing { try system { () throws(SystemError) in try File.createDirectory(path) } }
        guard File.isDirectory(path) else { throw .notADirectory(path: path) }
    }

    /// Names of the bundles that have a directory, sorted; at most `RegistryLimits.bundleNameCountMax`.
    public func bundleNames() throws(RegistryError) -> [String] {
        let names = try system { () throws(SystemError) in try File.list(path) }
        let valid = names.lazy.filter { RegistryName.isValid($0) && File.isDirectory("\(self.path)/\($0)") }
        return Array(valid.prefix(RegistryLimits.bundleNameCountMax))
    }

    /// Versions of a bundle on disk, the newest first; whatever is not named like a version is passed over.
    public func versions(of name: String) throws(RegistryError) -> [UInt32] {
        try RegistryName.checkBundle(name)
        let directory = self.directory(of: name)
        guard File.isDirectory(directory) else { throw .unknownBundle(name) }
        let names = try system { () throws(SystemError) in try File.list(directory) }
        return names.compactMap(RegistryName.version(ofDirectory:)).sorted(by: >)
    }

    /// Which version each alias of a bundle names.
    public func aliases(of name: String) throws(RegistryError) -> [String: UInt32] {
        try record(of: name).aliases
    }

    /// What was written down when the version was pushed.
    public func manifest(_ name: String, version: UInt32) throws(RegistryError) -> VersionManifest {
        try RegistryName.checkBundle(name)
        return try VersionManifest.read(manifestPath(name, version), bundle: name, version: version)
    }

    /// Admits a version and compares it with its manifest; throws whatever speaks against serving it.
    public func admit(_ name: String, version: UInt32) throws(RegistryError) -> PublishedBundle {
        let manifest = try manifest(name, version: version)
        let path = bundlePath(name, version)
        let bundle: Bundle
        do { bundle = try loader(path) } catch { throw .refused(path: path, error) }
        try check(bundle, against: manifest, path: path)
        return PublishedBundle(bundle: bundle, manifest: manifest)
    }

    private func check(_ bundle: Bundle, against manifest: VersionManifest, path: String) throws(RegistryError) {
        guard bundle.byteCount == manifest.byteCount else {
            throw .byteCountDiffers(path: path, expected: manifest.byteCount, found: bundle.byteCount)
        }
        guard bundle.digest == manifest.digest else {
            throw .digestDiffers(path: path, expected: manifest.digest, found: bundle.digest)
        }
        guard bundle.name == manifest.bundle else {
            throw .nameDiffers(path: path, expected: manifest.bundle, found: bundle.name)
        }
        guard !bundle.isUnproven || manifest.isUnproven else { throw .unproven(path: path) }
    }
}

// Where things are, and how they are read and written; for the other parts of the registry.
extension RegistryDirectory {
    func directory(of name: String) -> String { "\(path)/\(name)" }
    func directory(of name: String, _ version: UInt32) -> String { "\(path)/\(name)/\(version)" }
    func bundlePath(_ name: String, _ version: UInt32) -> String { "\(path)/\(name)/\(version)/bundle.assay" }
    func manifestPath(_ name: String, _ version: UInt32) -> String { "\(path)/\(name)/\(version)/manifest.json" }
    func aliasesPath(_ name: String) -> String { "\(path)/\(name)/aliases.json" }

    func archivePath(_ name: String, firstMove: UInt64) -> String { "\(path)/\(name)/moves-\(firstMove).json" }

    func now() -> Timestamp { Timestamp(unixMicroseconds: wallNanoseconds() / 1000) }

    /// Runs file operations; their errors become errors of the registry.
    func system<Value>(_ body: () throws(SystemError) -> Value) throws(RegistryError) -> Value {
        do { return try body() } catch { throw .system(error) }
    }

    /// Aliases and recent moves; an empty record when nothing was written yet.
    func record(of name: String) throws(RegistryError) -> AliasRecord {
        try RegistryName.checkBundle(name)
        guard File.isDirectory(directory(of: name)) else { throw .unknownBundle(name) }
        return try AliasRecord.read(aliasesPath(name), bundle: name) ?? AliasRecord()
    }

    /// Replaces aliases.json as a whole; what became too long goes to an archive first. A crash between the two leaves an archive that
    /// repeats moves of aliases.json, and nobody reads an archive that aliases.json does not lack.
    func write(_ record: AliasRecord, of name: String) throws(RegistryError) {
        var record = record
        let archive = record.splitOffArchive()
        if let archive {
            let path = archivePath(name, firstMove: archive.firstMove)
            try system { () throws(SystemError) in
                try File.writeAtomically(archive.json(bundle: name).serializedBytes(pretty: true), to: path)
            }
        }
        try system { () throws(SystemError) in
            try File.writeAtomically(record.json(bundle: name).serializedBytes(pretty: true), to: aliasesPath(name))
        }
    }

    /// Runs `body` while nobody else can change `name`.
    func withLock<Value>(_ name: String, _ body: () throws(RegistryError) -> Value) throws(RegistryError) -> Value {
        let lock = try DirectoryLock.take("\(directory(of: name))/.lock")
        do throws(RegistryError) {
            let value = try body()
            lock.release()
            return value
        } catch {
            lock.release()
            throw error
        }
    }
}
