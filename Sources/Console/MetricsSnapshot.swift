/// Every figure of the server at one moment. Counters count since the process started; what the server does not know yet stays zero.
public struct MetricsSnapshot: Sendable {
    /// Requests answered, by method (`score`, `score_batch`, `hello` …) and status (`OK`, `INVALID_ARGUMENT` …).
    public struct Requests: Sendable {
        public var method: String
        public var status: String
        public var count: UInt64

        public init(method: String, status: String, count: UInt64) {
            self.method = method
            self.status = status
            self.count = count
        }
    }

    /// Decisions made; a batch of n rows counts n.
    public struct Decisions: Sendable {
        public var bundle: String
        public var version: UInt32
        /// `approve`, `review`, `decline`.
        public var outcome: String
        /// `online`, `batch`, `heuristic`.
        public var stage: String
        public var count: UInt64

        public init(bundle: String, version: UInt32, outcome: String, stage: String, count: UInt64) {
            self.bundle = bundle
            self.version = version
            self.outcome = outcome
            self.stage = stage
            self.count = count
        }
    }

    /// Connections of the wire protocol.
    public struct Connections: Sendable {
        public var open: UInt64 = 0
        public var total: UInt64 = 0
        /// Closed at once: too many were open, or no descriptor was left.
        public var refused: UInt64 = 0
        /// Closed ones by cause (`peer`, `idle_timeout`, `bad_frame`, `slow_reader`, `drain` …).
        public var closed: [(cause: String, count: UInt64)] = []
        /// Those with TLS, which count among the others, too; nil: it is not spoken.
        public var tls: TLS?

        public init() {}
    }

    /// Connections with TLS.
    public struct TLS: Sendable {
        public var open: UInt64
        public var total: UInt64
        /// Handshakes that failed or took too long.
        public var handshakesFailed: UInt64

        public init(open: UInt64, total: UInt64, handshakesFailed: UInt64) {
            self.open = open
            self.total = total
            self.handshakesFailed = handshakesFailed
        }
    }

    /// A version that an alias names now; alias empty: loaded, and named by none.
    public struct BundleInfo: Sendable {
        public var bundle: String
        public var version: UInt32
        public var alias: String
        /// SHA-256 of the file, hex.
        public var digest: String

        public init(bundle: String, version: UInt32, alias: String, digest: String) {
            self.bundle = bundle
            self.version = version
            self.alias = alias
            self.digest = digest
        }
    }

    /// The audit trail.
    public struct Audit: Sendable {
        /// Newest record in the rings (survives the process), in the journal after fdatasync (survives the machine), in PostgreSQL.
        public var sequenceLast: UInt64 = 0
        public var sequenceDurable: UInt64 = 0
        public var sequenceShipped: UInt64 = 0
        /// Records written into the journal since the start.
        public var recordCount: UInt64 = 0
        /// Journal bytes that the sink has not taken yet.
        public var backlogByteCount: UInt64 = 0
        /// Bytes in the rings that the journal has not taken yet, and their capacity, all workers together.
        public var ringByteCountUsed: UInt64 = 0
        public var ringByteCount: UInt64 = 0
        /// The journal's disk is full; records wait in the rings.
        public var isDiskFull = false
        /// `required`, `drop` or `off`; and what replies wait for that say nothing, `memory` or `disk`.
        public var mode = "required"
        public var durability = "memory"
        /// Calls of fdatasync on the journal, and the seconds that they took together.
        public var syncCount: UInt64 = 0
        public var syncSeconds = 0.0
        /// Replies that wait for the disk now.
        public var heldReplyCount: UInt64 = 0
        /// Decisions that went without a record because the trail took none.
        public var droppedCount: UInt64 = 0
        /// Closed segments of the journal, those of them without an index for look-ups yet, and indexes written since the start.
        public var closedSegmentCount: UInt64 = 0
        public var unindexedSegmentCount: UInt64 = 0
        public var indexCount: UInt64 = 0
        /// The journal can't be written any more: no decision is made.
        public var hasFailed = false
        /// nil: no key is configured.
        public var checkpoints: Checkpoints?
        /// nil: everything is kept.
        public var retention: Retention?

