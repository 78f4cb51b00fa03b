import Audit
import Platform
import Wire

// How journals and records are printed.
extension JournalReport {
    var facts: [(String, String)] {
        [
            ("journal", identity.description), ("state", state), ("segments", String(segmentCount)),
            ("blocks", String(blockCount)),
            ("decisions", String(recordCount)),
            ("numbers", firstSequence.flatMap { first in lastSequence.map { "\(first) to \($0)" } } ?? "none"),
            ("voids", voids.isEmpty ? "none" : voids.prefix(20).map(\.text).joined(separator: "; ")),
            ("bytes", String(byteCount)), ("last block", tailHash?.hex ?? "none"), ("checkpoints", checkpointText),
            ("damages", String(damageCount)),
        ]
    }

    private var checkpointText: String {
        guard let checkpoint else { return "none" }
        let time = UTCTimestamp.text(unixNanoseconds: checkpoint.timeNanoseconds, digitCount: 0)
        return "\(checkpointCount), the newest of \(time) through \(checkpoint.sequence)"
    }

    private var state: String {
        isLive ? "open (a server is writing it)" : wasClosedCleanly ? "closed cleanly" : "not closed (the next start recovers it)"
    }

    var json: JSON {
        JSON.object([
            "journal": .string(identity.description), "ok": .bool(isSound), "live": .bool(isLive),
            "closed_cleanly": .bool(wasClosedCleanly), "segments": JSON(segmentCount), "blocks": JSON(blockCount),
            "decisions": JSON(recordCount), "first_sequence": firstSequence.map { JSON($0) } ?? .null,
            "last_sequence": lastSequence.map { JSON($0) } ?? .null, "voids": .array(voids.map(\.json)), "bytes": JSON(byteCount),
            "last_block": tailHash.map { .string($0.hex) } ?? .null, "checkpoints": JSON(checkpointCount),
            "checkpoint_sequence": checkpoint.map { JSON($0.sequence) } ?? .null,
            "keys": .array(keys.map { .string($0.description) }), "keys_trusted": .bool(hasTrustedKeys),
            "retired_through": retirement.map { JSON($0.sequence) } ?? .null,
            "not_known": .array(unknowns.map { .string($0) }), "damage_count": JSON(damageCount),
            "damages": .array(
                damages.map { damage in
                    JSON.object([
                        "segment": .string(damage.segment), "offset": JSON(damage.offset), "kind": .string(damage.kind.name),
                        "first_sequence": damage.records.map { JSON($0.lowerBound) } ?? .null,
                        "last_sequence": damage.records.map { JSON($0.upperBound) } ?? .null,
                        "text": .string(damage.description),
                    ])
                }),
        ])
    }
}

extension VoidRange {
    var causeName: String {
        switch cause {
        case .unspecified: "unspecified"
        case .processDied: "process_died"
        case .memoryLost: "memory_lost"
        case .damaged: "damaged"
        }
    }

    var text: String { "\(first) to \(last) (\(causeName))" }

    var json: JSON { JSON.object(["first": JSON(first), "last": JSON(last), "cause": .string(causeName)]) }
}

extension AuditRecord {
    /// For people: number, time, outcome, score, model, ids.
    var line: String {
        if let voidRange { return "\(voidRange.first) void \(voidRange.text)" }
        var line = "\(sequence) \(UTCTimestamp.text(unixNanoseconds: timeNanoseconds, digitCount: 9)) \(outcome.name) \(score) "
        line += "\(bundle)/\(version) \(stage.name) \(serverNanoseconds)ns"
        if !transactionID.isEmpty { line += " id=\(transactionID.debugDescription)" }
        if !caller.isEmpty { line += " caller=\(caller.debugDescription)" }
        return line
    }

    var json: JSON {
        if let voidRange { return JSON.object(["sequence": JSON(sequence), "void": voidRange.json]) }
        return JSON.object([
            "sequence": JSON(sequence), "time": .string(UTCTimestamp.text(unixNanoseconds: timeNanoseconds, digitCount: 9)),
            "bundle": .string(bundle), "version": JSON(version), "alias": .string(alias), "digest": .string(Output.hex(digest)),
            "score": JSON(score), "scores": .array(Self.doubles(scores)), "outcome": .string(outcome.name),
            "stage": .string(stage.name),
            "reasons": .array(reasons.map(\.json)), "features": .array(features),
            "bitcoin": bitcoin.isEmpty ? .null : .string(Output.hex(bitcoin)),
            "card": card.isEmpty ? .null : .string(Output.hex(card)),
            "transaction_id": .string(transactionID), "caller": .string(caller), "request_id": JSON(requestID),
            "server_ns": JSON(serverNanoseconds), "unproven": .bool(isUnproven),
            "sealed_personal": sealedPersonal.isEmpty ? .null : .string(Output.hex(sealedPersonal)),
            "subject_ref": subjectReference.isEmpty ? .null : .string(Output.hex(subjectReference)),
        ])
    }

    /// Missing ones are null.
    private var features: [JSON] {
        features64.isEmpty ? Self.floats(features32) : Self.doubles(features64)
    }

    private static func floats(_ bytes: [UInt8]) -> [JSON] {
        stride(from: 0, through: bytes.count - 4, by: 4).map { offset in
            JSON(Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32($1 * 8) }))
        }
    }

    private static func doubles(_ bytes: [UInt8]) -> [JSON] {
        stride(from: 0, through: bytes.count - 8, by: 8).map { offset in
            JSON(Double(bitPattern: (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64($1 * 8) }))
        }
    }
}

extension ReasonMessage {
    var json: JSON {
        JSON.object([
            "code": .string(code), "feature": .string(feature), "value": JSON(value), "threshold": JSON(threshold),
            "contribution": JSON(contribution), "text": .string(text),
        ])
    }
}
