import Platform

@testable import Audit

/// Looks at a simulated journal from outside.
enum JournalBytes {
    struct Contents {
        var report: JournalReport
        /// In the journal's order.
        var records: [JournalRecord]
    }

    static func contents(_ disk: SimulatedDisk) throws(BrokenPromise) -> Contents {
        do {
            let report = try JournalVerifier.verify(storage: disk, path: "", isLive: false)
            var reader = try JournalReader(storage: disk, path: "", from: 1)
            var records: [JournalRecord] = []
            while let record = try reader.next() {
                if !record.isVoid { records.append(record) }
            }
            return Contents(report: report, records: records)
        } catch { throw BrokenPromise("the journal can't be read: \(error)") }
    }

    /// Good blocks of a segment's bytes: where, and which numbers.
    static func blocks(_ bytes: [UInt8]) -> [(range: Range<Int>, sequences: ClosedRange<UInt64>)] {
        var blocks: [(range: Range<Int>, sequences: ClosedRange<UInt64>)] = []
        var offset = SegmentHeader.byteCount
        while offset + BlockHeader.byteCount <= bytes.count,
            let header = BlockHeader(bytes[offset..<offset + BlockHeader.byteCount])
        {
            let end = offset + BlockHeader.byteCount + header.storedByteCount
            if end > bytes.count { break }
            blocks.append((offset..<end, header.firstSequence...header.lastSequence))
            offset = end
        }
        return blocks
    }
}
