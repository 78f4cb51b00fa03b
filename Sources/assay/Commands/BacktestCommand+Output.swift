import Platform
import Replay

// How backtests are printed.
private let outcomes = ["approve", "review", "decline"]

/// `0.0123`, four digits behind the point.
private func four(_ value: Double) -> String { fixed(value, 4) }

private func percent(_ part: Int, of whole: Int) -> String {
    whole > 0 ? "\(fixed(Double(part) / Double(whole) * 100, 2)) %" : "–"
}

extension BacktestReport {
    func print(segment: String?) {
        Output.facts(facts)
        printTables(segment: segment)
        Output.line("")
        for line in speed.lines(count: count) { Output.line(line) }
    }

    private var facts: [(String, String)] {
        var facts = [
            ("challenger", "\(challengerName) \(challengerDigest.hex)"),
            ("thresholds", "review from \(reviewThreshold), decline from \(declineThreshold)"),
            ("decisions", "\(count) by \(name), versions \(versions.map(String.init).joined(separator: ", "))"),
            ("flipped", "\(flipCount) (\(percent(flipCount, of: count)))"),
        ]
        if !comparedNames { facts.append(("features", "taken by their places: no registry tells the recorded names")) }
        if derivedCount > 0 { facts.append(("features", "derived from the transaction for \(derivedCount) decisions")) }
        if underivableCount > 0 { facts.append(("not scored", "\(underivableCount) decisions")) }
        return facts
    }

    private func printTables(segment: String?) {
        printTable(matrixRows)
        printTable(dayRows)
        printTable(scoreRows)
        Output.line("mean shift \(four(challenger.mean - recorded.mean)), mean distance \(four(meanDistance)), \(stability)")
        if !segments.isEmpty { printSegments(segment ?? "segment") }
        Output.line("")
        for line in costLines { Output.line(line) }
    }

    private var matrixRows: [[String]] {
        var rows: [[String]] = [["recorded \\ challenger"] + outcomes + ["all"]]
        for row in 0..<3 { rows.append([outcomes[row]] + flips[row].map { String($0) } + [String(flips[row].reduce(0, +))]) }
        let sums: [String] = (0..<3).map { column in String(flips.reduce(0) { $0 + $1[column] }) }
        rows.append(["all"] + sums + [String(count)])
        return rows
    }

    private var dayRows: [[String]] {
        var rows: [[String]] = [
            ["day (UTC)", "decisions", "alerts recorded", "alerts challenger", "declines recorded", "declines challenger"]
        ]
        for day in days {
            rows.append([
                day.text, String(day.recorded.reduce(0, +)), String(day.recordedAlerts), String(day.challengerAlerts),
                String(day.recorded[2]), String(day.challenger[2]),
            ])
        }
        return rows
    }

    private var scoreRows: [[String]] {
        let names: [String] = ScoreDistribution.shares.map { "p\(fixed($0 * 100, 0))" }
        return [
            ["score", "mean"] + names, ["recorded", four(recorded.mean)] + recorded.quantiles.map(four),
            ["challenger", four(challenger.mean)] + challenger.quantiles.map(four),
        ]
    }

    private var matrixJSON: JSON {
        var rows: [(String, JSON)] = []
        for row in 0..<3 {
            let cells: [(String, JSON)] = (0..<3).map { (outcomes[$0], JSON(flips[row][$0])) }
            rows.append((outcomes[row], JSON.object(cells)))
        }
        return JSON.object(rows)
    }

    private var stability: String {
        guard let index = stabilityIndex else { return "PSI unknown" }
        return "PSI \(four(index)) (\(index < 0.1 ? "stable" : index < 0.25 ? "moved" : "another distribution"))"
    }

    private func printSegments(_ name: String) {
        let shown = segments.prefix(40)
        var rows: [[String]] = [
            [
                name, "decisions", "flipped", "alerts", "alerts challenger", "mean", "mean challenger", "p95", "p95 challenger",
                "PSI",
            ]
        ]
        for segment in shown {
            let counts = [segment.count, segment.flipCount, segment.recordedAlerts, segment.challengerAlerts].map { String($0) }
            let scores = [
                segment.recorded.mean, segment.challenger.mean, segment.recorded.quantiles[5], segment.challenger.quantiles[5],
            ]
            rows.append([segment.name] + counts + scores.map(four) + [segment.stabilityIndex.map(four) ?? "–"])
        }
        printTable(rows)
        if segments.count > shown.count { Output.line("… and \(segments.count - shown.count) more (--json has all)") }
    }

    private func printTable(_ rows: [[String]]) {
        Output.line("")
        for line in Output.table(rows) { Output.line(line) }
    }

    private var costLines: [String] {
        guard let costs else { return ["cost: the bundle carries no cost matrix; --costs missed=M,blocked=B,review=R gives one"] }
        guard costs.improbableCount == 0 else {
            return ["cost: unknown, for \(costs.improbableCount) scores are no probabilities"]
        }
        func line(_ belief: String, _ own: Double, _ other: Double) -> String {
            "cost if \(belief) is right about fraud: recorded outcomes \(fixed(own, 2)), challenger's \(fixed(other, 2)), "
                + "difference \(fixed(other - own, 2))"
        }
        return [
            line("the recorded model", costs.recordedByRecorded, costs.challengerByRecorded),
            line("the challenger", costs.recordedByChallenger, costs.challengerByChallenger),
        ]
    }

