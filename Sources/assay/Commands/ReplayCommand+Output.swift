import Platform
import Replay

// How replays are printed.
extension AbsentBundle {
    var text: String { "\(name) version \(version), \(digest.hex) (\(why))" }

    var json: JSON {
        JSON.object([
            "bundle": .string(name), "version": JSON(version), "digest": .string(digest.hex), "why": .string(why),
            "decisions": JSON(recordCount),
        ])
    }
}

extension ReplayReport {
    func print() {
        Output.facts(facts)
        for bundle in bundles {
            Output.line("  \(bundle.name) version \(bundle.version)  \(bundle.digest.hex.prefix(16))…  \(bundle.count) decisions")
        }
        for bundle in absent { Output.line("  \(bundle.text): \(bundle.recordCount) decisions not compared") }
        for difference in differences {
            Output.line("")
            Output.line("decision \(difference.sequence) differs: \(difference.parts.text)")
            for line in difference.comparison.differing {
                Output.line("  \(line.name): recorded \(line.recorded), recomputed \(line.recomputed)")
            }
        }
        if differenceCount > differences.count { Output.line("… and \(differenceCount - differences.count) more") }
    }

    private var facts: [(String, String)] {
        var facts = [
            ("compared", "\(comparedCount) decisions"), ("differing", String(differenceCount)),
            ("features derived anew", String(derivedCount)),
            ("reasons computed anew", "\(explainedCount), of these \(closeCount) equal within the tolerance only"),
            ("not compared", "\(absentRecordCount) decisions of \(absent.count) bundles that are not there"),
            ("void", "\(voidCount) records without a decision"), ("unreadable", "\(damageCount) places"),
            ("time", speed),
        ]
        for (name, count) in differencesByPart.sorted(by: { $0.key < $1.key }) {
            facts.append(("differing \(name)", String(count)))
        }
        return facts
    }

    private var speed: String {
        let seconds = Double(wallNanoseconds) / 1e9
        let rate = seconds > 0 ? Int(Double(comparedCount) / seconds) : 0
        return "\(fixed(seconds, 2)) s, \(rate) decisions/s, \(threadCount) threads"
    }

    var json: JSON {
        JSON.object([
            "compared": JSON(comparedCount), "differing": JSON(differenceCount), "derived": JSON(derivedCount),
            "explained": JSON(explainedCount), "explained_within_tolerance": JSON(closeCount),
            "not_compared": JSON(absentRecordCount), "absent_bundles": .array(absent.map(\.json)),
            "bundles": .array(
                bundles.map {
                    JSON.object([
                        "bundle": .string($0.name), "version": JSON($0.version), "digest": .string($0.digest.hex),
                        "decisions": JSON($0.count),
                    ])
                }),
            "voids": JSON(voidCount), "unreadable": JSON(damageCount),
            "differing_by_part": JSON.object(differencesByPart.sorted { $0.key < $1.key }.map { ($0.key, JSON($0.value)) }),
            "differences": .array(
                differences.map {
                    JSON.object([
                        "sequence": JSON($0.sequence), "parts": .string($0.parts.text),
                        "differing": .array($0.comparison.differing.map(\.json)),
                    ])
                }),
            "threads": JSON(threadCount), "wall_ns": JSON(wallNanoseconds), "processor_ns": JSON(processorNanoseconds),
        ])
    }
}

extension SideBySide.Line {
    var json: JSON {
        JSON.object([
            "name": .string(name), "recorded": .string(recorded), "recomputed": .string(recomputed), "equal": .bool(isEqual),
        ])
    }
}

extension SideBySide {
    func print() {
        Output.line(record.line)
        Output.line("digest \(Output.hex(record.digest))")
        Output.line("")
        let rows = lines.map { [$0.isEqual ? "=" : "≠", $0.name, $0.recorded, $0.recomputed] }
        for line in Output.table([["", "", "RECORDED", "RECOMPUTED"]] + rows) { Output.line(line) }
    }

    var json: JSON {
        JSON.object([
            "record": record.json, "equal": .bool(differing.isEmpty), "lines": .array(lines.map(\.json)),
        ])
    }
}

/// A number with so many digits behind the point.
func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value.magnitude * scale).rounded())
    let text = String(scaled)
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return digits == 0 ? sign + padded : "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
}
