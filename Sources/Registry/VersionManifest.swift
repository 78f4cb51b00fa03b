import Platform

/// What the registry knows of one version: written once, with the version, and never changed (NAME/VERSION/manifest.json).
public struct VersionManifest: Sendable, Equatable {
    public let bundle: String
    public let version: UInt32
    /// SHA-256 of the bundle file.
    public let digest: SHA256Digest
    /// Length of the bundle file.
    public let byteCount: Int
    public let who: String
    public let when: Timestamp
    public let why: String
    /// The bundle has no golden rows and was pushed nevertheless.
    public let isUnproven: Bool
    /// Name of the file that was pushed, without its directory.
    public let sourceFile: String

    public init(
        bundle: String, version: UInt32, digest: SHA256Digest, byteCount: Int, who: String, when: Timestamp, why: String,
        isUnproven: Bool, sourceFile: String
    ) {
        self.bundle = bundle
        self.version = version
        self.digest = digest
        self.byteCount = byteCount
        self.who = who
        self.when = when
        self.why = why
        self.isUnproven = isUnproven
        self.sourceFile = sourceFile
    }
}

extension VersionManifest {
    var json: JSON {
        JSON.object([
            "format": 1,
            "bundle": .string(bundle),
            "version": JSON(version),
            "digest": .string(digest.hex),
            "bytes": JSON(byteCount),
            "who": .string(who),
            "when": .string(when.description),
            "why": .string(why),
            "unproven": .bool(isUnproven),
            "source_file": .string(sourceFile),
        ])
    }

    /// Reads the manifest of `version` of `bundle` from the file at `path`.
    static func read(_ path: String, bundle: String, version: UInt32) throws(RegistryError) -> VersionManifest {
        let fields = try MetadataFile.read(path)
        guard try fields.string("bundle") == bundle, try fields.unsigned("version") == UInt64(version) else {
            throw .damaged(path: path, .belongsElsewhere)
        }
        guard let digest = SHA256Digest(hex: try fields.string("digest")) else { throw fields.damage("digest") }
        guard let byteCount = Int(exactly: try fields.unsigned("bytes")) else { throw fields.damage("bytes") }
        return VersionManifest(
            bundle: bundle, version: version, digest: digest, byteCount: byteCount, who: try fields.string("who"),
            when: try fields.timestamp("when"), why: try fields.string("why"), isUnproven: try fields.bool("unproven"),
            sourceFile: try fields.string("source_file"))
    }
}
