import ArgumentParser
import AssayClient
import Wire

/// `assay decision`.
struct DecisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decision", abstract: "Ask a server for decisions that it made.",
        discussion: "Prints one record a line, of a transaction the newest first. Ends with 1 when there is none.")

    @OptionGroup var options: ServerOptions
    @OptionGroup var decision: DecisionOptions
    @Flag(help: "Print one JSON object a line.") var json = false

    func run() async throws {
        let query = decision
        let records = try await options.withClient { client throws(AssayError) in
            if let sequence = query.sequence { return [try await client.getDecision(auditSequence: sequence)] }
            return try await client.getDecisions(transactionID: query.transaction ?? "", limit: query.limit)
        }
        try AuditRecord.print(records, json: json)
    }
}
