import Audit
import Server
import TLSListener

extension ServerConfiguration {
    /// The server's configuration as the settings say it.
    init(_ settings: ServerSettings) {
        self.init(registryDirectory: settings.registry, journalDirectory: settings.journal, workerCount: settings.workerCount)
        listen = settings.listen.map { ($0.host, $0.port) }
        unixPath = settings.unix
        tls = settings.tls.map { tls in
            let files = TLSFiles(certificatePath: tls.certificate, keyPath: tls.key, clientAuthorityPath: tls.clientCA)
            return TLS(listen: (tls.listen.host, tls.listen.port), files: files)
        }
        privacyKeysDirectory = settings.privacyKeys
        processors = settings.processors
        registryPollSeconds = settings.registryPollSeconds
        drainSeconds = settings.drainSeconds
        administration =
            switch settings.admin {
            case .local: .local
            case .all: .all
            case .none: .none
            }
        setLoops(settings)
        session.frameByteCountMax = settings.frameByteCountMax
        session.queueNanosecondsMax = UInt64(settings.queueMillisecondsMax) * 1_000_000
        session.inFlightMax = settings.inFlightMax
        session.batchRowCountMax = settings.batchRowCountMax
        audit.ringDirectory = settings.ringDirectory
        audit.ringByteCount = settings.ringByteCount
        audit.segmentByteCount = settings.segmentByteCount
        audit.syncIntervalMilliseconds = settings.syncIntervalMilliseconds
        audit.checkpointKeyPath = settings.checkpointKey
        audit.checkpointBlockCount = settings.checkpointBlockCount
        audit.retentionHours = settings.retentionHours
        audit.retentionByteCount = settings.retentionByteCount
        audit.postgresURL = settings.postgres
        auditMode = settings.audit
        durability = settings.durability == .disk ? .disk : .memory
    }

    private mutating func setLoops(_ settings: ServerSettings) {
        let second: UInt64 = 1_000_000_000
        // The limit is the server's; loops share the connections evenly.
        loop.connectionCountMax = (settings.connectionCountMax + settings.workerCount - 1) / settings.workerCount
        loop.busyPollMicroseconds = UInt64(settings.busyPollMicroseconds)
        loop.idleTimeoutNanoseconds = UInt64(settings.idleTimeoutSeconds) * second
        loop.partialFrameTimeoutNanoseconds = UInt64(settings.partialFrameTimeoutSeconds) * second
        loop.writeStallTimeoutNanoseconds = UInt64(settings.writeStallTimeoutSeconds) * second
        // One frame of the largest size with its header must fit.
        loop.inputByteCountMax = max(loop.inputByteCountMax, settings.frameByteCountMax + 64)
    }
}

extension CommandFailure {
    init(_ error: ServerError) {
        switch error {
        case .nothingToListenOn, .workerCount, .tls, .audit(.setting), .reactor(.configurationOutOfRange):
            self.init(.configuration, error.description)
        case .audit(let cause):
            self.init(CommandFailure(cause).code, error.description)
        case .privacy(let cause):
            self.init(CommandFailure(cause).code, error.description)
        case .registry(let cause):
            self.init(CommandFailure(cause).code, error.description)
        case .reactor:
            self.init(.unavailable, error.description)
        }
    }
}
