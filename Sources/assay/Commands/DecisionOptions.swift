import ArgumentParser
import Audit
import Wire

/// Which decisions are meant, by number or by transaction id.
struct DecisionOptions: ParsableArguments {
    @Option(help: .init("Number of the decision (its audit sequence).", valueName: "N")) var sequence: UInt64?
    @Option(help: .init("Id that the caller gave to the transaction.", valueName: "ID")) var transaction: String?
    @Option(help: .init("At most so many decisions of a transaction, the newest first.", valueName: "N")) var limit = 10

    func validate() throws {
        guard (sequence == nil) != (transaction == nil) else {
            throw ValidationError("Say either '--sequence' or '--transaction'")
        }
        guard sequence != 0, transaction != "" else {
            throw ValidationError("Numbers begin at 1, and an id has a character at least")
        }
        guard (1...AuditLimits.lookupCountMax).contains(limit) else {
            throw ValidationError("'--limit' is 1 to \(AuditLimits.lookupCountMax)")
        }
    }

    /// What there is none of, for a message.
    var missing: String { sequence.map { "decision \($0)" } ?? "decision for that transaction id" }
}

extension AuditRecord {
    /// Prints encoded records, one a line.
    static func print(_ records: [[UInt8]], json: Bool) throws {
        for bytes in records {
            // Safety: the view is used inside the closure only; the record is copied out of it.
            let record = unsafe bytes.withUnsafeBytes { unsafe AuditRecord.decode($0) }
            guard let record else { throw CommandFailure(.refused, "a record of \(bytes.count) bytes can't be understood") }
            Output.line(json ? record.json.serialized() : record.line)
        }
    }
}
