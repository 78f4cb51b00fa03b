import Platform

/// Finds decisions by number and by transaction id, in the segment being written and in closed ones.
///
/// Indexes only say where to look: every hit is read from the journal and compared. A segment without a good index is read as a whole.
struct DecisionLookup: Sendable {
    let storage: any JournalStorage
    let path: String
    let catalogue: SegmentCatalogue
    /// What the writer of this process has told; nil: the journal is only read.
    let live: LiveIndex?

    /// The record with one number, or the void that covers it; nil: the journal doesn't have it.
    func record(_ sequence: UInt64) throws(AuditError) -> JournalRecord? {
        if let block = indexedBlock(with: sequence) {
            return block.header.kind != .records
                ? block.journalRecord(0) : block.journalRecord(Int(sequence - block.header.firstSequence))
        }
        return try JournalReader.record(sequence, storage: storage, path: path)
    }

    /// Up to `limit` decisions made under a transaction id, the newest first.
    func records(transactionID: String, limit: Int) throws(AuditError) -> [JournalRecord] {
        try search(Array(transactionID.utf8), limit: limit).records
    }

    /// Up to `limit` decisions made under a transaction id, and whether there may be more.
    ///
    /// - Parameter checksHash: whether the SHA-256 of their blocks is computed anew; checksums always are.
    func search(_ transactionID: [UInt8], limit: Int, checksHash: Bool = false) throws(AuditError) -> TransactionRecords {
        precondition(limit > 0, "a search for \(limit) decisions")
        var search = TransactionSearch(transactionID, limit: limit, storage: storage, checksHash: checksHash)
        do throws(SystemError) {
            let live = self.live?.segments ?? []
            for segment in live.reversed() where !search.isDone {
                try unlessGone(segment.firstSequence) { () throws(SystemError) in
                    try search.take(segment)
                }
            }
            let known = Set(live.map(\.firstSequence))
            let closed = catalogue.segments
            for segment in closed.reversed() where !search.isDone && !known.contains(segment) {
                // Without a writer's word the last one may be open.
                let isNewest = live.isEmpty && segment == closed.last
                try unlessGone(segment) { () throws(SystemError) in try searchClosed(segment, &search, isNewest: isNewest) }
            }
        } catch {
            throw .system(error)
        }
        return search.found
    }

    private func searchClosed(
        _ segment: UInt64, _ search: inout TransactionSearch, isNewest: Bool
    ) throws(SystemError) {
        guard let index = catalogue.index(of: segment) else { return try search.scan(segment, isNewest: isNewest) }
        do throws(IndexError) { try search.take(index) } catch {
            // A segment that is gone has taken its index along.
            guard case .system(let cause) = error else {
                catalogue.discardIndex(of: segment)
                return try search.scan(segment, isNewest: isNewest)
            }
            throw cause
        }
    }

    /// Old segments are removed while others are read: what is gone holds no decision any more.
    private func unlessGone(_ segment: UInt64, _ body: () throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) { try body() } catch {
            guard error.isMissingFile, !storage.exists(JournalDirectory.segmentName(segment)) else { throw error }
            catalogue.forget(segment)
        }
    }

    /// The block with a number by way of the tables at hand; nil: they don't lead there.
    private func indexedBlock(with sequence: UInt64) -> JournalBlock? {
        let place: (segment: UInt64, offset: Int)?
        if let segment = live?.segments.last(where: { $0.firstSequence <= sequence }) {
            place = segment.block(with: sequence).map { (segment.firstSequence, $0.offset) }
        } else if let segment = catalogue.segment(notAfter: sequence), let index = catalogue.index(of: segment) {
            do throws(IndexError) {
                place = try index.open().blockOffset(of: sequence).map { (segment, $0) }
            } catch {
                catalogue.discardIndex(of: segment)
                return nil
            }
        } else {
            return nil
        }
        guard let place, let block = try? SegmentCursor.block(place.segment, at: place.offset, storage),
            sequence >= block.header.firstSequence, sequence <= block.header.lastSequence
        else { return nil }
        return block
    }
}

extension SegmentCursor {
    /// The block at a place of a segment; nil: there is no good one.
    static func block(
        _ segment: UInt64, at offset: Int, _ storage: any JournalStorage, checkingHash: Bool = false
    ) throws(SystemError) -> JournalBlock? {
        let name = JournalDirectory.segmentName(segment)
        var cursor = SegmentCursor(try storage.openForReading(name))
        cursor.offset = offset
        guard case .block(let stored) = try cursor.read(checkingHash: checkingHash) else { return nil }
        return JournalBlock(stored, segment: name)
    }
}

extension JournalBlock {
    func journalRecord(_ index: Int) -> JournalRecord {
        let isVoid = header.kind != .records
        return JournalRecord(
            sequence: sequence(index), lastSequence: isVoid ? header.lastSequence : sequence(index), isVoid: isVoid,
            bytes: record(index))
    }
}
