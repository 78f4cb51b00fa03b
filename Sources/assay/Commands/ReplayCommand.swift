import ArgumentParser
import Audit
import Platform
import Replay
import Wire

/// What `assay replay` and `assay backtest` read.
struct JournalPart: ParsableArguments {
    @Option(help: .init("Directory of the journal; a server may be writing it.", valueName: "DIR"), completion: .directory)
    var journal: String
    @Option(
        help: .init("Decisions from this moment on: 2026-11-21 or 2026-11-21T08:30:00Z.", valueName: "TIME"),
        transform: Moment.parse)
    var from: Moment?
    @Option(help: .init("Decisions before this moment.", valueName: "TIME"), transform: Moment.parse) var to: Moment?
    @Option(help: .init("Threads. Default: one a processor.", valueName: "N")) var threads: Int?
    @Flag(
        inversion: .prefixedNo,
        help: """
            Compute each block's SHA-256 (replay does unless told otherwise, backtest does not); checksums (CRC-32C) and the chain's \
            links are checked in any case.
            """) var verify: Bool?

    func validate() throws {
        if let threads, !(1...ReplayLimits.threadCountMax).contains(threads) {
            throw ValidationError("'--threads' is 1 to \(ReplayLimits.threadCountMax)")
        }
        if let from, let to, from.nanoseconds >= to.nanoseconds { throw ValidationError("'--from' is not before '--to'") }
    }

    var threadCount: Int { threads ?? Surroundings.processorCount }

    var window: JournalWindow {
        var window = JournalWindow()
        if let from { window.from = from.nanoseconds }
        if let to { window.to = to.nanoseconds }
        return window
    }
}

/// `assay replay`.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Score recorded decisions anew and compare them bit for bit.",
        discussion: """
            Ends with 1 when anything differs or can't be read, with 3 when all that could be compared is equal but bundles are missing \
            from the registry. docs/REPLAY.md says what is compared.
            """)

    @OptionGroup var part: JournalPart
    @Option(help: .init("Directory of the registry that has the bundles.", valueName: "DIR"), completion: .directory)
    var registry: String
    @Option(help: .init("Only this decision, in full.", valueName: "SEQUENCE")) var decision: UInt64?
    @Option(help: .init("Only decisions on this transaction.", valueName: "ID")) var transaction: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if decision != nil, transaction != nil || part.from != nil || part.to != nil {
            throw ValidationError("'--decision' names one decision; leave the other choices out")
        }
    }

    func run() throws {
        if let decision { return try compare(decision) }
        var window = part.window
        window.transactionID = transaction.map { Array($0.utf8) }
        let bar = ProgressBar("replay")
        let progress = bar?.progress
        let report = try failing {
            try Replay.run(
                journal: part.journal, registry: registry, window: window, threadCount: part.threadCount,
                checksHash: part.verify ?? true, progress: progress)
        }
        bar?.clear()
        if json { Output.json(report.json) } else { report.print() }
        try conclude(report)
    }

    private func conclude(_ report: ReplayReport) throws {
        if report.differenceCount > 0 {
            throw CommandFailure(.refused, "\(report.differenceCount) of \(report.comparedCount) decisions differ")
        }
        if report.damageCount > 0 {
            throw CommandFailure(
                .refused, "\(report.damageCount) places can't be read; `assay journal verify \(part.journal)` says where and why")
        }
        if report.absentRecordCount > 0 {
            throw CommandFailure(
                .incomplete,
                "\(report.absentRecordCount) decisions could not be compared: their bundles can't be had from \(registry)"
            )
        }
        if report.comparedCount == 0 { throw CommandFailure(.unavailable, "no decision in that part of \(part.journal)") }
    }

    private func compare(_ sequence: UInt64) throws {
        let (comparison, absent) = try failing { try Replay.decision(sequence, journal: part.journal, registry: registry) }
        guard let comparison else {
            throw CommandFailure(.incomplete, "decision \(sequence) was made by \(absent?.text ?? "an unknown bundle")")
        }
        if json { Output.json(comparison.json) } else { comparison.print() }
        guard comparison.differing.isEmpty else {
            let names = comparison.differing.map(\.name).joined(separator: ", ")
            throw CommandFailure(.refused, "decision \(sequence) differs: \(names)")
        }
    }
}
