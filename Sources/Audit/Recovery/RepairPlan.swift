import Platform

/// A good block, by its place and its header.
struct IndexedBlock: Equatable {
    let segment: UInt64
    let offset: Int
    let header: BlockHeader
    /// What the next block names as its predecessor.
    let successorHash: SHA256Digest

    var endOffset: Int { offset + BlockHeader.byteCount + header.storedByteCount }
}

/// What a repaired journal consists of, in order.
enum RepairItem: Equatable {
    case block(IndexedBlock)
    /// A repair block to be written: these numbers are damaged, and what follows names `chain` as its predecessor.
    case damaged(ClosedRange<UInt64>, chain: SHA256Digest)

    var first: UInt64 {
        switch self {
        case .block(let block): block.header.firstSequence
        case .damaged(let range, _): range.lowerBound
        }
    }

    var last: UInt64 {
        switch self {
        case .block(let block): block.header.lastSequence
        case .damaged(let range, _): range.upperBound
        }
    }

    /// What this item names as its predecessor; nil: whatever stands there.
    var previousHash: SHA256Digest? {
        if case .block(let block) = self { block.header.previousHash } else { nil }
    }

    var successorHash: SHA256Digest {
        switch self {
        case .block(let block): block.successorHash
        case .damaged(_, let chain): chain
        }
    }

    /// A block of decisions or numbers; repairs are no evidence.
    var isEvidence: Bool { if case .block(let block) = self { block.header.kind != .repair } else { false } }
}

/// Decides what a damaged journal is made of: the blocks that follow each other, and in between the numbers that are damaged. Knows no file.
struct RepairPlan {
    private(set) var items: [RepairItem] = []
    /// Good blocks that follow nothing and are followed by nothing: forged, doubled, of another history.
    private(set) var rejected: [IndexedBlock] = []
    private let start: CleanMarker
    private let predecessors: Set<SHA256Digest>
    private let signed: Set<SHA256Digest>

    /// - Parameters:
    ///   - blocks: all good blocks of the journal.
    ///   - start: where the journal begins: the first number, and the hash that it follows.
    ///   - checkpoints: those that are believed, ascending.
    ///   - marker: where it was closed.
    init(blocks: [IndexedBlock], start: CleanMarker, checkpoints: [ProofEntry], marker: CleanMarker?) {
        self.start = start
        predecessors = Set(blocks.map(\.header.previousHash))
        signed = Set(checkpoints.map(\.hash) + (marker.map { [$0.hash] } ?? []))
        let ordered = blocks.sorted {
            ($0.header.firstSequence, $0.segment, $0.offset) < ($1.header.firstSequence, $1.segment, $1.offset)
        }
        var index = 0
        while index < ordered.count {
            let group = ordered[index...].prefix { $0.header.firstSequence == ordered[index].header.firstSequence }
            take(Array(group))
            index += group.count
        }
        hold(against: checkpoints)
        if let marker { end(at: marker.nextSequence, hash: marker.hash) }
        join()
    }

    var nextSequence: UInt64 { items.last.map { $0.last + 1 } ?? start.nextSequence }
    var hash: SHA256Digest { items.last?.successorHash ?? start.hash }

    /// Takes the best of the blocks that begin with the same number.
    private mutating func take(_ group: [IndexedBlock]) {
        guard let block = group.first(where: follows) ?? group.first(where: isConfirmed) ?? group.first else { return }
        rejected += group.filter { $0 != block }
        let header = block.header
        if follows(block) {
            items.append(.block(block))
        } else if header.firstSequence > nextSequence {
            append(damaged: nextSequence...header.firstSequence - 1, chain: header.previousHash)
            items.append(.block(block))
        } else if header.firstSequence == nextSequence, isConfirmed(block), case .block(let before)? = items.last,
            !signed.contains(before.header.hash)
        {
            // Both can't be true. The later one has its place in the chain, so the one before was replaced.
            items.removeLast()
            rejected.append(before)
            append(damaged: before.header.firstSequence...before.header.lastSequence, chain: header.previousHash)
            items.append(.block(block))
        } else {
            rejected.append(block)
        }
    }

    private func follows(_ block: IndexedBlock) -> Bool {
        block.header.firstSequence == nextSequence && block.header.previousHash == hash
    }

    /// Whether something else vouches for the block: one that follows it, or a signature.
    private func isConfirmed(_ block: IndexedBlock) -> Bool {
        predecessors.contains(block.successorHash) || signed.contains(block.header.hash)
    }

    /// Appends damaged numbers, as one with those directly before.
    private mutating func append(damaged range: ClosedRange<UInt64>, chain: SHA256Digest) {
        if case .damaged(let before, _)? = items.last {
            items[items.count - 1] = .damaged(before.lowerBound...range.upperBound, chain: chain)
        } else {
            items.append(.damaged(range, chain: chain))
        }
    }

    /// Where signed checkpoints say otherwise, what came since the last one that fits is damaged: it was rewritten.
    private mutating func hold(against checkpoints: [ProofEntry]) {
        var good = start.nextSequence - 1
        for checkpoint in checkpoints where checkpoint.sequence >= start.nextSequence {
            guard checkpoint.sequence < nextSequence else { break }
            let found = items.first { $0.first <= checkpoint.sequence && $0.last >= checkpoint.sequence }
            let isSaid = found.map { !$0.isEvidence } ?? false
            let fits = found.map { $0.last == checkpoint.sequence && $0.successorHash == checkpoint.hash } ?? false
            if !isSaid, !fits { reject(after: good, through: checkpoint) }
            good = checkpoint.sequence
        }
        if let last = checkpoints.last { end(at: last.sequence + 1, hash: last.hash) }
    }

    private mutating func reject(after good: UInt64, through checkpoint: ProofEntry) {
        let begin = items.firstIndex { $0.last > good } ?? items.count
        let end = items[begin...].firstIndex { $0.first > checkpoint.sequence } ?? items.count
        guard begin < end else { return }
        for case .block(let block) in items[begin..<end] { rejected.append(block) }
        let chain = end < items.count ? items[end].previousHash ?? checkpoint.hash : checkpoint.hash
        items.replaceSubrange(begin..<end, with: [.damaged(items[begin].first...items[end - 1].last, chain: chain)])
    }

    /// Damaged numbers that follow each other are one damage; what follows them names the last one's predecessor.
    private mutating func join() {
        let separate = items
        items = []
        for item in separate {
            if case .damaged(let range, let chain) = item { append(damaged: range, chain: chain) } else { items.append(item) }
        }
    }

    /// The journal had come so far when it was closed or signed.
    private mutating func end(at next: UInt64, hash signed: SHA256Digest) {
        if next > nextSequence {
            append(damaged: nextSequence...next - 1, chain: signed)
        } else if next == nextSequence, signed != hash, case .block(let last)? = items.last {
            items.removeLast()
            rejected.append(last)
            append(damaged: last.header.firstSequence...last.header.lastSequence, chain: signed)
        }
    }
}