    var json: JSON {
        JSON.object([
            "bundle": .string(name), "versions": .array(versions.map { JSON($0) }), "challenger": .string(challengerName),
            "digest": .string(challengerDigest.hex), "review": JSON(reviewThreshold), "decline": JSON(declineThreshold),
            "decisions": JSON(count), "flipped": JSON(flipCount), "other_decisions": JSON(otherCount),
            "derived": JSON(derivedCount), "underivable": JSON(underivableCount), "names_compared": .bool(comparedNames),
            "matrix": matrixJSON,
            "days": .array(days.map(\.json)), "recorded": recorded.json, "challenger_scores": challenger.json,
            "mean_distance": JSON(meanDistance), "psi": stabilityIndex.map { JSON($0) } ?? .null,
            "segments": .array(segments.map(\.json)), "costs": costs?.json ?? .null, "voids": JSON(voidCount),
            "unreadable": JSON(damageCount), "speed": speed.json(count: count),
        ])
    }
}

extension BacktestDay {
    fileprivate var json: JSON {
        func counts(_ values: [Int]) -> JSON { JSON.object(outcomes.indices.map { (outcomes[$0], JSON(values[$0])) }) }
        return JSON.object(["day": .string(text), "recorded": counts(recorded), "challenger": counts(challenger)])
    }
}

extension ScoreDistribution {
    fileprivate var json: JSON {
        var members: [(String, JSON)] = [("mean", JSON(mean)), ("nan", JSON(nanCount))]
        for (share, value) in zip(Self.shares, quantiles) { members.append(("p\(fixed(share * 100, 0))", JSON(value))) }
        return JSON.object(members)
    }
}

extension BacktestSegment {
    fileprivate var json: JSON {
        JSON.object([
            "segment": .string(name), "decisions": JSON(count), "flipped": JSON(flipCount), "alerts": JSON(recordedAlerts),
            "alerts_challenger": JSON(challengerAlerts), "recorded": recorded.json, "challenger": challenger.json,
            "psi": stabilityIndex.map { JSON($0) } ?? .null,
        ])
    }
}

extension BacktestCosts {
    fileprivate var json: JSON {
        JSON.object([
            "recorded_if_recorded": JSON(recordedByRecorded), "challenger_if_recorded": JSON(challengerByRecorded),
            "recorded_if_challenger": JSON(recordedByChallenger), "challenger_if_challenger": JSON(challengerByChallenger),
            "no_probabilities": JSON(improbableCount),
        ])
    }
}

extension BacktestSpeed {
    func nanosecondsPerRow(_ total: UInt64, _ count: Int) -> Double { Double(total) / Double(max(count, 1)) }

    fileprivate func lines(count: Int) -> [String] {
        let wall = nanosecondsPerRow(wallNanoseconds, count)
        let processor = nanosecondsPerRow(processorNanoseconds, count)
        var lines = [
            "\(fixed(Double(wallNanoseconds) / 1e9, 3)) s, \(fixed(1e9 / wall, 0)) decisions/s, \(threadCount) threads, "
                + "\(fixed(processor, 0)) ns of a processor each; \(checkedHash ? "checksums and SHA-256" : "checksums") checked"
        ]
        if let engine = engineWallNanoseconds, let ratios = ratios(count: count) {
            lines.append(
                "engine alone \(fixed(engine, 0)) ns a row (batches of 1,000, one thread); backtest to engine: "
                    + "\(fixed(ratios.clock, 2)) by the clock, \(fixed(ratios.processor, 2)) per processor")
        }
        return lines
    }

    /// How fast the backtest is, measured by the engine alone.
    private func ratios(count: Int) -> (clock: Double, processor: Double)? {
        guard let wall = engineWallNanoseconds, let processor = engineProcessorNanoseconds else { return nil }
        return (
            wall / nanosecondsPerRow(wallNanoseconds, count), processor / nanosecondsPerRow(processorNanoseconds, count)
        )
    }

    fileprivate func json(count: Int) -> JSON {
        let ratios = ratios(count: count)
        return JSON.object([
            "threads": JSON(threadCount), "wall_ns": JSON(wallNanoseconds), "processor_ns": JSON(processorNanoseconds),
            "journal_bytes": JSON(journalByteCount), "sha256_checked": .bool(checkedHash),
            "engine_ns_per_row": engineWallNanoseconds.map { JSON($0) } ?? .null,
            "engine_processor_ns_per_row": engineProcessorNanoseconds.map { JSON($0) } ?? .null,
            "ratio_by_clock": ratios.map { JSON($0.clock) } ?? .null,
            "ratio_per_processor": ratios.map { JSON($0.processor) } ?? .null,
        ])
    }
}
