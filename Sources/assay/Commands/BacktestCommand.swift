import ArgumentParser
import Glibc
import ModelBundle
import Platform
import Replay
import Synchronization

/// `assay backtest`.
struct BacktestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backtest", abstract: "Score recorded decisions with another bundle: what would change?",
        discussion: """
            Prints how many decisions would turn out otherwise, alerts a day, and how scores move. docs/REPLAY.md tells how to read it.
            """)

    @OptionGroup var part: JournalPart
    @Option(help: .init("The challenger.", valueName: "FILE"), completion: .file()) var bundle: String
    @Option(help: .init("Score decisions by the bundle of this name. Default: the challenger's own.", valueName: "NAME"))
    var name: String?
    @Option(
        help: .init(
            "Registry with the bundles that decided: features are matched by name then, and may be in another order or more than needed.",
            valueName: "DIR"), completion: .directory)
    var registry: String?
    @Option(
        help: .init("Other thresholds for the challenger than its own.", valueName: "review=R,decline=D"),
        transform: { try NumberList($0, names: ["review", "decline"]) })
    var thresholds: NumberList?
    @Option(
        help: .init(
            "What outcomes cost: a fraud approved, an honest transaction declined, a review.",
            valueName: "missed=M,blocked=B,review=R"),
        transform: { try NumberList($0, names: ["missed", "blocked", "review"]) })
    var costs: NumberList?
    @Option(help: .init("Group by caller, alias, version, day, hour or a feature.", valueName: "WHAT")) var segment: String?
    @Option(help: .init("File for the flipped decisions.", valueName: "FILE"), completion: .file()) var csv: String?
    @Option(help: .init("File for a picture.", valueName: "FILE"), completion: .file()) var svg: String?
    @Flag(help: "Measure the engine alone on the same rows, too, and print the ratio.") var engineSpeed = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let challenger = try failing { try Bundle.admit(file: bundle) }
        var plan = try plan(challenger)
        let file = try csv.map { path in try failing { try FlipFile(path) } }
        if let file { plan.takesFlips = { file.append($0) } }
        let bar = ProgressBar("backtest")
        plan.progress = bar?.progress
        let report = try failing { try Backtest.run(plan, journal: part.journal) }
        bar?.clear()
        try failing { try file?.close() }
        if let svg { try failing { try File.writeAtomically(Array(BacktestPicture(report).svg.utf8), to: svg) } }
        if json { Output.json(report.json) } else { report.print(segment: segment) }
        guard report.damageCount == 0 else {
            throw CommandFailure(
                .refused, "\(report.damageCount) places can't be read; `assay journal verify \(part.journal)` says where and why")
        }
        guard report.underivableCount == 0 else {
            throw CommandFailure(
                .incomplete,
                "\(report.underivableCount) decisions were not scored: their transactions lack features of the challenger"
            )
        }
    }

    private func plan(_ challenger: Bundle) throws -> BacktestPlan {
        var plan = BacktestPlan(challenger)
        plan.name = name ?? challenger.name
        plan.window = part.window
        plan.threadCount = part.threadCount
        plan.checksHash = part.verify ?? false
        plan.measuresEngine = engineSpeed
        if let thresholds {
            let policy = OutcomePolicy(
                decidingOutput: challenger.policy.decidingOutput,
                reviewThreshold: thresholds["review"] ?? challenger.policy.reviewThreshold,
                declineThreshold: thresholds["decline"] ?? challenger.policy.declineThreshold)
            guard policy.declineThreshold >= policy.reviewThreshold else {
                throw CommandFailure(
                    .refused,
                    "the threshold for review, \(policy.reviewThreshold), is above that for decline, \(policy.declineThreshold)")
            }
            plan.policy = policy
        }
        if let costs {
            plan.costs = CostMatrix(missed: costs["missed"] ?? 0, blocked: costs["blocked"] ?? 0, review: costs["review"] ?? 0)
        }
        plan.segment = try segment.map { name in try failing { try SegmentKey(name, challenger: challenger) } }
        plan.shelf = try registry.map { path in try failing { try BundleShelf(registry: path) } }
        return plan
    }
}

/// `name=number,…`
struct NumberList: Equatable, Sendable {
    private let numbers: [String: Double]

    init(_ text: String, names: [String]) throws {
        var numbers: [String: Double] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, names.contains(String(sides[0])), let number = Double(sides[1]), !number.isNaN,
                numbers.updateValue(number, forKey: String(sides[0])) == nil
            else {
                throw ValidationError("'\(part)' is none of \(names.map { "\($0)=NUMBER" }.joined(separator: ", ")), each once")
            }
        }
        self.numbers = numbers
    }

    subscript(name: String) -> Double? { numbers[name] }
}

/// The file that flipped decisions go to; the first failure to write is told at the end.
private final class FlipFile: Sendable {
    private let descriptor: FileDescriptor
    private let failure = Mutex<SystemError?>(nil)

    init(_ path: String) throws(SystemError) {
        // Whose transactions were declined is not for everybody on the machine.
        descriptor = try File.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o640)
        append(Array(FlipLines.header.utf8))
    }

    func append(_ lines: [UInt8]) {
        do throws(SystemError) { try File.write(descriptor, lines) } catch { failure.withLock { $0 = $0 ?? error } }
    }

    func close() throws(SystemError) {
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
