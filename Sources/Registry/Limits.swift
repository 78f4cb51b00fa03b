/// What the registry takes at most, and why.
public struct RegistryLimits: Sendable {
    /// Bundles held in memory at once, all names together. Small ones come to this limit, large ones to the next.
    public var heldBundleCountMax = 1024
    /// Bytes of bundles held at once. Bundles are mapped from memory files, so they count against the machine's memory.
    public var heldByteCountMax = 8 << 30
    /// Versions of one name held though no alias names them, newest first, so that a request can ask for a fixed version.
    public var unaliasedVersionCountMax = 8
    /// Versions tried when the version that an alias names is refused at the start: a server must not admit a whole history.
    public var fallbackCountMax = 8

    public init() {}

    /// Bytes of a bundle's name or an alias; the wire's limit (proto/assay/v1).
    public static let nameByteCountMax = 64
    /// Bytes of `who`: a user at a host, or a service account.
    public static let whoByteCountMax = 256
    /// Bytes of `why`: a sentence or two and a ticket's address.
    public static let whyByteCountMax = 4096
    /// Aliases of one name. A request's alias is found by a linear search among them.
    public static let aliasCountMax = 64
    /// Moves kept in aliases.json; when there are more, the older half goes to an archive. A move replaces the file, so this bounds its cost.
    public static let recentMoveCountMax = 512
    /// Bytes of a JSON file of ours: 513 moves with texts of full length, each byte escaped to six.
    public static let metadataByteCountMax = 32 << 20
    /// Names read from the registry's directory.
    public static let bundleNameCountMax = 4096
    /// inotify watches; half the smallest usual limit of a user (fs.inotify.max_user_watches). The slow poll sees what is not watched.
    public static let watchCountMax = 4096
    /// Writers hold the lock for a few milliseconds (no copying under it), so this long means a stopped process.
    public static let lockWaitMillisecondsMax = 10_000
    /// A push that has not finished in this time is dead, and what it left is removed by the next push.
    public static let leftoverAgeNanoseconds: Int64 = 3_600_000_000_000
    /// Snapshots that wait for a reader to leave; a publisher with more of them waits itself, so that memory stays bounded.
    public static let retiredSnapshotCountMax = 16
    /// How long a publish waits for readers before it leaves the old snapshot to the next publish. A batch of frames takes microseconds.
    public static let retirementWaitNanoseconds: UInt64 = 1_000_000_000
    /// After the first sign of a change the watcher waits until nothing has happened for `settleMilliseconds` …
    public static let settleMilliseconds: Int32 = 20
    /// … but not longer than this in all, so that steady writing can't keep a change out.
    public static let settleMillisecondsMax: Int32 = 500
}
