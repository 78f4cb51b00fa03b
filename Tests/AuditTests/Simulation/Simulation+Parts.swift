import Platform

@testable import Audit

/// What happens beside the journal: checkpoints are signed, a sink takes records, segments are retired and indexed, decisions looked up.
extension Simulation {
    /// A journal whose numbers soon come to the end of a span.
    func beginLate() throws(BrokenPromise) {
        guard parts.firstSequence > 1 else { return }
        let identity = disk.newIdentity()
        do throws(SystemError) {
            try JournalDirectory.writeCleanMarker(
                CleanMarker(nextSequence: parts.firstSequence, hash: identity.genesis), disk)
            try JournalDirectory.writeIdentity(identity, disk)
        } catch { throw BrokenPromise("a new disk fails: \(error)") }
    }

    /// Now and then one step of one of the other threads.
    func accompany(_ server: SimulatedServer) throws(BrokenPromise) {
        guard parts.isThere else { return }
        switch Int.random(in: 0..<24, using: &partsGenerator) {
        case 0, 1: keep(server)
        case 2: index(server)
        case 3 where !parts.isSinkLazy: sink.take(through: .random(in: 0...server.tail.durableSequence, using: &partsGenerator))
        case 4 where Int.random(in: 0..<(parts.isSinkLazy ? 8 : 1), using: &partsGenerator) == 0:
            sink.take(through: server.tail.durableSequence)
        case 5, 6: try lookUp(server)
        default: break
        }
        if let brokenPromise { throw brokenPromise }
    }

    private func keep(_ server: SimulatedServer) {
        guard let keeper = server.keeper else { return }
        disk.phase = .keeping
        let count = keeper.checkpoints.count
        let retirements = outcome.retirements
        do throws(JournalWriteError) { try keeper.step() } catch {
            if !error.isDiskFull, !disk.isDead { server.health.fail(error.failure) }
        }
        if !disk.isDead { noteCheckpoint(keeper, after: count) }
        // While several files have just gone is when a power cut would be worst.
        if outcome.retirements > retirements + 1, Bool.random(using: &partsGenerator) { crash(isPowerCut: true) }
    }

    /// What was signed is known elsewhere from now on.
    func noteCheckpoint(_ keeper: JournalKeeper, after count: UInt64) {
        guard keeper.checkpoints.count > count,
            let newest = JournalBytes.proof(disk.bytes(JournalDirectory.proofName) ?? []).last(where: { $0.kind == .checkpoint })
        else { return }
        outcome.checkpoints += 1
        ledger.sign(newest)
    }

    /// The keeper is about to delete a segment: all of it is in the sink, and the medium says that it goes.
    func retire(_ first: UInt64) {
        guard let next = JournalBytes.segments(disk).first(where: { $0 > first }) else {
            brokenPromise = BrokenPromise("segment \(first), which is being written, is to be deleted")
            return
        }
        outcome.retirements += 1
        trace("segment \(first) is retired; the sink has \(sink.confirmed)")
        if next - 1 > sink.confirmed {
            brokenPromise = BrokenPromise("records up to \(next - 1) are deleted, and the sink has those up to \(sink.confirmed)")
        }
        let medium = disk.names.files[JournalDirectory.proofName].map { JournalBytes.proof($0.medium) } ?? []
        if !medium.contains(where: { $0.kind == .retirement && $0.segment >= next }) {
            brokenPromise = BrokenPromise("segment \(first) is deleted before the proof says so durably")
        }
        ledger.retire(through: next - 1)
    }

    private func index(_ server: SimulatedServer) {
        disk.phase = .indexing
        server.indexer.work()
    }

    // MARK: Look-ups

    func anyTransaction() -> String { SimulatedRecords.transactionIDs.randomElement(using: &partsGenerator)! }

