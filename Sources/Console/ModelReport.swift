import Platform

/// One version of one bundle, as `/models` shows it.
public struct ModelReport: Sendable, Equatable {
    public var bundle: String
    public var version: UInt32
    /// SHA-256 of the bundle file in hex; empty when the bundle was refused before it could be read.
    public var digest: String
    /// Aliases that name this version now.
    public var aliases: [String]
    /// Registered without golden rows.
    public var isUnproven: Bool
    /// Why the version was refused; nil: it is admitted.
    public var refusal: String?
    public var featureCount: Int
    public var outputCount: Int
    public var treeCount: Int
    public var byteCount: Int
    public var objective: String
    /// Who pushed it, and when (Unix nanoseconds); empty and 0 when not known.
    public var pushedBy: String
    public var pushedAtNanoseconds: Int64

    public init(
        bundle: String, version: UInt32, digest: String = "", aliases: [String] = [], isUnproven: Bool = false,
        refusal: String? = nil, featureCount: Int = 0, outputCount: Int = 0, treeCount: Int = 0, byteCount: Int = 0,
        objective: String = "", pushedBy: String = "", pushedAtNanoseconds: Int64 = 0
    ) {
        self.bundle = bundle
        self.version = version
        self.digest = digest
        self.aliases = aliases
        self.isUnproven = isUnproven
        self.refusal = refusal
        self.featureCount = featureCount
        self.outputCount = outputCount
        self.treeCount = treeCount
        self.byteCount = byteCount
        self.objective = objective
        self.pushedBy = pushedBy
        self.pushedAtNanoseconds = pushedAtNanoseconds
    }

    var json: JSON {
        JSON.object([
            "bundle": .string(bundle),
            "version": JSON(version),
            "digest": .string(digest),
            "aliases": .array(aliases.sorted().map { .string($0) }),
            "unproven": .bool(isUnproven),
            "refused": refusal.map { .string($0) } ?? .null,
            "features": JSON(featureCount),
            "outputs": JSON(outputCount),
            "trees": JSON(treeCount),
            "bytes": JSON(byteCount),
            "objective": .string(objective),
            "pushed_by": .string(pushedBy),
            "pushed_at_ns": JSON(pushedAtNanoseconds),
        ])
    }
}
