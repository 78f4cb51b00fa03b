import Platform
import Wire

/// What a journal holds and what is wrong with it.
public struct JournalReport: Sendable, Equatable {
    public var identity: JournalIdentity
    public var segmentCount = 0
    public var blockCount = 0
    /// Decisions.
    public var recordCount = 0
    /// Numbers that belong to no decision.
    public var voids: [VoidRange] = []
    public var firstSequence: UInt64?
    public var lastSequence: UInt64?
    public var byteCount = 0
    /// Hash of the last block.
    public var tailHash: SHA256Digest?
    /// A server has the journal open; what it was writing at the time isn't looked at.
    public var isLive = false
    public var wasClosedCleanly = false
    /// Signed checkpoints whose signature, key and blocks are good.
    public var checkpointCount = 0
    /// The newest of these.
    public var checkpoint: ProofEntry?
    /// Keys that signed.
    public var keys: [Ed25519PublicKey] = []
    /// Whether the signatures were held against keys that the caller gave.
    public var hasTrustedKeys = false
    /// The newest word on what retention has deleted.
    public var retirement: ProofEntry?
    /// Entries of the proof that were unreadable and are recorded as such.
    public var gaps: [ProofEntry] = []
    /// In the order of their places, the proof's own first; the first thousand.
    public var damages: [JournalDamage] = []
    public var damageCount = 0

    public var isSound: Bool { damageCount == 0 }

    init(identity: JournalIdentity) { self.identity = identity }

    /// What was not, or can't be, known from this journal with what was given, in sentences.
    public var unknowns: [String] {
        var unknowns: [String] = []
        if let retirement {
            let time = UTCTimestamp.text(unixNanoseconds: retirement.timeNanoseconds, digitCount: 0)
            unknowns.append(
                "records up to \(retirement.sequence) were retired by \(time) (\(retirement.publicKey == nil ? "unsigned" : "signed")): what they held isn't here to be checked"
            )
        }
        for void in voids where void.cause == .damaged {
            unknowns.append(
                "records \(void.first) to \(void.last) were damaged and repaired: what was readable of them is in quarantine")
        }
        for gap in gaps { unknowns.append("\(gap.count) entries of the proof from \(gap.sequence) on were damaged and repaired") }
        unknowns += signatureUnknowns
        if !wasClosedCleanly, isLive { unknowns.append("a server is writing: what it writes now wasn't looked at") }
        return unknowns
    }

    private var signatureUnknowns: [String] {
        guard let checkpoint else {
            return [
                "there is no signed checkpoint: whoever can write the directory can compute a whole journal anew, or cut its end off"
            ]
        }
        var unknowns: [String] = []
        let last = lastSequence ?? 0
        if last > checkpoint.sequence {
            unknowns.append(
                "records \(checkpoint.sequence + 1) to \(last) came after the newest checkpoint: they could have been rewritten, or more of them cut off"
            )
        } else {
            unknowns.append(
                "what came after record \(last), the end of the newest checkpoint, could have been cut off together with later checkpoints; hold a checkpoint that was kept elsewhere against it (--checkpoint)"
            )
        }
        if !hasTrustedKeys {
            unknowns.append(
                "whether the keys that signed are yours (\(keys.map(\.description).joined(separator: ", "))): give --public-key")
        }
        unknowns.append(
            "whoever holds the private key can sign another history; a checkpoint that was kept elsewhere limits them to what came later"
        )
        return unknowns
    }
}
