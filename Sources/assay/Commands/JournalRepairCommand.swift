import ArgumentParser
import Audit
import Platform

/// `assay journal repair`.
struct JournalRepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Make a damaged journal one that verifies, with the damage written down in it.",
        discussion: """
            Good blocks stay byte for byte; repair blocks account for the numbers that are missing; everything that is changed is copied to \
            DIR/quarantine first. Refused while a server has the journal open. Run `assay journal verify` before and after.
            """)

    @Argument(help: .init("Directory of the journal.", valueName: "DIR"), completion: .directory) var directory: String
    @Flag(help: "Say what would be done, and do nothing.") var dryRun = false
    @Option(help: .init("Private key that signs what is written down.", valueName: "FILE"), completion: .file())
    var checkpointKey: String?
    @Option(
        help: .init("Public key whose checkpoints are believed; may be given more than once. Default: any.", valueName: "FILE"),
        completion: .file())
    var publicKey: [String] = []
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let key = try checkpointKey.map { path in try failing { try Ed25519PrivateKey(path: path) } }
        let trusted = try publicKey.map { path in try failing { try Ed25519PublicKey(path: path) } }
        let report = try failing { try JournalRepair.repair(directory, key: key, trusted: trusted, isDryRun: dryRun) }
        if json { Output.json(report.json(isDryRun: dryRun)) } else { Output.facts(report.facts(isDryRun: dryRun)) }
    }
}

extension RepairReport {
    private var ranges: [String] { damaged.map { "\($0.lowerBound) to \($0.upperBound)" } }

    func facts(isDryRun: Bool) -> [(String, String)] {
        if isEmpty { return [("repair", "nothing to repair")] }
        func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
        return [
            ("repair", isDryRun ? "not done (--dry-run)" : "done"), ("damaged records", list(ranges)),
            ("rewritten", list(rewritten)),
            ("removed", list(removed)), ("in quarantine", list(quarantined)), ("proof gaps", String(proofGapCount)),
            ("repairs recorded", String(recordedCount)), ("close marker", isMarkerRewritten ? "rewritten" : "as it was"),
        ]
    }

    func json(isDryRun: Bool) -> JSON {
        func strings(_ names: [String]) -> JSON { .array(names.map { .string($0) }) }
        return JSON.object([
            "needed": .bool(!isEmpty), "done": .bool(!isEmpty && !isDryRun),
            "damaged": .array(damaged.map { JSON.object(["first": JSON($0.lowerBound), "last": JSON($0.upperBound)]) }),
            "rewritten": strings(rewritten), "removed": strings(removed), "quarantined": strings(quarantined),
            "proof_gaps": JSON(proofGapCount), "repairs_recorded": JSON(recordedCount),
            "close_marker_rewritten": .bool(isMarkerRewritten),
        ])
    }
}