        public init() {}
    }

    /// Signed checkpoints of the journal.
    public struct Checkpoints: Sendable {
        /// Signed since the start.
        public var count: UInt64
        /// The newest record that one covers; 0: none yet.
        public var sequence: UInt64

        public init(count: UInt64, sequence: UInt64) {
            self.count = count
            self.sequence = sequence
        }
    }

    /// What is kept of the journal.
    public struct Retention: Sendable {
        /// The oldest record that the journal has.
        public var firstSequence: UInt64
        public var byteCount: UInt64
        /// Deleted since the start.
        public var retiredSegmentCount: UInt64
        public var retiredByteCount: UInt64
        /// Segments are past the limits and stay, because the database hasn't confirmed them.
        public var isBlocked: Bool

        public init(
            firstSequence: UInt64, byteCount: UInt64, retiredSegmentCount: UInt64, retiredByteCount: UInt64,
            isBlocked: Bool
        ) {
            self.firstSequence = firstSequence
            self.byteCount = byteCount
            self.retiredSegmentCount = retiredSegmentCount
            self.retiredByteCount = retiredByteCount
            self.isBlocked = isBlocked
        }
    }

    /// The sink in PostgreSQL.
    public struct Postgres: Sendable {
        public var isUp: Bool
        /// Records in the journal that are not in the database yet; nil: not known before it was asked.
        public var lagRecordCount: UInt64?
        /// Age of the oldest of them, in seconds; nil: not known.
        public var lagSeconds: Double?
        /// Shipping has stopped for good, because going on could harm.
        public var isRefused = false
        /// Rows confirmed, and connections made, since the start.
        public var rowCount: UInt64 = 0
        public var connectionCount: UInt64 = 0

        public init(isUp: Bool, lagRecordCount: UInt64?, lagSeconds: Double? = nil) {
            self.isUp = isUp
            self.lagRecordCount = lagRecordCount
            self.lagSeconds = lagSeconds
        }
    }

    public var requests: [Requests] = []
    public var decisions: [Decisions] = []
    /// Time from a request's bytes being read to its decision, in seconds.
    public var scoreDuration = PrometheusText.Histogram(
        upperBounds: ScoreDuration.upperBoundsSeconds,
        counts: Array(repeating: 0, count: ScoreDuration.upperBoundsSeconds.count + 1), sum: 0)
    public var connections = Connections()
    public var receivedByteCount: UInt64 = 0
    public var sentByteCount: UInt64 = 0
    /// Waits of the loops that began with polling, and those of them in which something came before they slept.
    public var spinCount: UInt64 = 0
    public var paidSpinCount: UInt64 = 0
    /// Frames that were not frames of the contract, each of which closed its connection.
    public var badFrameCount: UInt64 = 0
    public var bundles: [BundleInfo] = []
    /// Registry states published since the start.
    public var swapCount: UInt64 = 0
    /// Versions that lie in the registry and are refused now.
    public var refusedBundleCount: UInt64 = 0
    public var audit = Audit()
    /// nil: no database is configured.
    public var postgres: Postgres?
    public var isReady = false
    public var isDraining = false
    public var workerCount: UInt64 = 0
    /// Version of the server and of the compiler that built it.
    public var serverVersion = ""
    public var swiftVersion = ""

    public init() {}
}

/// The buckets of `assay_score_duration_seconds`.
public enum ScoreDuration {
    /// Three a decade from a microsecond to a tenth of a second: a decision takes a few microseconds, a stall shows as milliseconds.
    public static let upperBoundsSeconds: [Double] = [
        1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 1e-1,
    ]
}
