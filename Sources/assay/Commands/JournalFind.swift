import ArgumentParser
import Audit
import Wire

/// `assay journal find`.
struct JournalFind: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find", abstract: "Find decisions by number or by transaction id.",
        discussion: """
            Prints one record a line, of a transaction the newest first. Ends with 1 when there is none. Uses the indexes beside the \
            segments and reads segments without one as a whole; changes nothing, and may run beside the server.
            """)

    @Argument(help: .init("Directory of the journal.", valueName: "DIR"), completion: .directory) var directory: String
    @OptionGroup var decision: DecisionOptions
    @Flag(help: "Print one JSON object a line.") var json = false

    func run() throws {
        let lookup = try failing { try JournalLookup(directory: directory) }
        let records = try failing {
            if let sequence = decision.sequence { return try lookup.record(sequence: sequence).map { [$0.bytes] } ?? [] }
            return try lookup.records(transactionID: decision.transaction ?? "", limit: decision.limit).map(\.bytes)
        }
        guard !records.isEmpty else { throw CommandFailure(.refused, "\(directory) has no \(decision.missing)") }
        try AuditRecord.print(records, json: json)
    }
}
