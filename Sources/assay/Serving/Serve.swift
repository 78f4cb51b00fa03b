import ArgumentParser
import Console
import Foundation
import Logging
import Server
import UnixSignals

/// `assay serve`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the server.",
        discussion: """
            SIGTERM or SIGINT drains and ends; a second one ends at once (the journal is closed in both cases). SIGHUP looks at the \
            registry now, and reads the TLS certificate again. Flags win over ASSAY_… variables, these over the file, the file over the defaults: `assay config show`.
            """)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let effective = try await effectiveSettings(options)
        let settings: ServerSettings
        do { settings = try ServerSettings(effective) } catch { throw CommandFailure(error) }
        // A caller or a pipe that has gone away is an error of that write, not the end of the server.
        signal(SIGPIPE, SIG_IGN)
        let logger = ServingLog.start(settings)
        let server: AssayServer
        do { server = try AssayServer(ServerConfiguration(settings), version: Version.number, logger: logger) } catch {
            throw CommandFailure(error)
        }
        let console = try await startConsole(settings, server, logger)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        let listener = Task { await handle(signals, server, logger) }
        server.start()
        ServingLog.announce(settings, wirePort: server.port, tlsPort: server.tlsPort, httpPort: console?.port, logger)
        let isSound = await Self.stopped(server)
        listener.cancel()
        await console?.console.stop()
        guard isSound else { throw CommandFailure(.unavailable, "the audit trail failed, so the server ended; the log says why") }
        logger.info("ended")
    }

    private func startConsole(
        _ settings: ServerSettings, _ server: AssayServer, _ logger: Logger
    ) async throws -> (console: Console, port: Int)? {
        guard let address = settings.http else { return nil }
        let console = Console(host: address.host, port: address.port, source: ConsoleSource(server), logger: logger)
        do { return (console, try await console.start()) } catch { throw CommandFailure(.unavailable, error.description) }
    }

    private func handle(_ signals: UnixSignalsSequence, _ server: AssayServer, _ logger: Logger) async {
        var isDraining = false
        for await signal in signals {
            switch signal {
            case .sighup:
                logger.info("SIGHUP: looking at the registry and the TLS files")
                // Admission takes its time, and a signal to end must not wait for it.
                Task.detached { server.refreshRegistry() }
                do throws(ServerError) { try server.reloadCertificates() } catch {
                    logger.error("the certificate stays as it was: \(error)")
                }
            case _ where isDraining:
                logger.notice("\(signal) again: ending at once")
                server.stop()
            default:
                logger.notice("\(signal): draining")
                isDraining = true
                server.drain()
            }
        }
    }

    /// Waits on a thread of its own: it blocks, and Swift's few are for tasks.
    private static func stopped(_ server: AssayServer) async -> Bool {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: server.waitUntilStopped()) }
        }
    }
}
