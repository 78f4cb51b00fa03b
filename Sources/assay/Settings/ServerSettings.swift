import Audit
import Platform

/// Where TLS is spoken, and its files.
struct TLSSettings: Sendable, Equatable {
    let listen: HostPort
    let certificate: String
    let key: String
    /// nil: callers need no certificate.
    let clientCA: String?
}

/// The server's settings, typed, checked one by one and against each other.
struct ServerSettings: Sendable, Equatable {
    enum AdminPolicy: String, Sendable {
        case local, all, none
    }

    enum Durability: String, Sendable, CaseIterable {
        case memory, disk
    }

    let registry: String
    /// Empty: there is none, because `audit` is off.
    let journal: String
    let listen: HostPort?
    let unix: String?
    /// nil: off.
    let tls: TLSSettings?
    let http: HostPort?
    let postgres: String?
    let workerCount: Int
    /// Empty, or one processor for each worker.
    let processors: [Int]
    let busyPollMicroseconds: Int
    /// 0: never.
    let idleTimeoutSeconds: Int
    let partialFrameTimeoutSeconds: Int
    let writeStallTimeoutSeconds: Int
    let frameByteCountMax: Int
    let inFlightMax: Int
    let connectionCountMax: Int
    let batchRowCountMax: Int
    /// 0: no score is refused for having waited.
    let queueMillisecondsMax: Int
    let audit: AuditMode
    let durability: Durability
    let ringDirectory: String
    let ringByteCount: Int
    let syncIntervalMilliseconds: Int
    let segmentByteCount: Int
    /// nil: personal data is refused.
    let privacyKeys: String?
    let checkpointKey: String?
    let checkpointBlockCount: Int
    /// 0: for ever.
    let retentionHours: Int
    let retentionByteCount: Int
    let registryPollSeconds: Int
    let admin: AdminPolicy
    let drainSeconds: Int
    let logLevel: String
    let logFormat: String

    init(_ settings: EffectiveSettings) throws(SettingsError) {
        registry = try settings.required("registry")
        audit = settings.text("audit").flatMap(AuditMode.init(rawValue:)) ?? .required
        durability = settings.text("durability").flatMap(Durability.init(rawValue:)) ?? .memory
        journal = audit == .off ? settings.text("journal") ?? "" : try settings.required("journal")
        listen = settings.text("listen").flatMap { HostPort($0) }
        unix = settings.text("unix")
        tls = try Self.tls(settings)
        http = settings.text("http").flatMap { HostPort($0) }
        postgres = settings.text("postgres")
        processors = settings.integers("pin")
        workerCount = try Self.workerCount(settings, processors)
        busyPollMicroseconds = settings.integer("busy-poll")
        idleTimeoutSeconds = settings.integer("idle-timeout-seconds")
        partialFrameTimeoutSeconds = settings.integer("partial-frame-timeout-seconds")
        writeStallTimeoutSeconds = settings.integer("write-stall-timeout-seconds")
        frameByteCountMax = settings.integer("frame-bytes-max")
        inFlightMax = settings.integer("in-flight-max")
        connectionCountMax = settings.integer("connections-max")
        batchRowCountMax = settings.integer("batch-rows-max")
        queueMillisecondsMax = settings.integer("queue-ms-max")
        ringDirectory = try settings.required("ring-directory")
        ringByteCount = settings.integer("ring-bytes")
        syncIntervalMilliseconds = settings.integer("sync-interval-ms")
        segmentByteCount = settings.integer("segment-bytes")
        privacyKeys = settings.text("privacy-keys")
        checkpointKey = settings.text("checkpoint-key")
        checkpointBlockCount = settings.integer("checkpoint-blocks")
        retentionHours = settings.integer("retention-hours")
        retentionByteCount = settings.integer("retention-bytes")
        registryPollSeconds = settings.integer("registry-poll-seconds")
        admin = settings.text("admin").flatMap(AdminPolicy.init(rawValue:)) ?? .local
        drainSeconds = settings.integer("drain-seconds")
        logLevel = try settings.required("log-level")
        logFormat = try settings.required("log-format")
        try checkTogether()
    }

    /// `pin` decides when `workers` says nothing; when both speak they must agree.
    private static func workerCount(_ settings: EffectiveSettings, _ processors: [Int]) throws(SettingsError) -> Int {
        let count = settings.integer("workers")
        if processors.isEmpty || processors.count == count { return count }
        guard settings["workers"].origin == .standard else {
            throw .conflict(
                "pin names \(processors.count) processors (\(settings["pin"].origin)) for \(count) workers "
                    + "(\(settings["workers"].origin)); it must name one for each, or workers be left out")
        }
        return processors.count
    }

    private static func tls(_ settings: EffectiveSettings) throws(SettingsError) -> TLSSettings? {
        guard let listen = settings.text("tls-listen").flatMap({ HostPort($0) }) else {
            for key in ["tls-certificate", "tls-key", "tls-client-ca"] where settings.text(key) != nil {
                throw .conflict("\(key) is set and tls-listen is not; without an address nothing is encrypted")
            }
            return nil
        }
        return TLSSettings(
            listen: listen, certificate: try settings.required("tls-certificate"), key: try settings.required("tls-key"),
            clientCA: settings.text("tls-client-ca"))
    }

    private func checkTogether() throws(SettingsError) {
        if listen == nil && unix == nil && tls == nil {
            throw .conflict("listen is empty, unix and tls-listen are not set; the server needs at least one of them")
        }
        if let tls, tls.listen.port != 0, tls.listen == listen || tls.listen == http {
            throw .conflict("tls-listen is \(tls.listen), as listen or http is; each needs an address of its own")
        }
        if let listen, let http, listen.port != 0, listen == http {
            throw .conflict("listen and http are both \(listen); each needs an address of its own")
        }
        if registry == journal {
            throw .conflict("registry and journal are both \(registry); each needs a directory of its own")
        }
        if durability == .disk, audit != .required {
            throw .conflict("durability is disk and audit is \(audit.rawValue); a decision without a record is never on disk")
        }
        if audit == .off, checkpointKey != nil {
            throw .conflict("audit is off and checkpoint-key is set; without an audit trail there is nothing to sign")
        }
        if audit == .off, postgres != nil {
            throw .conflict("audit is off and postgres is set; without an audit trail there is nothing to ship")
        }
        if let keys = privacyKeys, keys == registry || "\(keys)/".hasPrefix("\(journal)/") {
            // Whoever copies the journal would copy the keys along, and an erasure would not reach the copy.
            throw .conflict("privacy-keys is \(keys); it needs a directory of its own, outside the journal (\(journal))")
        }
        if ringByteCount < frameByteCountMax * 2 {
            // A typed transaction of a whole frame goes into the ring as one record, which may take half of it.
            throw .conflict("ring-bytes is \(ringByteCount); it must be at least twice frame-bytes-max (\(frameByteCountMax))")
        }
    }
}

extension EffectiveSettings {
    fileprivate func text(_ key: String) -> String? {
        if case .text(let text) = self[key].value { text } else { nil }
    }

    fileprivate func required(_ key: String) throws(SettingsError) -> String {
        guard let text = text(key) else { throw .missing(key: key) }
        return text
    }

    fileprivate func integer(_ key: String) -> Int {
        guard case .integer(let value) = self[key].value else { preconditionFailure("\(key) has a default") }
        return value
    }

    fileprivate func integers(_ key: String) -> [Int] {
        if case .integers(let values) = self[key].value { values } else { [] }
    }
}
