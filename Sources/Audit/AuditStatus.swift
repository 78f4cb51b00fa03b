/// How the audit trail is doing.
public struct AuditStatus: Sendable {
    /// The last number that was given to a worker; its record may not be complete yet.
    public var lastSequence: UInt64
    /// The last number whose record was written to the journal (the kernel has it).
    public var writtenSequence: UInt64
    /// The last number whose record is on disk.
    public var durableSequence: UInt64
    /// The last number that PostgreSQL has confirmed; nil without PostgreSQL or before it was asked.
    public var shippedSequence: UInt64?
    /// Calls of fdatasync on segments since the trail was opened, and the time that they took together.
    public var syncCount: UInt64
    public var syncNanoseconds: UInt64
    /// Decisions written to the journal since the trail was opened.
    public var recordCount: UInt64
    /// Journal bytes that PostgreSQL doesn't have yet; 0 without PostgreSQL.
    public var backlogByteCount: Int
    /// The backlog is larger than the configuration allows for.
    public var isBacklogOverLimit: Bool
    /// Bytes committed to the rings and not yet written to the journal, and how many there may be.
    public var ringByteCountUsed: Int
    public var ringByteCount: Int
    /// The disk is full: records wait in the rings, and the journal goes on by itself when there is room.
    public var isDiskFull: Bool
    /// Why the trail takes no records any more; it stays so until the process ends.
    public var failure: AuditFailure?
    /// Closed segments, and those of them that have no index for look-ups yet (decisions in them are found all the same, but slowly).
    public var closedSegmentCount: Int
    public var unindexedSegmentCount: Int
    /// Index files written since the trail was opened.
    public var indexCount: UInt64
    /// The last number that a signed checkpoint covers; nil: none yet, or no key is configured.
    public var checkpointSequence: UInt64?
    /// Checkpoints signed since the trail was opened; nil: no key is configured.
    public var checkpointCount: UInt64?
    /// nil: retention is off.
    public var retention: RetentionStatus?
    /// nil without PostgreSQL.
    public var postgres: PostgresStatus?

    /// Of a server that keeps no trail.
    public static var off: AuditStatus {
        AuditStatus(
            lastSequence: 0, writtenSequence: 0, durableSequence: 0, syncCount: 0, syncNanoseconds: 0, recordCount: 0,
            backlogByteCount: 0,
            isBacklogOverLimit: false,
            ringByteCountUsed: 0, ringByteCount: 0, isDiskFull: false, closedSegmentCount: 0, unindexedSegmentCount: 0,
            indexCount: 0)
    }
}
