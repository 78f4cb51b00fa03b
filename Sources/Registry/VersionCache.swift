import ModelBundle
import Platform

/// A version of a bundle.
struct VersionKey: Hashable, Sendable {
    let name: String
    let version: UInt32
}

/// The versions that a server holds, and those it has refused, with the state of the files that this was decided on. A version that is held
/// is never admitted again: versions don't change, so all that a change of its files can mean is damage.
struct VersionCache: Sendable {
    struct Found {
        /// nil: nothing to serve.
        let published: PublishedBundle?
        /// What is wrong with the files; a version held from better days comes along with it.
        let problem: RegistryError?
    }

    private struct Files: Equatable {
        let bundle: FileIdentity?
        let manifest: FileIdentity?

        /// Files that changed a moment ago may change again within one tick of the file system's clock, and look the same.
        func areSettled(at time: Timestamp) -> Bool {
            let latest = max(bundle?.changed ?? 0, manifest?.changed ?? 0)
            return latest / 1000 < time.unixMicroseconds - 1_000_000
        }
    }

    private struct Held {
        let published: PublishedBundle
        var files: Files
        var problem: RegistryError?
    }

    private struct Refusal {
        let files: Files
        let reason: RegistryError
    }

    private struct Record {
        let file: FileIdentity?
        let value: AliasRecord
    }

    let directory: RegistryDirectory
    private let limits: RegistryLimits
    private var held: [VersionKey: Held] = [:]
    private var refusals: [VersionKey: Refusal] = [:]
    private var records: [String: Record] = [:]
    /// What the present scan has asked for, for the limits.
    private var usedKeys: Set<VersionKey> = []
    private var usedByteCount = 0

    init(directory: RegistryDirectory, limits: RegistryLimits) {
        self.directory = directory
        self.limits = limits
    }

    mutating func beginScan() {
        usedKeys = []
        usedByteCount = 0
    }

    /// Lets go of what the scan did not want.
    mutating func endScan(keeping keys: some Collection<VersionKey>) {
        let kept = Set(keys)
        held = held.filter { kept.contains($0.key) }
        refusals = refusals.filter { usedKeys.contains($0.key) }
        records = records.filter { $0.value.file != nil }
    }

    /// The version, if it can be served. Admits it when that was not tried on these very files before.
    mutating func obtain(_ key: VersionKey, ignoringLimits: Bool = false) -> Found {
        let files = files(of: key)
        if let have = held[key] {
            use(key, have.published.bundle.byteCount)
            guard have.files != files else { return Found(published: have.published, problem: have.problem) }
            let problem = problem(of: have.published)
            held[key] = Held(published: have.published, files: files, problem: problem)
            return Found(published: have.published, problem: problem)
        }
        if let refusal = refusals[key], refusal.files == files {
            usedKeys.insert(key)
            return Found(published: nil, problem: refusal.reason)
        }
        if !ignoringLimits, let limit = heldLimit(key, byteCount: files.bundle?.byteCount ?? 0) {
            return Found(published: nil, problem: limit)
        }
        return admit(key, files)
    }

    /// Aliases and recent moves of a bundle, read again only when the file is another one.
    mutating func record(of name: String) throws(RegistryError) -> AliasRecord {
        let file = FileIdentity(directory.aliasesPath(name))
        if let known = records[name], known.file == file { return known.value }
        records[name] = nil
        let value = try directory.record(of: name)
        let isSettled = file.map { $0.changed / 1000 < directory.now().unixMicroseconds - 1_000_000 } ?? false
        if isSettled { records[name] = Record(file: file, value: value) }
        return value
    }

    private mutating func admit(_ key: VersionKey, _ files: Files) -> Found {
        do throws(RegistryError) {
            let shared = try sharing(key)
            let published = if let shared { shared } else { try directory.admit(key.name, version: key.version) }
            held[key] = Held(published: published, files: files, problem: nil)
            refusals[key] = nil
            use(key, published.bundle.byteCount)
            return Found(published: published, problem: nil)
        } catch {
            usedKeys.insert(key)
            let isSettled = files.areSettled(at: directory.now())
            refusals[key] = isSettled ? Refusal(files: files, reason: error) : nil
            return Found(published: nil, problem: error)
        }
    }

    /// The same file pushed again under the name shares the bundle in memory. Its bytes are hashed, they need no other admission.
    private func sharing(_ key: VersionKey) throws(RegistryError) -> PublishedBundle? {
        let manifest = try directory.manifest(key.name, version: key.version)
        let twin = held.first { $0.key.name == key.name && $0.value.published.manifest.digest == manifest.digest }
        guard let twin = twin?.value.published, manifest.isUnproven || !twin.manifest.isUnproven else { return nil }
        let published = PublishedBundle(bundle: twin.bundle, manifest: manifest)
        return problem(of: published) == nil ? published : nil
    }

    /// What is wrong with the files of a version that was good once.
    private func problem(of published: PublishedBundle) -> RegistryError? {
        let name = published.name
        let path = directory.bundlePath(name, published.version)
        do throws(RegistryError) {
            guard let file = FileIdentity(path) else { throw .vanished(path: path) }
            let expected = published.bundle.byteCount
            guard file.byteCount == Int64(expected) else {
                throw .byteCountDiffers(path: path, expected: expected, found: Int(file.byteCount))
            }
            let bytes = try directory.system { () throws(SystemError) in try File.read(path, byteCountMax: expected) }
            let digest = SHA256Hasher.hash(bytes)
            guard digest == published.bundle.digest else {
                throw .digestDiffers(path: path, expected: published.bundle.digest, found: digest)
            }
            guard try directory.manifest(name, version: published.version) == published.manifest else {
                throw .damaged(path: directory.manifestPath(name, published.version), .changed)
            }
            return nil
        } catch { return error }
    }

    private func files(of key: VersionKey) -> Files {
        Files(
            bundle: FileIdentity(directory.bundlePath(key.name, key.version)),
            manifest: FileIdentity(directory.manifestPath(key.name, key.version)))
    }

    private mutating func use(_ key: VersionKey, _ byteCount: Int) {
        if usedKeys.insert(key).inserted { usedByteCount += byteCount }
    }

    private func heldLimit(_ key: VersionKey, byteCount: Int64) -> RegistryError? {
        guard usedKeys.count >= limits.heldBundleCountMax || usedByteCount + Int(byteCount) > limits.heldByteCountMax else {
            return nil
        }
        return .heldLimit(bundleCount: usedKeys.count, byteCount: usedByteCount)
    }
}
