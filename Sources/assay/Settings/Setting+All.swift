import Audit
import Session
import Wire

extension Setting {
    /// Every setting of the server, in the order of docs/CONFIGURATION.md.
    static let all: [Setting] = places + loops + limits + audit + operation

    private static let places = [
        Setting(
            key: "registry", kind: .path, standard: nil,
            summary: "Directory of the registry. Required."),
        Setting(
            key: "journal", kind: .path, standard: nil,
            summary: "Directory of the journal; one server a directory. Required unless audit is off."),
        Setting(
            key: "listen", kind: .address, standard: .text("127.0.0.1:7170"), mayBeEmpty: true,
            summary: "TCP address of the wire protocol; port 0 takes a free one, empty: none."),
        Setting(
            key: "unix", kind: .path, standard: nil, mayBeEmpty: true,
            summary: "Path of a Unix socket for the wire protocol, too."),
        Setting(
            key: "tls-listen", kind: .address, standard: nil, mayBeEmpty: true,
            summary: "TCP address of the wire protocol behind TLS; needs tls-certificate and tls-key."),
        Setting(
            key: "tls-certificate", kind: .path, standard: nil, mayBeEmpty: true,
            summary: "PEM file of the server's certificate and those that lead to its root. SIGHUP reads it again."),
        Setting(
            key: "tls-key", kind: .path, standard: nil, mayBeEmpty: true,
            summary: "PEM file of the certificate's private key, not encrypted. SIGHUP reads it again."),
        Setting(
            key: "tls-client-ca", kind: .path, standard: nil, mayBeEmpty: true,
            summary: "PEM file of authorities one of which must have signed a TLS caller's certificate. Empty: callers need none."
        ),
        Setting(
            key: "http", kind: .address, standard: .text("127.0.0.1:7180"), mayBeEmpty: true,
            summary: "Address of /livez, /readyz, /metrics and /models; it has no authentication. Empty: none."),
        Setting(
            key: "postgres", kind: .database, standard: nil, mayBeEmpty: true,
            summary: "Database that gets every decision, too."),
    ]

    private static let loops = [
        Setting(
            key: "workers", kind: .integer(1...1024), standard: .integer(processorCount),
            summary: "Event loops, one thread each. Default: one a processor."),
        Setting(
            key: "pin", kind: .processors, standard: .integers([]), mayBeEmpty: true,
            summary: "Processors that the loops are bound to, one each, in order. Sets workers when that is not set."),
        Setting(
            key: "busy-poll", kind: .integer(0...1_000_000), standard: .integer(50),
            summary: "Microseconds for which a loop polls before it sleeps, while callers come back within them. 0: off."),
        Setting(
            key: "idle-timeout-seconds", kind: .integer(0...86_400), standard: .integer(300),
            summary: "A connection that is silent for so long is closed. 0: never."),
        Setting(
            key: "partial-frame-timeout-seconds", kind: .integer(1...3_600), standard: .integer(10),
            summary: "A frame that is not complete after so long closes its connection."),
        Setting(
            key: "write-stall-timeout-seconds", kind: .integer(1...3_600), standard: .integer(10),
            summary: "A caller that takes none of its replies for so long is cut off."),
    ]

    private static let limits = [
        Setting(
            key: "frame-bytes-max", kind: .integer(WireLimits.frameByteCountMin...(64 << 20)),
            standard: .integer(WireLimits.frameByteCountMax),
            summary: "Largest frame taken from a caller."),
        Setting(
            key: "in-flight-max", kind: .integer(1...65_536), standard: .integer(SessionLimits().inFlightMax),
            summary: "Requests of one connection that may wait for their reply."),
        Setting(
            key: "connections-max", kind: .integer(1...1_000_000), standard: .integer(16_384),
            summary: "Open connections, all loops together; more are refused."),
        Setting(
            key: "queue-ms-max", kind: .integer(0...60_000), standard: .integer(1000),
            summary: "A score that has waited longer to be read is refused (OVERLOADED). 0: none is."),
        Setting(
            key: "batch-rows-max", kind: .integer(1...WireLimits.batchRowCountMax),
            standard: .integer(WireLimits.batchRowCountMax),
            summary: "Rows of one ScoreBatch."),
    ]

    private static let audit = [
        Setting(
            key: "audit", kind: .choice(AuditMode.allCases.map(\.rawValue)), standard: .text(AuditMode.required.rawValue),
            summary: "A decision whose record finds no room: refused, made without a record and counted, or no trail at all."),
        Setting(
            key: "durability", kind: .choice(ServerSettings.Durability.allCases.map(\.rawValue)), standard: .text("memory"),
            summary:
                "What a reply waits for: its record in memory that survives the process, or on disk. A request may say otherwise."
        ),
        Setting(
            key: "ring-directory", kind: .path, standard: .text("/dev/shm"),
            summary: "Where the rings live: a tmpfs, which outlives the process."),
        Setting(
            key: "ring-bytes", kind: .integer((64 << 10)...(1 << 30)), standard: .integer(16 << 20),
            summary: "Size of each loop's ring, rounded up to a power of two."),
        Setting(
            key: "sync-interval-ms", kind: .integer(1...10_000), standard: .integer(100),
            summary: "The journal is on disk after so long at the latest."),
        Setting(
            key: "segment-bytes", kind: .integer((64 << 10)...(4 << 30)), standard: .integer(64 << 20),
            summary: "Size at which a journal file is closed and the next one begun."),
        Setting(
            key: "privacy-keys", kind: .path, standard: nil, mayBeEmpty: true,
            summary: "Directory of the keys that seal personal data. Without it such requests are refused."),
        Setting(
            key: "checkpoint-key", kind: .path, standard: nil, mayBeEmpty: true,
            summary: "File of the private key that signs the journal's checkpoints (assay journal keygen makes one). Empty: none."
        ),
        Setting(
            key: "checkpoint-blocks", kind: .integer(AuditLimits.checkpointBlockCountRange), standard: .integer(1000),
            summary: "Blocks of the journal between two checkpoints; one is also at each new file and at the end."),
        Setting(
            key: "retention-hours", kind: .integer(AuditLimits.retentionHoursRange), standard: .integer(0),
            summary: "Journal files whose newest record is older are deleted, once the database has them. 0: never."),
        Setting(
            key: "retention-bytes", kind: .integer(AuditLimits.retentionByteCountRange), standard: .integer(0),
            summary: "The oldest journal files are deleted beyond so many bytes, once the database has them. 0: never."),
    ]

    private static let operation = [
        Setting(
            key: "registry-poll-seconds", kind: .integer(1...3_600), standard: .integer(10),
            summary: "The registry is looked at so often even when the kernel reports no change."),
        Setting(
            key: "admin", kind: .choice(["local", "all", "none"]), standard: .text("local"),
            summary: "From where SetAlias and Rollback are accepted: loopback and Unix sockets, everywhere, nowhere."),
        Setting(
            key: "drain-seconds", kind: .integer(0...3_600), standard: .integer(10),
            summary: "How long a stopping server waits for callers to leave."),
        Setting(
            key: "log-level", kind: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            standard: .text("info"),
            summary: "The least important message that is logged."),
        Setting(
            key: "log-format", kind: .choice(["text", "json"]), standard: .text("text"),
            summary: "Lines for people, or one JSON object a line; to stderr."),
    ]

    /// Processors that this process may run on, at most 1024.
    static var processorCount: Int { min(max(1, Surroundings.processorCount), 1024) }
}
