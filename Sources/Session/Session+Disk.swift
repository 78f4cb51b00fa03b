import Platform
import Wire

/// Replies that wait for the disk: held back in the connection, released when their records are durable.
extension Session {
    /// Whether the reply to a request that says `stated` must wait; refuses it where it would wait without end, or be one too many.
    @inline(__always)
    func mustWait(_ stated: WireDurability?, replyByteCountMax: Int, _ worker: ScoringWorker) throws(Refusal) -> Bool {
        guard worker.waitsForDisk(stated) else { return false }
        try checkWait(stated, replyByteCountMax, worker)
        return true
    }

    private func checkWait(_ stated: WireDurability?, _ byteCountMax: Int, _ worker: ScoringWorker) throws(Refusal) {
        guard stated != nil else { throw .durabilityUnknown }
        guard let disk = worker.disk else { throw .auditOff }
        let limits = worker.limits
        guard waitingCount < limits.inFlightMax else { throw .tooManyInFlight(limit: limits.inFlightMax) }
        // One reply of any size is always held, so that the limit refuses no request for ever.
        guard worker.heldByteCount == 0 || worker.heldByteCount + byteCountMax <= limits.heldByteCountMax else {
            throw .heldRepliesFull(limit: limits.heldByteCountMax)
        }
        guard !disk.isDiskFull else { throw .auditUnavailable }
    }

    @inline(__always)
    mutating func prepareToHold(_ stated: WireDurability?, _ worker: ScoringWorker) {
        if worker.waitsForDisk(stated), held == nil { held = HeldReplies() }
    }

    /// What a turn has held back is announced to the journal, and leaves at once where it is durable already.
    mutating func announceHeld(_ worker: ScoringWorker, _ output: inout SendBuffer) {
        worker.announceHeld()
        releaseHeld(worker, &output)
        if worker.heldByteCount == 0 { worker.remainHeld(lowest: nil) }
    }

    /// Writes the replies whose records are on disk to `output`; refusals where none will be any more.
    public mutating func releaseHeld(_ worker: ScoringWorker, _ output: inout SendBuffer) {
        guard let held, let disk = worker.disk else { return }
        // In this order: what was durable before the failure is durable.
        let hasFailed = disk.hasFailed
        worker.heldByteCount -= held.release(through: disk.durableSequence, into: &output, worker.counters)
        if hasFailed { worker.heldByteCount -= held.fail(into: &output, worker.counters) }
    }

    /// The connection is gone: so are the replies that it waited for. Their decisions stay in the audit trail.
    public mutating func dropHeld(_ worker: ScoringWorker) {
        guard let held else { return }
        worker.heldByteCount -= held.clear(worker.counters)
    }

    /// Replies wait for the disk.
    public var holdsReplies: Bool { held.map { !$0.isEmpty } ?? false }

    /// The lowest number above `durable` that a reply waits for; nil: none does.
    public func lowestHeld(above durable: UInt64) -> UInt64? { held?.lowest(above: durable) }
}

extension ScoringWorker {
    /// Whether a request that says so must wait for the disk. What is not known goes the way where it is refused.
    @inline(__always)
    func waitsForDisk(_ stated: WireDurability?) -> Bool {
        switch stated {
        case .memory: false
        case .unspecified: durability == .disk
        case .disk, nil: true
        }
    }

    func noteHeld(sequence: UInt64, byteCount: Int) {
        if heldByteCount == 0 { lowestHeld = sequence }
        highestHeld = sequence
        heldByteCount += byteCount
        counters.countHeld(1)
        hasUnannounced = true
    }

    func announceHeld() {
        hasUnannounced = false
        disk?.wait(lowest: lowestHeld, highest: highestHeld)
    }

    /// Tells the journal what is still waited for, after replies have left; nil: nothing.
    public func remainHeld(lowest: UInt64?) {
        lowestHeld = lowest ?? 0
        disk?.remain(lowest: lowest)
    }
}
