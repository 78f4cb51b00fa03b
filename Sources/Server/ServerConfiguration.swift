import Audit
import Reactor
import Session
import TLSListener
import Wire

/// How a server is set up. The defaults are those of `assay serve`.
public struct ServerConfiguration: Sendable {
    /// Who may send SetAlias and Rollback.
    public enum AdministrationPolicy: String, Sendable, CaseIterable {
        /// Callers on this machine: Unix sockets and loopback addresses.
        case local
        case all
        case none
    }

    /// Where TLS is spoken, and with which files.
    public struct TLS: Sendable {
        /// As `listen`.
        public var listen: (host: String, port: Int)
        public var files: TLSFiles

        public init(listen: (host: String, port: Int), files: TLSFiles) {
            self.listen = listen
            self.files = files
        }
    }

    public var registryDirectory: String
    /// Host and port of the wire protocol; nil: no TCP. An IPv6 address stands in brackets; port 0 lets the kernel choose.
    public var listen: (host: String, port: Int)? = ("127.0.0.1", 7170)
    public var unixPath: String?
    /// The wire protocol behind TLS, on a loop of its own; nil: none.
    public var tls: TLS?
    /// Loops, one a processor. 1-1024.
    public var workerCount: Int
    /// Processor of each worker, in order; workers beyond the list are not bound.
    public var processors: [Int] = []
    public var loop = LoopConfiguration()
    public var session = SessionLimits()
    public var audit: AuditConfiguration
    /// `off`: the settings in `audit` mean nothing.
    public var auditMode = AuditMode.required
    /// Where the keys of personal data are kept; nil: requests with personal data are refused.
    public var privacyKeysDirectory: String?
    /// What the reply to a request waits for that says nothing of it.
    public var durability = WireDurability.memory
    public var registryPollSeconds = 10
    public var administration = AdministrationPolicy.local
    /// How long a drain waits for connections before it closes them.
    public var drainSeconds = 10

    /// Loops that score, each with a ring of the audit trail and a reader of the registry: the workers, and that of TLS.
    var ringCount: Int { workerCount + (tls == nil ? 0 : 1) }

    public init(registryDirectory: String, journalDirectory: String, workerCount: Int) {
        self.registryDirectory = registryDirectory
        self.workerCount = workerCount
        audit = AuditConfiguration(journalDirectory: journalDirectory, workerCount: workerCount)
    }
}
