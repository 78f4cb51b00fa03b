import ModelBundle
import Platform
import Registry
import Synchronization

/// Finds the bundles that records name, by digest, and keeps what it found.
public final class BundleShelf: Sendable {
    private let registry: RegistryDirectory
    private let found = Mutex<[SHA256Digest: Result<Bundle, Absence>]>([:])

    /// Why there is no bundle.
    enum Absence: Error {
        case missing
        /// The registry has the version and it can't be admitted any more.
        case refused(RegistryError)
    }

    public init(registry path: String) throws(ReplayError) {
        do { registry = try RegistryDirectory(path: path) } catch { throw .registry(error) }
    }

    /// The bundle of this digest; looked for under `name` first, then in the whole registry, whichever aliases point where.
    func bundle(_ digest: SHA256Digest, name: String) -> Result<Bundle, Absence> {
        // One thread looks while the others wait for what they would look for, too.
        found.withLock { found in
            if let known = found[digest] { return known }
            let result = find(digest, name)
            found[digest] = result
            return result
        }
    }

    private func find(_ digest: SHA256Digest, _ name: String) -> Result<Bundle, Absence> {
        let names = [name] + ((try? registry.bundleNames()) ?? []).filter { $0 != name }
        for name in names {
            for version in (try? registry.versions(of: name)) ?? [] {
                guard let manifest = try? registry.manifest(name, version: version), manifest.digest == digest else { continue }
                do { return .success(try registry.admit(name, version: version).bundle) } catch {
                    return .failure(.refused(error))
                }
            }
        }
        return .failure(.missing)
    }
}

extension BundleShelf.Absence {
    var text: String {
        switch self {
        case .missing: "not in the registry"
        case .refused(let error): "refused: \(error)"
        }
    }
}

/// A bundle that was wanted and could not be had.
public struct AbsentBundle: Sendable {
    public let name: String
    public let version: UInt32
    public let digest: SHA256Digest
    public let why: String
    public internal(set) var recordCount: Int
}
