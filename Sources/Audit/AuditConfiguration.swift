import Platform

/// How an audit trail is set up.
public struct AuditConfiguration: Sendable {
    /// Where segments, identity, lock and quarantine live; created when missing. One server a directory.
    public var journalDirectory: String
    /// Where the ring file lives: a tmpfs that outlives the process.
    public var ringDirectory = "/dev/shm"
    /// Bytes of each worker's ring, rounded up to a power of two. 16 MiB hold 80 ms of a worker at full speed.
    public var ringByteCount = 16 << 20
    /// Workers that will ask for a producer.
    public var workerCount: Int
    public var segmentByteCount = 64 << 20
    /// Raw bytes gathered before a block is sealed; a block is sealed earlier when the sync interval ends.
    public var blockByteCount = 256 << 10
    /// A committed record is on disk after this time at the latest, as far as the disk keeps up.
    public var syncIntervalMilliseconds = 100

    /// Called before the journal is synced, on the thread that does it: what records depend on (the keys of sealed personal data) must not be
    /// less durable than they are. An error counts as a failed sync.
    public var beforeSync: (@Sendable () throws(SystemError) -> Void)?
    /// PEM file of the Ed25519 key that signs checkpoints; nil: none are made.
    public var checkpointKeyPath: String?
    /// Blocks after which the next checkpoint is signed; one is also at each new segment and at the close.
    public var checkpointBlockCount = 1000
    /// Segments past these limits are deleted, oldest first, once PostgreSQL (where configured) has them.
    public var retentionHours = 0
    public var retentionByteCount = 0

    /// Connection URI (or key=value string) of PostgreSQL; nil: the journal is the only store.
    public var postgresURL: String?
    /// How long close() waits for PostgreSQL to catch up.
    public var shipperCloseMilliseconds = 5_000
    /// Journal bytes not yet in PostgreSQL beyond which the status says so. Scoring goes on: the journal keeps all.
    public var backlogByteCountMax = 8 << 30

    public init(journalDirectory: String, workerCount: Int) {
        self.journalDirectory = journalDirectory
        self.workerCount = workerCount
    }

    func validate() throws(AuditError) {
        try Self.check("workerCount", workerCount, 1...AuditLimits.workerCountMax)
        try Self.check("ringByteCount", ringByteCount, AuditLimits.ringByteCountRange)
        try Self.check("segmentByteCount", segmentByteCount, AuditLimits.segmentByteCountRange)
        try Self.check("blockByteCount", blockByteCount, AuditLimits.blockByteCountRange)
        try Self.check("syncIntervalMilliseconds", syncIntervalMilliseconds, AuditLimits.syncIntervalMillisecondsRange)
        try Self.check("checkpointBlockCount", checkpointBlockCount, AuditLimits.checkpointBlockCountRange)
        try Self.check("retentionHours", retentionHours, AuditLimits.retentionHoursRange)
        try Self.check("retentionByteCount", retentionByteCount, AuditLimits.retentionByteCountRange)
        try Self.check("shipperCloseMilliseconds", shipperCloseMilliseconds, 0...600_000)
        try Self.check("backlogByteCountMax", backlogByteCountMax, 1...Int.max)
    }

    var keeper: JournalKeeper.Configuration {
        get throws(AuditError) {
            var keeper = JournalKeeper.Configuration(checkpointBlockCount: checkpointBlockCount)
            if retentionHours > 0 { keeper.retention.nanoseconds = Int64(retentionHours) * 3_600_000_000_000 }
            if retentionByteCount > 0 { keeper.retention.byteCount = retentionByteCount }
            if let checkpointKeyPath {
                do throws(KeyFileError) { keeper.key = try Ed25519PrivateKey(path: checkpointKeyPath) } catch {
                    throw .checkpointKey(error)
                }
            }
            return keeper
        }
    }

    private static func check(_ name: String, _ value: Int, _ allowed: ClosedRange<Int>) throws(AuditError) {
        guard allowed.contains(value) else { throw .setting(name: name, value: value, allowed: allowed) }
    }
}
