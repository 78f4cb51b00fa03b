/// The maxima of the audit trail and where they come from.
public enum AuditLimits {
    /// One record: the largest frame of the wire by default (4 MiB) travels in it as a typed transaction, with its features beside it.
    public static let recordByteCountMax = 6 << 20

    /// Rows that one reservation may cover: more than any batch the wire allows.
    public static let reservationCountMax = 1 << 20

    /// Rings: one a worker, and no machine we run on has more cores.
    public static let workerCountMax = 1024

    /// Bytes of one ring. A record may take up to half of it. The upper end keeps a slip of the pen off the machine's memory.
    public static let ringByteCountRange = (64 << 10)...(1 << 30)

    /// Raw bytes gathered before a block is sealed. Larger compresses no better and makes a lookup decompress more.
    public static let blockByteCountRange = (4 << 10)...(4 << 20)

    /// Raw bytes of a block that a reader accepts: the largest gathering plus one record with its length.
    static let blockRawByteCountMax = blockByteCountRange.upperBound + recordByteCountMax + 4

    /// How much LZ4 hurries, where the journal's own compressor finds little: what records have in common is found at this speed as well.
    static let compressionAcceleration: Int32 = 8

    /// Bytes of a segment file after which the next one is begun.
    public static let segmentByteCountRange = (64 << 10)...(4 << 30)

    public static let syncIntervalMillisecondsRange = 1...10_000

    /// Numbers lost with the machine's memory: the next one is the next multiple of this, so that none is given twice.
    /// At a million decisions a second a server takes 71 minutes to use one such span; 2^32 spans are enough for ever.
    static let memoryLostSpan: UInt64 = 1 << 32

    /// The fastest that a worker fills its ring, in bytes per second (a million records of 200 bytes). The idle poll derives from it: a
    /// worker that wakes up right after a poll doesn't fill half its ring before the next one.
    static let ringFillBytesPerSecond = 200_000_000

    /// The last number that is given: PostgreSQL's bigint ends there.
    static let sequenceMax = UInt64(Int64.max) - memoryLostSpan

    /// How long the journal waits before it tries again to write to a full disk.
    static let diskFullRetryMilliseconds: Int32 = 100

    /// How long close() goes on trying to write to a full disk before it leaves the rest in the ring for the next start.
    static let diskFullCloseMilliseconds = 1_000

    /// How long a lookup waits for a record to travel from the ring to the journal.
    static let lookupWaitMilliseconds = 2_000

    /// Damage that one verification lists in full; what follows is counted.
    static let damageCountMax = 1_000

    /// How often retention looks whether segments have grown old or were confirmed: they are hours old when they go.
    static let retentionLookMilliseconds: Int32 = 5_000

    /// Blocks between two checkpoints.
    public static let checkpointBlockCountRange = 1...1_000_000

    /// Hours and bytes that retention may be told to keep: at least one segment's worth, at most for ever.
    public static let retentionHoursRange = 0...1_000_000
    public static let retentionByteCountRange = 0...(1 << 50)

    /// Bytes that a repair copies at a time.
    static let repairPieceByteCount = 1 << 20

    /// Keys that a report names.
    static let proofKeyCountMax = 100

    /// How often the verification of a journal begins anew because its server retired what was about to be read.
    static let verifyAttemptCountMax = 5

    /// Rows of one COPY: a transaction of about 10 MB, which PostgreSQL takes in well under a second.
    static let copyRecordCountMax = 20_000

    /// Days that the records of one block may have in PostgreSQL, and so those of a batch. A transaction locks each day's table and its
    /// indexes, 8 locks each, and by default there is room for 6,400.
    static let partitionsOfBlockMax = 64

    /// Coming days whose tables are made ahead.
    static let partitionDaysAhead = 2

    /// Time for one step of the tables' migration: rows are copied and indexed, at some 50,000 a second or more.
    static let migrationMilliseconds = 6 * 3_600_000

    /// Pause before PostgreSQL is tried again: doubles from the first to the last, each with up to a half of it taken off by chance.
    static let reconnectMillisecondsMin = 100
    static let reconnectMillisecondsMax = 10_000

    /// Time for a connection to be made, and for one statement to be answered.
    static let connectMilliseconds = 5_000
    static let statementMilliseconds = 30_000

    /// Hashes of transaction ids that are held for segments without an index file: those of about ten segments of the default size, in 32 MiB.
    static let liveHashCountMax = 4 << 20

    /// Bytes of the indexes' filters in memory: those of some 120 full segments of the default size (50 million decisions). For older segments
    /// a look-up reads a page of each index.
    static let filterByteCountMax = 64 << 20

    /// Decisions that one look-up by transaction id may give.
    public static let lookupCountMax = 100

    /// A run that `JournalRuns` hands out is at least so long before compression, or has so many blocks: large enough that threads
    /// seldom meet at the lock, small enough that they finish together.
    static let runRawByteCount = 2 << 20
    static let runBlockCountMax = 4096

    /// Bytes of records that are read together: a block of the usual size, which stays in the second-level cache with what is made of it.
    static let gatheringByteCount = 256 << 10
}
