import ArgumentParser
import Audit
import Platform
import Wire

/// `assay journal dump`.
struct JournalDump: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Print records, one a line.",
        discussion: "With --json each line is one object with everything that the record holds.")

    @Argument(help: .init("Directory of the journal.", valueName: "DIR"), completion: .directory) var directory: String
    @Option(help: .init("First number.", valueName: "SEQ")) var from: UInt64 = 1
    @Option(help: .init("At most so many records. Default: all.", valueName: "N")) var limit: UInt64?
    @Flag(help: "Print one JSON object a line.") var json = false

    func run() throws {
        var reader = try failing { try JournalReader(directory: directory, from: from) }
        var remaining = limit ?? .max
        var unreadable = 0
        while remaining > 0, let record = try failing({ try reader.next() }) {
            remaining -= 1
            // Safety: the view is used inside the closure only; the record is copied out of it.
            let decoded = unsafe record.bytes.withUnsafeBytes { unsafe AuditRecord.decode($0) }
            guard let decoded else {
                unreadable += 1
                continue
            }
            Output.line(json ? decoded.json.serialized() : decoded.line)
        }
        guard reader.damageCount + unreadable == 0 else {
            let count = reader.damageCount + unreadable
            throw CommandFailure(
                .refused, "\(count) places could not be read; `assay journal verify \(directory)` says where and why")
        }
    }
}
