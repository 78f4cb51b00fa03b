import ArgumentParser
import AssayClient
import Platform
import Wire

/// `assay score`.
struct Score: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a server score one transaction.",
        discussion: "Either --features, in the bundle's order, or --transaction, from which the server derives them.")

    @OptionGroup var options: ServerOptions
    @Option(help: .init("Bundle.", valueName: "NAME")) var bundle: String
    @Option(help: .init("Alias. Default: champion.", valueName: "ALIAS")) var alias = ""
    @Option(help: .init("A fixed version instead of an alias.", valueName: "N")) var version: UInt32 = 0
    @Option(help: .init("Numbers in schema order, separated by commas; empty or nan: missing.", valueName: "V1,V2,…"))
    var features: String?
    @Option(
        help: .init("JSON of a Bitcoin or card transaction, - for stdin (docs/FEATURES.md has the forms).", valueName: "FILE"),
        completion: .file())
    var transaction: String?
    @Option(help: .init("Your id of the transaction, for the audit trail.", valueName: "TEXT")) var transactionID = ""
    @Option(help: .init("How many reasons are wanted, 0-32.", valueName: "N")) var explain: UInt32 = 0
    @Flag(help: "Print the raw scores (margins), too.") var raw = false
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (features == nil) != (transaction == nil) else {
            throw ValidationError("Say either '--features' or '--transaction'")
        }
    }

    func run() async throws {
        let model = ModelReference(bundle: bundle, alias: alias, version: version)
        let candidates = try inputs()
        let decision = try await options.withClient { client throws(AssayError) in
            // Only a vector has to be spelled as the bundle wants it.
            let bits = candidates.count > 1 ? try await client.describeModel(model).precisionBits : 0
            return try await client.score(request(model, candidates[bits == 64 ? 1 : 0]))
        }
        if json { Output.json(decision.json) } else { Output.facts(decision.facts) }
    }

    private func request(_ model: ModelReference, _ input: ScoreInput) -> ScoreRequest {
        var request = ScoreRequest(model: model, input: input)
        request.transactionID = transactionID
        request.caller = String(decoding: Surroundings.userAtHost.utf8.prefix(WireLimits.callerByteCountMax), as: UTF8.self)
        request.explain = explain
        request.includesRaw = raw
        return request
    }

    /// The transaction; or the vector in both precisions, float32 first.
    private func inputs() throws -> [ScoreInput] {
        if let transaction { return [try Self.transactionInput(transaction)] }
        do {
            return [.features32(try FeatureList.floats(features ?? "")), .features64(try FeatureList(features ?? "").values)]
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private static func transactionInput(_ path: String) throws -> ScoreInput {
        let bytes = try failing { try File.read(path == "-" ? "/dev/stdin" : path, byteCountMax: TransactionJSON.byteCountMax) }
        do { return try TransactionJSON.parse(bytes).scoreInput } catch {
            throw CommandFailure(.refused, "\(path): \(error)")
        }
    }
}

extension DecisionMessage {
    var facts: [(String, String)] {
        var facts = [
            ("outcome", outcome.name), ("score", "\(score)"),
            ("bundle", "\(bundle) version \(version)\(isUnproven ? ", unproven" : "")"),
            ("digest", Output.hex(digest)), ("stage", stage.name), ("audit sequence", String(auditSequence)),
            ("server time", "\(Double(serverNanoseconds) / 1000) us"),
        ]
        if scores.count > 1 { facts.append(("scores", scores.map { "\($0)" }.joined(separator: ", "))) }
        if !raw.isEmpty { facts.append(("raw", raw.map { "\($0)" }.joined(separator: ", "))) }
        for reason in reasons { facts.append(("reason", reason.line)) }
        return facts
    }

    var json: JSON {
        JSON.object([
            "outcome": .string(outcome.name), "score": JSON(score), "stage": .string(stage.name), "bundle": .string(bundle),
            "version": JSON(version), "digest": .string(Output.hex(digest)), "audit_sequence": JSON(auditSequence),
            "server_ns": JSON(serverNanoseconds), "scores": .array(scores.map { JSON($0) }), "raw": .array(raw.map { JSON($0) }),
            "reasons": .array(reasons.map(\.json)), "unproven": .bool(isUnproven),
        ])
    }
}

extension ReasonMessage {
    var line: String {
        var line = code
        if !feature.isEmpty {
            line += " \(feature) = \(value), contribution \(contribution)"
        } else {
            line += " \(value) >= \(threshold)"
        }
        return text.isEmpty ? line : "\(line): \(text)"
    }
}
