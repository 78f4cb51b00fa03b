import ModelBundle
import Platform

/// One version of a bundle that was admitted and is being served.
public struct PublishedBundle: Sendable {
    public let bundle: Bundle
    public let manifest: VersionManifest
    public let nameBytes: [UInt8]

    public var name: String { manifest.bundle }
    public var version: UInt32 { manifest.version }

    /// A bundle that was admitted, and its manifest; `RegistryDirectory.admit` checks that they belong together.
    public init(bundle: Bundle, manifest: VersionManifest) {
        self.bundle = bundle
        self.manifest = manifest
        nameBytes = Array(manifest.bundle.utf8)
    }
}

/// Something in the registry that is not served as it is written there.
public struct RegistryProblem: Sendable, CustomStringConvertible {
    /// nil: the registry's directory itself.
    public let bundle: String?
    /// 0: the bundle as a whole, or all its aliases.
    public let version: UInt32
    /// The alias that names the version; nil: the version can be had by its number only.
    public let alias: String?
    public let reason: RegistryError
    /// What is served under `alias` meanwhile; 0: nothing.
    public let servedVersion: UInt32

    init(bundle: String? = nil, version: UInt32 = 0, alias: String? = nil, reason: RegistryError, servedVersion: UInt32 = 0) {
        self.bundle = bundle
        self.version = version
        self.alias = alias
        self.reason = reason
        self.servedVersion = servedVersion
    }

    public var description: String {
        guard let bundle else { return "\(reason)" }
        let subject = [bundle, alias, version == 0 ? nil : "version \(version)"].compactMap { $0 }.joined(separator: " ")
        guard alias != nil else { return "\(subject): \(reason)" }
        return "\(subject): \(reason); " + (servedVersion == 0 ? "the alias is not served" : "version \(servedVersion) is served")
    }
}

/// An alias that a publication made name another version.
public struct AliasSwap: Sendable, Equatable {
    public let bundle: String
    public let alias: String
    /// 0: the alias was not served before.
    public let previousVersion: UInt32
    public let version: UInt32
}
