import Platform

/// Holds checkpoints, in order, against the blocks of a journal, in order.
struct CheckpointWalk {
    private var proof: ProofVerifier
    /// Checkpoints that were kept elsewhere and are believed, ascending.
    private var outside: ArraySlice<ProofEntry>
    private var inside: ProofEntry?
    /// The newest checkpoint that fitted, and how many did.
    private(set) var last: ProofEntry?
    private(set) var count = 0
    private var isContradicted = false

    init(_ proof: ProofVerifier) throws(SystemError) {
        self.proof = proof
        outside = proof.missingCheckpoints[...]
        inside = try self.proof.nextCheckpoint()
    }

    /// A checkpoint that contradicts the block; nil: none does. `hash`: of the last number `last`; nil: not known (a repair stands there).
    mutating func take(first: UInt64, last: UInt64, hash: SHA256Digest?) throws(SystemError) -> ProofEntry? {
        var contradicted: ProofEntry?
        while let checkpoint = peek, checkpoint.sequence <= last {
            try advance()
            if checkpoint.sequence >= first, let hash {
                let fits = checkpoint.sequence == last && checkpoint.hash == hash
                if fits {
                    self.last = checkpoint
                    count += 1
                } else if !isContradicted {
                    contradicted = contradicted ?? checkpoint
                }
                isContradicted = !fits
            } else if checkpoint.sequence >= first {
                // The repair says that these are missing, and is itself an entry of the proof.
                isContradicted = false
            }
        }
        return contradicted
    }

    /// The last of those that are left over: they cover what the journal doesn't have.
    mutating func rest() throws(SystemError) -> ProofEntry? {
        var newest: ProofEntry?
        while let checkpoint = peek {
            newest = checkpoint
            try advance()
        }
        return newest
    }

    private var peek: ProofEntry? {
        guard let other = outside.first else { return inside }
        guard let inside else { return other }
        return other.sequence < inside.sequence ? other : inside
    }

    private mutating func advance() throws(SystemError) {
        if let other = outside.first, other == peek { outside.removeFirst() } else { inside = try proof.nextCheckpoint() }
    }
}
