import Forest
import Logging
import Platform

/// The server's log: to stderr, as configured.
enum ServingLog {
    static func start(_ settings: ServerSettings) -> Logger {
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        let format = LogOutput.Format(rawValue: settings.logFormat) ?? .text
        LoggingSystem.bootstrap { LogOutput(label: $0, format: format, level: level) }
        return Logger(label: "assay")
    }

    /// One line that says where the server can be reached; scripts wait for it.
    static func announce(_ settings: ServerSettings, wirePort: Int?, tlsPort: Int?, httpPort: Int?, _ logger: Logger) {
        var places: Logger.Metadata = [
            "version": "\(Version.number)", "workers": .stringConvertible(settings.workerCount),
            "kernel": "\(Kernel.best.rawValue)",
        ]
        if let listen = settings.listen {
            places["wire"] = "\(HostPort(host: listen.host, port: wirePort ?? listen.port))"
            places["port"] = .stringConvertible(wirePort ?? listen.port)
        }
        if let tls = settings.tls {
            places["tls"] = "\(HostPort(host: tls.listen.host, port: tlsPort ?? tls.listen.port))"
            places["tls_port"] = .stringConvertible(tlsPort ?? tls.listen.port)
        }
        if let unix = settings.unix { places["unix"] = "\(unix)" }
        if let http = settings.http {
            places["http"] = "\(HostPort(host: http.host, port: httpPort ?? http.port))"
            places["http_port"] = .stringConvertible(httpPort ?? http.port)
        }
        if let postgres = settings.postgres { places["postgres"] = "\(PasswordMask.masked(postgres))" }
        logger.notice("serving", metadata: places)
    }
}
