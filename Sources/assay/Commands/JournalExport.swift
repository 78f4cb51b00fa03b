import ArgumentParser
import Audit
import Glibc
import Platform
import Wire

/// `assay journal export`.
struct JournalExport: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case jsonl }

    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write decisions to a file for analysts.",
        discussion: """
            JSON lines with the fields of `assay journal dump --json`. Parquet and Delta tables: `python -m assay.journal export`. An \
            --output appears when it is whole.
            """)

    private static let pieceByteCount = 1 << 20

    @Argument(help: .init("Directory of the journal.", valueName: "DIR"), completion: .directory) var directory: String
    @Option(help: "Format of the output.") var format: Format
    @Option(help: .init("First number.", valueName: "SEQ")) var from: UInt64 = 1
    @Option(help: .init("Last number. Default: the newest.", valueName: "SEQ")) var to: UInt64 = .max
    @Option(help: .init("File to write. Default: stdout.", valueName: "FILE"), completion: .file()) var output: String?

    func validate() throws {
        if to < from { throw ValidationError("--to \(to) is before --from \(from)") }
    }

    func run() throws {
        guard let output else { return try write(FileDescriptor(owning: STDOUT_FILENO)) }
        let temporary = "\(output).\(getpid()).tmp"
        do {
            try write(File.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o640))
            try File.rename(temporary, output)
        } catch {
            try? File.remove(temporary)
            throw CommandFailure(mapping: error)
        }
    }

    private func write(_ descriptor: borrowing FileDescriptor) throws {
        var reader = try failing { try JournalReader(directory: directory, from: from) }
        var text: [UInt8] = []
        let arena = MessageArena(byteCount: 64 << 10)
        var unreadable = 0
        while let record = try failing({ try reader.next() }), record.sequence <= to {
            // Safety: the view is used inside the closure only; the record is copied out of it.
            let decoded = unsafe record.bytes.withUnsafeBytes { unsafe AuditRecord.decode($0, arena: arena) }
            arena.reset()
            guard let decoded else {
                unreadable += 1
                continue
            }
            text += decoded.json.serializedBytes() + [UInt8(ascii: "\n")]
            if text.count >= Self.pieceByteCount {
                try flush(&text, descriptor)
            }
        }
        try flush(&text, descriptor)
        let count = reader.damageCount + unreadable
        guard count == 0 else {
            throw CommandFailure(
                .refused, "\(count) places could not be read; `assay journal verify \(directory)` says where and why")
        }
    }

    private func flush(_ text: inout [UInt8], _ descriptor: borrowing FileDescriptor) throws {
        do { try File.write(descriptor, text) } catch { throw CommandFailure(mapping: error) }
        text.removeAll(keepingCapacity: true)
    }
}
