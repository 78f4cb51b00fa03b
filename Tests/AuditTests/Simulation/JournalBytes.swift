import Platform

@testable import Audit

/// Looks at a simulated journal from outside.
enum JournalBytes {
    struct Contents {
        var report: JournalReport
        /// In the journal's order.
        var records: [JournalRecord]
        var proof: [ProofEntry]
    }

    /// `checkpoints`: ones that were kept elsewhere.
    static func contents(_ disk: SimulatedDisk, checkpoints: [CheckpointLine]) throws(BrokenPromise) -> Contents {
        do {
            let report = try JournalVerifier.verify(
                storage: disk, path: "", isLive: false, keys: checkpoints.isEmpty ? [] : [TrailParts.key.publicKey],
                checkpoints: checkpoints)
            var reader = try JournalReader(storage: disk, path: "", from: 1)
            var records: [JournalRecord] = []
            while let record = try reader.next() {
                if !record.isVoid { records.append(record) }
            }
            return Contents(
                report: report, records: records, proof: proof(disk.bytes(JournalDirectory.proofName) ?? []))
        } catch { throw BrokenPromise("the journal can't be read: \(error)") }
    }

    /// First numbers of the segments, ascending.
    static func segments(_ disk: SimulatedDisk) -> [UInt64] {
        disk.names.files.keys.filter { $0.hasSuffix(JournalDirectory.segmentSuffix) && !$0.contains("/") }
            .compactMap { UInt64($0.prefix(20)) }.sorted()
    }

    /// The entries of `proof` among some bytes.
    static func proof(_ bytes: [UInt8]) -> [ProofEntry] {
        stride(from: 0, to: bytes.count - bytes.count % ProofEntry.byteCount, by: ProofEntry.byteCount)
            .compactMap { ProofEntry(Array(bytes[$0..<$0 + ProofEntry.byteCount])) }
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
