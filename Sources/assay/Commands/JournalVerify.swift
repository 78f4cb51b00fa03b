import ArgumentParser
import Audit
import Platform

/// `assay journal verify`.
struct JournalVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check every checksum, the chain of hashes, the numbers and the signed checkpoints.",
        discussion: """
            Ends with 1 when anything is wrong, and says what and where; and says what cannot be known from what it was given. \
            docs/PROOF.md tells what is proven with which keys.
            """)

    @Argument(help: .init("Directory of the journal.", valueName: "DIR"), completion: .directory) var directory: String
    @Option(
        help: .init("Public key that the checkpoints must be signed with, PEM; may be given more than once.", valueName: "FILE"),
        completion: .file())
    var publicKey: [String] = []
    @Option(
        help: .init(
            "Checkpoint that was kept elsewhere: the line that `assay journal checkpoint` printed, or a file of such lines; "
                + "may be given more than once.", valueName: "LINE|FILE"))
    var checkpoint: [String] = []
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let keys = try publicKey.map { path in try failing { try Ed25519PublicKey(path: path) } }
        let checkpoints = try checkpoint.flatMap(Self.checkpoints)
        let report = try failing { try JournalVerifier.verify(directory, keys: keys, checkpoints: checkpoints) }
        if json {
            Output.json(report.json)
        } else {
            Output.facts(report.facts)
            for unknown in report.unknowns { Output.line("not known: \(unknown)") }
        }
        guard !report.isSound else { return }
        let shown = report.damages.prefix(10).map(\.description).joined(separator: "; ")
        throw CommandFailure(.refused, "\(directory) is damaged in \(report.damageCount) places: \(shown)")
    }

    private static func checkpoints(_ text: String) throws -> [CheckpointLine] {
        if text.hasPrefix("assay-checkpoint") {
            guard let line = CheckpointLine(text) else {
                throw CommandFailure(.refused, "--checkpoint: the line was altered or cut")
            }
            return [line]
        }
        let lines = String(decoding: try failing { try File.read(text, byteCountMax: 64 << 20) }, as: UTF8.self).split(
            separator: "\n")
        let found = try lines.enumerated().compactMap { index, line -> CheckpointLine? in
            if line.allSatisfy(\.isWhitespace) { return nil }
            guard let checkpoint = CheckpointLine(line) else {
                throw CommandFailure(
                    .refused, "--checkpoint: line \(index + 1) of \(text) is no checkpoint, or was altered or cut")
            }
            return checkpoint
        }
        guard !found.isEmpty else { throw CommandFailure(.refused, "--checkpoint: \(text) holds no checkpoint") }
        return found
    }
}
