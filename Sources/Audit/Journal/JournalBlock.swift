import Platform
import Wire

/// One block of records, decompressed.
public struct JournalBlock: Sendable {
    public let header: BlockHeader
    /// The segment's file name, and where in it the block begins.
    public let segment: String
    public let offset: Int
    private let raw: [UInt8]
    /// Where each record's bytes are in `raw`.
    private let ranges: [Range<Int>]

    /// nil when the payload isn't what its header says.
    init?(_ block: StoredBlock, segment: String) {
        guard let raw = block.rawBytes(), let ranges = Self.ranges(raw, count: block.header.recordCount) else { return nil }
        header = block.header
        self.segment = segment
        offset = block.offset
        self.raw = raw
        self.ranges = ranges
    }

    public var recordCount: Int { ranges.count }

    public func sequence(_ index: Int) -> UInt64 { header.firstSequence + UInt64(index) }

    /// The AuditRecord at `index`, as it was taken.
    public func record(_ index: Int) -> [UInt8] { Array(raw[ranges[index]]) }

    /// Calls `body` with the AuditRecord's bytes without a copy.
    public func withRecord<Result>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        // Safety: the ranges were checked against `raw`.
        unsafe raw.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[ranges[index]])) }
    }

    /// Calls `body` with each record's number and bytes, in order, without a copy.
    func forEachRecord(_ body: (UInt64, UnsafeRawBufferPointer) -> Void) {
        // Safety: the ranges were checked against `raw`.
        unsafe raw.withUnsafeBytes { raw in
            var sequence = header.firstSequence
            for range in ranges {
                unsafe body(sequence, UnsafeRawBufferPointer(rebasing: raw[range]))
                sequence += 1
            }
        }
    }

    private static func ranges(_ raw: [UInt8], count: Int) -> [Range<Int>]? {
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(count)
        var offset = 0
        for _ in 0..<count {
            guard raw.count - offset >= 4 else { return nil }
            let length = (0..<4).reduce(0) { $0 | Int(raw[offset + $1]) << (8 * $1) }
            offset += 4
            guard length <= raw.count - offset else { return nil }
            ranges.append(offset..<offset + length)
            offset += length
        }
        return offset == raw.count ? ranges : nil
    }
}

/// One record of the journal.
public struct JournalRecord: Sendable, Equatable {
    public let sequence: UInt64
    /// Same as `sequence` for a decision; the last number of a void.
    public let lastSequence: UInt64
    public let isVoid: Bool
    /// An `assay.v1.AuditRecord`, byte for byte as it was taken.
    public let bytes: [UInt8]
}
