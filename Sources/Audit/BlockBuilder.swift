import CLZ4
import Platform

/// Gathers records and seals them into a block. Its buffers are kept from block to block.
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
    mutating func seal(previousHash: SHA256Digest, timeNanoseconds: Int64, into output: inout [UInt8]) -> BlockHeader {
        precondition(!isEmpty, "an empty block is not sealed")
        let storedByteCount = compress(into: &output)
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
        let bound = Int(LZ4_compressBound(Int32(raw.count)))
        let needed = BlockHeader.byteCount + max(bound, raw.count)
        if output.count < needed { output.append(contentsOf: repeatElement(0, count: needed - output.count)) }
        var storedByteCount = unsafe output.withUnsafeMutableBytes { output in
            unsafe raw.withUnsafeBytes { raw in
                // Safety: `bound` bytes follow the header in `output`; LZ4 writes no more than it is told.
                unsafe Int(
                    LZ4_compress_fast(
                        raw.baseAddress!.assumingMemoryBound(to: CChar.self),
                        (output.baseAddress! + BlockHeader.byteCount).assumingMemoryBound(to: CChar.self), Int32(raw.count),
                        Int32(bound), AuditLimits.compressionAcceleration))
            }
        }
        if storedByteCount <= 0 || storedByteCount >= raw.count {
            output.replaceSubrange(BlockHeader.byteCount..<BlockHeader.byteCount + raw.count, with: raw)
            storedByteCount = raw.count
        }
        output.removeLast(output.count - BlockHeader.byteCount - storedByteCount)
        return storedByteCount
    }
}
