import Platform

/// Decides what a damaged `proof` is made of: its good entries, and gaps in the place of the others.
struct ProofRepair {
    private let identity: JournalIdentity
    private let trusted: [Ed25519PublicKey]
    private let key: Ed25519PrivateKey?
    private var hash: SHA256Digest
    private var index: UInt64 = 0
    private(set) var entries: [ProofEntry] = []
    private(set) var gapCount = 0
    /// The file holds something else than `entries`.
    private(set) var isNeeded = false

    init(
        _ storage: any JournalStorage, identity: JournalIdentity, trusted: [Ed25519PublicKey], key: Ed25519PrivateKey?, now: Int64
    ) throws(SystemError) {
        self.identity = identity
        self.trusted = trusted
        self.key = key
        hash = identity.proofGenesis
        var reader = try ProofReader(storage)
        var places = 0
        var good: [ProofEntry] = []
        var signedBefore = false
        while let bytes = try reader.nextBytes() {
            places += 1
            guard let entry = ProofEntry(bytes), isGood(entry, signedBefore) else { continue }
            signedBefore = signedBefore || entry.publicKey != nil
            good.append(entry)
        }
        for entry in good.sorted(by: { $0.index < $1.index }) { take(entry, now) }
        if places > Int(clamping: index) { gap(count: UInt64(places) - index, hash: hash, now) }
        if reader.byteCount > 0 { isNeeded = try storage.read(JournalDirectory.proofName) != entries.flatMap(\.encoded) }
    }

    /// Checkpoints that are believed, ascending.
    var checkpoints: [ProofEntry] { entries.filter { $0.kind == .checkpoint }.sorted { $0.sequence < $1.sequence } }
    var retirement: ProofEntry? { entries.last { $0.kind == .retirement } }

    private func isGood(_ entry: ProofEntry, _ signedBefore: Bool) -> Bool {
        guard entry.identity == identity else { return false }
        guard let key = entry.publicKey else { return entry.kind != .checkpoint && (trusted.isEmpty || !signedBefore) }
        return entry.hasGoodSignature && (trusted.isEmpty || trusted.contains(key))
    }

    private mutating func take(_ entry: ProofEntry, _ now: Int64) {
        if entry.index == index, entry.previousHash != hash, let last = entries.last, last.publicKey == nil, last.kind != .gap,
            entry.publicKey != nil
        {
            // The signed one knows what stood before it: the unsigned one was replaced.
            entries.removeLast()
            index = last.index
            hash = last.previousHash
        }
        if entry.index > index { gap(count: entry.index - index, hash: entry.previousHash, now) }
        guard entry.index == index, entry.previousHash == hash else { return }
        entries.append(entry)
        index = entry.successorIndex
        hash = entry.successorHash
    }

    private mutating func gap(count: UInt64, hash next: SHA256Digest, _ now: Int64) {
        let entry = ProofEntry(
            kind: .gap, identity: identity, index: index, timeNanoseconds: now, segment: 0, sequence: index, count: count,
            hash: next,
            previousHash: hash, key: key)
        entries.append(entry)
        gapCount += 1
        index = entry.successorIndex
        hash = next
    }
}
