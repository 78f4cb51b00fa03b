import ArgumentParser
import AssayClient
import Platform
import Wire

/// `assay health`.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a server whether it is ready.",
        discussion: "Ends with 0 when it is, 1 when it is not, 2 when nobody answers.")

    @OptionGroup var options: ServerOptions
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let health = try await options.withClient { client throws(AssayError) in try await client.health() }
        if json {
            let reasons = health.reasons.map {
                JSON.object(["code": .string($0.code), "text": .string($0.text), "blocking": .bool($0.isBlocking)])
            }
            Output.json(JSON.object(["ready": .bool(health.isReady), "reasons": .array(reasons)]))
        } else {
            Output.line(health.isReady ? "ready" : "not ready")
            for reason in health.reasons {
                Output.line("\(reason.isBlocking ? "blocking" : "warning")  \(reason.code)  \(reason.text)")
            }
        }
        guard health.isReady else {
            throw CommandFailure(
                .refused, "the server is not ready: \(health.reasons.filter(\.isBlocking).map(\.code).joined(separator: ", "))")
        }
    }
}