    /// A running server's look-ups, by transaction and by number. A failing disk may make them fail, and never answer wrongly.
    private func lookUp(_ server: SimulatedServer) throws(BrokenPromise) {
        disk.phase = .indexing
        let present = ledger.findable(through: server.tail.writtenSequence)
        let id = anyTransaction()
        let limit = Int.random(in: 1...100, using: &partsGenerator)
        let lookup =
            defect == .looksUpClosedSegmentsOnly
            ? DecisionLookup(storage: disk, path: "", catalogue: server.lookup.catalogue, live: nil) : server.lookup
        var sequence = UInt64.random(in: 1...max(1, server.tail.writtenSequence), using: &partsGenerator)
        if let random = present.randomElement(using: &partsGenerator), Bool.random(using: &partsGenerator) { sequence = random }
        do throws(AuditError) {
            let found = try lookup.records(transactionID: id, limit: limit)
            expect(found, present, id, limit)
            if ledger.leaving.contains(sequence) { return }
            let isThere = present.contains(sequence)
            let record = try lookup.record(sequence)
            if isThere ? record?.bytes != records.bytes(sequence) : record?.isVoid == false {
                brokenPromise = BrokenPromise("the look-up of \(sequence) finds \(record as Any)")
            }
        } catch {
            if disk.isSound, !disk.isDead, !ledger.hasRotted { throw BrokenPromise("a look-up on a sound disk fails: \(error)") }
        }
    }

    /// Any process that reads the directory: with the indexes that are there, it finds what is in the journal.
    func checkIndexes(_ records: [JournalRecord], identifiers: [String]) throws(BrokenPromise) {
        let sequences = records.map(\.sequence)
        do throws(AuditError) {
            let lookup = try JournalLookup(storage: disk, path: "")
            for id in identifiers {
                try expect(lookup.records(transactionID: id, limit: AuditLimits.lookupCountMax), sequences, id, .max)
            }
        } catch { throw BrokenPromise("a look-up on a sound disk fails: \(error)") }
        if let brokenPromise { throw brokenPromise }
    }

    private func expect(_ found: [JournalRecord], _ present: [UInt64], _ id: String, _ limit: Int) {
        outcome.lookups += 1
        let found = found.map(\.sequence).filter { !ledger.leaving.contains($0) }
        let expected = present.reversed().lazy.filter { [records] in records.transactionID($0) == id }
            .prefix(min(limit, AuditLimits.lookupCountMax))
        if found.elementsEqual(expected) { return }
        brokenPromise = BrokenPromise("the look-up of \(id) finds \(found), not \(Array(expected))")
    }

    // MARK: Ending

    /// A closed journal is signed to its end, and whoever makes the indexes that are missing finds everything.
    func checkEnd(_ contents: JournalBytes.Contents) throws(BrokenPromise) {
        guard parts.isThere else { return }
        if parts.keeper.key != nil, !ledger.hasRotted, let last = contents.report.lastSequence,
            contents.report.checkpoint?.sequence != last
        {
            throw BrokenPromise(
                "a closed journal ends with \(last) and is signed up to \(contents.report.checkpoint?.sequence ?? 0)")
        }
        try checkIndexes(contents.records, identifiers: SimulatedRecords.transactionIDs)
    }

    /// Flips bits in an index, which must not change any answer, or in the proof, which must say so.
    func rotParts() {
        let indexes = disk.names.files.keys.filter { $0.hasSuffix(IndexFormat.suffix) }.sorted()
        if let name = indexes.randomElement(using: &partsGenerator), Bool.random(using: &partsGenerator),
            let inode = disk.names.files[name], !inode.cache.isEmpty
        {
            trace("bits flip in \(name)")
            return inode.rot(0..<inode.cache.count, &partsGenerator)
        }
        guard let inode = disk.names.files[JournalDirectory.proofName], inode.cache.count >= ProofEntry.byteCount else { return }
        let before = inode.cache
        let index = Int.random(in: 0..<before.count / ProofEntry.byteCount, using: &partsGenerator)
        trace("bits flip in entry \(index) of the proof")
        let start = index * ProofEntry.byteCount
        inode.rot(start..<start + ProofEntry.byteCount, &partsGenerator)
        if inode.cache == before { return }
        let after = JournalBytes.proof(Array(before[(start + ProofEntry.byteCount)...])).first
        ledger.excuseProof(entryAfter: after)
    }
}
