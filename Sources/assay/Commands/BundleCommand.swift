import ArgumentParser
import ModelBundle
import Platform

/// `assay bundle …`: makes and examines bundle files.
struct BundleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle", abstract: "Make, check and try bundle files.",
        subcommands: [BundleImport.self, BundleInspect.self, BundleVerify.self, BundleScore.self])
}

/// `assay bundle inspect`.
struct BundleInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Print what a bundle holds.", discussion: "Admits it first, as a server would.")

    @Argument(help: .init("Bundle file.", valueName: "FILE"), completion: .file()) var file: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let bundle = try failing { try Bundle.admit(file: file) }
        if json {
            Output.json(bundle.json)
        } else {
            Output.facts(bundle.facts)
            Output.line("")
            for line in Output.table([["FEATURE", "NAME", "TYPE", "MISSING", "SOURCE"]] + bundle.featureRows) {
                Output.line(line)
            }
        }
    }
}

/// `assay bundle verify`.
struct BundleVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Admit a bundle as a server would: digest, structure, golden rows.",
        discussion: "Ends with 1 when it is refused, and says why.")

    @Argument(help: .init("Bundle file.", valueName: "FILE"), completion: .file()) var file: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let bundle: Bundle
        do { bundle = try Bundle.admit(file: file) } catch {
            if json {
                Output.json(JSON.object(["file": .string(file), "admitted": false, "refused": .string(error.description)]))
            }
            let failure = CommandFailure(error)
            throw failure.code == .refused ? CommandFailure(.refused, "\(file) is refused: \(failure)") : failure
        }
        if json {
            Output.json(
                JSON.object([
                    "file": .string(file), "admitted": true, "refused": .null, "name": .string(bundle.name),
                    "digest": .string(bundle.digest.hex), "golden_rows": JSON(bundle.goldenRowCount),
                    "unproven": .bool(bundle.isUnproven),
                ]))
        } else {
            Output.line("\(bundle.name) \(bundle.digest.hex) admitted; \(bundle.proof)")
        }
    }
}

extension Bundle {
    /// What vouches for its scores.
    var proof: String {
        if isUnproven { return "unproven: no golden rows" }
        let tolerance = goldenTolerance
        let how = tolerance.isExact ? "bit for bit" : "within \(tolerance.raw) (raw) and \(tolerance.outputs) (outputs)"
        return "\(goldenRowCount) golden rows reproduced \(how)"
    }

    var facts: [(String, String)] {
        [
            ("name", name), ("digest", digest.hex), ("bytes", String(byteCount)), ("objective", objective),
            ("precision", "\(precision)"), ("sums", "\(sumPrecision)"), ("explains", explains ? "yes" : "no"),
            ("features", String(featureCount)), ("outputs", String(outputCount)),
            ("trees", String(treeCount)), ("nodes", String(nodeCount)), ("deciding output", String(policy.decidingOutput)),
            ("review from", "\(policy.reviewThreshold)"), ("decline from", "\(policy.declineThreshold)"),
            ("golden rows", isUnproven ? "none: unproven" : proof),
        ] + provenance.map { ("provenance \($0.key)", $0.value) }
    }

    var featureRows: [[String]] {
        schema.features.enumerated().map { index, feature in
            [
                String(index), feature.name, feature.type.name, feature.missingAllowed ? "allowed" : "refused",
                feature.source?.name ?? "-",
            ]
        }
    }

    /// Thresholds that nothing reaches are null.
    var json: JSON {
        JSON.object([
            "name": .string(name), "digest": .string(digest.hex), "bytes": JSON(byteCount), "objective": .string(objective),
            "precision": .string("\(precision)"), "sum_precision": .string("\(sumPrecision)"), "explains": .bool(explains),
            "feature_count": JSON(featureCount), "output_count": JSON(outputCount),
            "tree_count": JSON(treeCount), "node_count": JSON(nodeCount), "deciding_output": JSON(policy.decidingOutput),
            "review_threshold": JSON(policy.reviewThreshold), "decline_threshold": JSON(policy.declineThreshold),
            "golden_rows": JSON(goldenRowCount), "golden_tolerance": JSON(goldenTolerance.outputs),
            "golden_raw_tolerance": JSON(goldenTolerance.raw), "unproven": .bool(isUnproven),
            "provenance": .object(provenance.map { ($0.key, .string($0.value)) }),
            "features": .array(
                schema.features.map { feature in
                    JSON.object([
                        "name": .string(feature.name), "type": .string(feature.type.name),
                        "missing_allowed": .bool(feature.missingAllowed),
                        "reason": .string(feature.reason),
                        "source": feature.source.map { .string($0.name) } ?? .null,
                    ])
                }),
        ])
    }
}
