import Platform

/// Checks the file `proof` by itself, and gives its checkpoints in order, to be held against the blocks.
struct ProofVerifier {
    private let identity: JournalIdentity
    /// Empty: any key that signed is taken at its word.
    private let trusted: [Ed25519PublicKey]
    private let isLive: Bool
    private var signedBefore = false
    private var reader: ProofReader
    /// Checkpoints that were kept elsewhere and aren't in the proof, by their digest.
    private var missing: [SHA256Digest: ProofEntry]

    private(set) var damages: [JournalDamage] = []
    private(set) var damageCount = 0
    private(set) var retirement: ProofEntry?
    /// Repairs by the hash of their blocks.
    private(set) var repairs: [SHA256Digest: ProofEntry] = [:]
    private(set) var gaps: [ProofEntry] = []
    private(set) var keys: [Ed25519PublicKey] = []

    /// Reads and checks all entries.
    init(
        _ storage: any JournalStorage, identity: JournalIdentity, trusted: [Ed25519PublicKey], outside: [CheckpointLine],
        isLive: Bool
    ) throws(SystemError) {
        self.identity = identity
        self.trusted = trusted
        self.isLive = isLive
        missing = Dictionary(outside.map { ($0.entry.digest, $0.entry) }) { first, _ in first }
        reader = try ProofReader(storage)
        try check()
        // The second reading must end where the first did.
        reader = reader.restarted
    }

    /// The next checkpoint that is signed as it should be; nil: there is none.
    mutating func nextCheckpoint() throws(SystemError) -> ProofEntry? {
        while let entry = try reader.next() {
            if entry.kind == .checkpoint, isProven(entry) { return entry }
        }
        return nil
    }

    /// Checkpoints that are believed though the proof lacks them, ascending.
    var missingCheckpoints: [ProofEntry] { missing.values.filter(isProven).sorted { $0.sequence < $1.sequence } }

    /// Whether an entry says something that can be believed.
    func isProven(_ entry: ProofEntry) -> Bool {
        guard entry.identity == identity, entry.hasGoodSignature, let key = entry.publicKey else { return false }
        return trusted.isEmpty || trusted.contains(key)
    }

    private mutating func check() throws(SystemError) {
        var hash = identity.proofGenesis
        var index: UInt64 = 0
        var checkpointCount = 0
        while true {
            let offset = reader.offset
            guard let bytes = try reader.nextBytes() else { break }
            guard let entry = ProofEntry(bytes) else {
                note(.proofEntry, offset)
                // One entry was here; what it said of its successor isn't known.
                index += 1
                hash = .zero
                continue
            }
            if (hash != .zero && entry.previousHash != hash) || entry.index != index {
                note(.proofChainBroken(expected: index, found: entry.index), offset)
            }
            check(entry, offset)
            missing[entry.digest] = nil
            if entry.kind == .checkpoint, isProven(entry) { checkpointCount += 1 }
            hash = entry.successorHash
            index = entry.successorIndex
        }
        if reader.restByteCount > 0, !isLive { note(.proofTorn(byteCount: reader.restByteCount), reader.offset) }
        for entry in missing.values.sorted(by: { $0.index < $1.index }) {
            check(entry, reader.byteCount)
            note(.checkpointMissing(index: entry.index), reader.byteCount)
        }
        if !trusted.isEmpty, checkpointCount == 0 { note(.unsigned, reader.byteCount) }
    }

    private mutating func check(_ entry: ProofEntry, _ offset: Int) {
        if entry.identity != identity { return note(.foreignProof, offset) }
        if let key = entry.publicKey {
            if !entry.hasGoodSignature { return note(.proofSignature, offset) }
            if !keys.contains(key), keys.count < AuditLimits.proofKeyCountMax { keys.append(key) }
            if !trusted.isEmpty, !trusted.contains(key) { return note(.proofKey(key), offset) }
            signedBefore = true
        } else if signedBefore, !trusted.isEmpty || entry.kind == .checkpoint {
            note(.proofUnsigned, offset)
        } else if entry.kind == .checkpoint {
            // A checkpoint is nothing without its signature.
            note(.proofSignature, offset)
        }
        switch entry.kind {
        case .retirement: retirement = entry
        case .repair: repairs[entry.hash] = entry
        case .gap: gaps.append(entry)
        case .checkpoint: break
        }
    }

    private mutating func note(_ kind: JournalDamage.Kind, _ offset: Int) {
        damageCount += 1
        guard damages.count < AuditLimits.damageCountMax else { return }
        damages.append(JournalDamage(segment: JournalDirectory.proofName, offset: offset, kind: kind))
    }
}
