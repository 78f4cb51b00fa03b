import CJournal
import CLZ4
import Platform

/// Gathers records and seals them into a block. The memory for records is kept from block to block.
struct BlockBuilder {
    private var raw: [UInt8] = []
    private var kind = BlockHeader.Kind.records
    private(set) var firstSequence: UInt64 = 0
    private(set) var lastSequence: UInt64 = 0
    private(set) var recordCount = 0

    var isEmpty: Bool { recordCount == 0 }
    var byteCount: Int { raw.count }

    mutating func append(_ sequence: UInt64, _ record: UnsafeRawBufferPointer) {
        precondition(isEmpty || (kind == .records && sequence == lastSequence + 1), "record \(sequence) after \(lastSequence)")
        unsafe add(record, first: sequence, last: sequence)
    }

    /// A void is always alone in its block, so that in any other block position alone gives the number.
    mutating func append(void record: [UInt8], first: UInt64, last: UInt64, kind: BlockHeader.Kind = .void) {
        precondition(isEmpty && kind != .records, "a void is alone in its block")
        self.kind = kind
        unsafe record.withUnsafeBytes { unsafe add($0, first: first, last: last) }
    }

    private mutating func add(_ record: UnsafeRawBufferPointer, first: UInt64, last: UInt64) {
        if isEmpty { firstSequence = first }
        lastSequence = last
        recordCount += 1
        raw.appendLittleEndian(UInt32(record.count))
        unsafe raw.append(contentsOf: record)
    }

    /// Makes the block's bytes (header and payload) into `output` and starts afresh.
    /// - Parameter givesWay: between compressing and hashing, other threads get the processor.
    mutating func seal(
        previousHash: SHA256Digest, timeNanoseconds: Int64, givesWay: Bool = false, into output: inout [UInt8]
    ) -> BlockHeader {
        precondition(!isEmpty, "an empty block is not sealed")
        let storedByteCount = compress(into: &output)
        if givesWay { WorkerThread.giveWay() }
        var header = BlockHeader(
            codec: storedByteCount < raw.count ? .lz4 : .none, kind: kind, firstSequence: firstSequence,
            lastSequence: lastSequence,
            recordCount: recordCount, rawByteCount: raw.count, storedByteCount: storedByteCount, payloadChecksum: 0,
            timeNanoseconds: timeNanoseconds, previousHash: previousHash, hash: .zero)
        unsafe output.withUnsafeMutableBytes { bytes in
            let payload = unsafe UnsafeRawBufferPointer(rebasing: bytes[BlockHeader.byteCount...])
            unsafe header.payloadChecksum = crc32c(payload)
            unsafe header.hash = header.computedHash(payload)
            unsafe bytes.copyBytes(from: header.encoded)
        }
        raw.removeAll(keepingCapacity: true)
        recordCount = 0
        kind = .records
        return header
    }

    /// Puts the payload behind room for the header, compressed where that makes it smaller; returns its bytes.
    private func compress(into output: inout [UInt8]) -> Int {
        let bound = max(Int(LZ4_compressBound(Int32(raw.count))), raw.count)
        var storedByteCount = 0
        // A new array rather than the old one: filling that with zeros first would cost as much as the memory does.
        output = unsafe [UInt8](unsafeUninitializedCapacity: BlockHeader.byteCount + bound) { output, count in
            unsafe output[..<BlockHeader.byteCount].initialize(repeating: 0)
            unsafe raw.withUnsafeBytes { raw in
                // Safety: `bound` bytes follow the header in `output`; both compressors write no more than they are told, and the raw bytes
                // fit, too.
                let payload = unsafe UnsafeMutableRawPointer(output.baseAddress! + BlockHeader.byteCount)
                unsafe storedByteCount = assay_compress_records(
                    raw.baseAddress!.assumingMemoryBound(to: UInt8.self), raw.count,
                    payload.assumingMemoryBound(to: UInt8.self), bound)
                // Records that aren't like the ones before them may have more in common than that looks for.
                if storedByteCount == 0 || storedByteCount > raw.count / 4 * 3 {
                    unsafe storedByteCount = Int(
                        LZ4_compress_fast(
                            raw.baseAddress!.assumingMemoryBound(to: CChar.self), payload.assumingMemoryBound(to: CChar.self),
                            Int32(raw.count), Int32(bound), AuditLimits.compressionAcceleration))
                }
                if storedByteCount <= 0 || storedByteCount >= raw.count {
                    unsafe payload.copyMemory(from: raw.baseAddress!, byteCount: raw.count)
                    storedByteCount = raw.count
                }
            }
            count = BlockHeader.byteCount + storedByteCount
        }
        return storedByteCount
    }
}
