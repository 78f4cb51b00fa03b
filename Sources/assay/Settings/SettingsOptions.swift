import ArgumentParser

/// The settings as flags, for every command that reads the server's configuration.
struct SettingsOptions: ParsableArguments {
    @Option(help: .init("Configuration file, YAML or JSON (or ASSAY_CONFIG).", valueName: "FILE"), completion: .file())
    var config: String?

    @Option(help: help("registry", "DIR"), completion: .directory) var registry: String?
    @Option(help: help("journal", "DIR"), completion: .directory) var journal: String?
    @Option(help: help("listen", "HOST:PORT")) var listen: String?
    @Option(help: help("unix", "PATH"), completion: .file()) var unix: String?
    @Option(help: help("tls-listen", "HOST:PORT")) var tlsListen: String?
    @Option(help: help("tls-certificate", "FILE"), completion: .file()) var tlsCertificate: String?
    @Option(help: help("tls-key", "FILE"), completion: .file()) var tlsKey: String?
    @Option(help: help("tls-client-ca", "FILE"), completion: .file()) var tlsClientCa: String?
    @Option(help: help("http", "HOST:PORT")) var http: String?
    @Option(help: help("postgres", "URL")) var postgres: String?
    @Option(help: help("workers", "N")) var workers: Int?
    @Option(help: help("pin", "N,N,…")) var pin: String?
    @Option(help: help("busy-poll", "MICROSECONDS")) var busyPoll: Int?
    @Option(help: help("idle-timeout-seconds", "N")) var idleTimeoutSeconds: Int?
    @Option(help: help("partial-frame-timeout-seconds", "N")) var partialFrameTimeoutSeconds: Int?
    @Option(help: help("write-stall-timeout-seconds", "N")) var writeStallTimeoutSeconds: Int?
    @Option(help: help("frame-bytes-max", "N")) var frameBytesMax: Int?
    @Option(help: help("in-flight-max", "N")) var inFlightMax: Int?
    @Option(help: help("connections-max", "N")) var connectionsMax: Int?
    @Option(help: help("batch-rows-max", "N")) var batchRowsMax: Int?
    @Option(help: help("queue-ms-max", "N")) var queueMsMax: Int?
    @Option(help: help("audit", "MODE"), completion: .list(["required", "drop", "off"])) var audit: String?
    @Option(help: help("durability", "WHERE"), completion: .list(["memory", "disk"])) var durability: String?
    @Option(help: help("ring-directory", "DIR"), completion: .directory) var ringDirectory: String?
    @Option(help: help("ring-bytes", "N")) var ringBytes: Int?
    @Option(help: help("sync-interval-ms", "N")) var syncIntervalMs: Int?
    @Option(help: help("segment-bytes", "N")) var segmentBytes: Int?
    @Option(help: help("privacy-keys", "DIR"), completion: .directory) var privacyKeys: String?
    @Option(help: help("checkpoint-key", "FILE"), completion: .file()) var checkpointKey: String?
    @Option(help: help("checkpoint-blocks", "N")) var checkpointBlocks: Int?
    @Option(help: help("retention-hours", "N")) var retentionHours: Int?
    @Option(help: help("retention-bytes", "N")) var retentionBytes: Int?
    @Option(help: help("registry-poll-seconds", "N")) var registryPollSeconds: Int?
    @Option(help: help("admin", "POLICY"), completion: .list(["local", "all", "none"])) var admin: String?
    @Option(help: help("drain-seconds", "N")) var drainSeconds: Int?
    @Option(
        help: help("log-level", "LEVEL"), completion: .list(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
    var logLevel: String?
    @Option(help: help("log-format", "FORMAT"), completion: .list(["text", "json"])) var logFormat: String?

    /// What was said on the command line, by setting.
    func flags() throws(SettingsError) -> [String: SettingValue] {
        let texts = [
            "registry": registry, "journal": journal, "listen": listen, "unix": unix, "http": http, "postgres": postgres,
            "tls-listen": tlsListen, "tls-certificate": tlsCertificate, "tls-key": tlsKey, "tls-client-ca": tlsClientCa,
            "audit": audit, "durability": durability, "ring-directory": ringDirectory, "checkpoint-key": checkpointKey,
            "privacy-keys": privacyKeys, "admin": admin, "log-level": logLevel, "log-format": logFormat,
        ]
        let integers = [
            "workers": workers, "busy-poll": busyPoll, "idle-timeout-seconds": idleTimeoutSeconds,
            "partial-frame-timeout-seconds": partialFrameTimeoutSeconds, "write-stall-timeout-seconds": writeStallTimeoutSeconds,
            "frame-bytes-max": frameBytesMax, "in-flight-max": inFlightMax, "connections-max": connectionsMax,
            "batch-rows-max": batchRowsMax, "queue-ms-max": queueMsMax, "ring-bytes": ringBytes,
            "sync-interval-ms": syncIntervalMs,
            "segment-bytes": segmentBytes, "checkpoint-blocks": checkpointBlocks, "retention-hours": retentionHours,
            "retention-bytes": retentionBytes,
            "registry-poll-seconds": registryPollSeconds, "drain-seconds": drainSeconds,
        ]
        var flags = texts.compactMapValues { $0 }.mapValues { SettingValue.text($0) }
        flags.merge(integers.compactMapValues { $0 }.mapValues { .integer($0) }) { first, _ in first }
        if let pin { flags["pin"] = .integers(try Self.processors(pin)) }
        return flags
    }

    /// Reads all layers, these flags on top.
    func load(environment: [String: String]) async throws(SettingsError) -> EffectiveSettings {
        try await EffectiveSettings.load(flags: try flags(), environment: environment, configFile: config)
    }

    private static func processors(_ text: String) throws(SettingsError) -> [Int] {
        if text.isEmpty { return [] }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard !numbers.contains(nil) else {
            let expected = Setting.all.first { $0.key == "pin" }?.expectation ?? ""
            throw .invalid(key: "pin", value: text, origin: .flag("--pin"), expected: expected)
        }
        return numbers.compactMap { $0 }
    }

    private static func help(_ key: String, _ valueName: String) -> ArgumentHelp {
        guard let setting = Setting.all.first(where: { $0.key == key }) else { preconditionFailure("no setting \(key)") }
        let standard = setting.standard.map(\.text).flatMap { $0.isEmpty ? nil : " (default: \($0))" } ?? ""
        return ArgumentHelp("\(setting.summary)\(standard)", valueName: valueName)
    }
}
