/// One step of a search for the highest rate: a run at a rate, and what it found.
struct RateStep: Sendable, Equatable {
    var rate: Double
    var decisionsPerSecond: Double
    var latency: LoadReport.Latency
    var errors: UInt64
    /// Why the rate does not hold; empty: it holds.
    var failures: [String]

    var holds: Bool { failures.isEmpty }

    init(_ report: LoadReport, rate: Double, objectives: [Condition]) {
        self.rate = rate
        decisionsPerSecond = report.decisionsPerSecond
        latency = report.latency
        errors = report.errorCount
        failures = objectives.filter { !$0.holds(report) }.map { "\($0) fails with \($0.actual(report))" }
        if !report.isRateHeld {
            failures.append("\(Format.count(report.arrivalsUnsent)) of \(Format.count(report.arrivalsDue)) could not be sent")
        }
        if report.errorCount > 0, !objectives.contains(where: \.isAboutErrors) {
            failures.append("\(Format.count(report.errorCount)) errors")
        }
        if report.mismatchCount > 0 { failures.append("\(Format.count(report.mismatchCount)) mismatches") }
        if !holds, report.isGeneratorBusy { failures.append("the generator was busy") }
    }

    /// One line for people.
    var text: String {
        let figures = [
            Format.padded("\(Format.count(UInt64(rate)))/s", 14), holds ? "holds" : "fails",
            "  \(Format.count(UInt64(decisionsPerSecond.rounded()))) tx/s", "p50 \(Format.duration(latency.p50))",
            "p99 \(Format.duration(latency.p99))", "p99.9 \(Format.duration(latency.p999))",
        ]
        return figures.joined(separator: "  ") + (holds ? "" : "   (" + failures.joined(separator: ", ") + ")")
    }
}

/// How a search for the highest rate ended.
struct RateSearchResult: Sendable, Equatable {
    /// The highest rate that held; nil: none did.
    var best: Double?
    var steps: [RateStep]
    var objectives: [Condition]

    var text: String {
        let wanted = objectives.map(\.description).joined(separator: ", ")
        guard let best else { return "no rate was found that holds \(wanted)" }
        return "\(Format.count(UInt64(best))) requests/s is the highest rate found that holds \(wanted)"
    }
}
