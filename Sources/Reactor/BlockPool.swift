/// Spare memory blocks of one loop for rests of input and output, so that the steady state allocates nothing and an idle
/// connection holds nothing. Blocks are powers of two; the large ones are not kept.
@safe struct BlockPool: ~Copyable {
    private static let smallestShift = Limits.pooledBlockByteCountMin.trailingZeroBitCount
    private static let classCount = Limits.pooledBlockByteCountMax.trailingZeroBitCount - smallestShift + 1

    // Safety: every spare block is owned by the pool alone and freed by its deinit; class c holds blocks of
    // 1 << (smallestShift + c) bytes.
    private var spares: [[UnsafeMutableRawPointer]]

    init() {
        unsafe spares = (0..<Self.classCount).map { _ in
            var stack: [UnsafeMutableRawPointer] = unsafe []
            unsafe stack.reserveCapacity(Limits.spareBlockCountMax)
            return unsafe stack
        }
    }

    deinit {
        unsafe spares.forEach { unsafe $0.forEach { unsafe $0.deallocate() } }
    }

    /// The size of the block that holds `byteCount` bytes.
    static func blockByteCount(for byteCount: Int) -> Int {
        let least = Swift.max(byteCount, Limits.pooledBlockByteCountMin)
        return 1 << (Int.bitWidth - (least - 1).leadingZeroBitCount)
    }

    /// A block of `byteCount` bytes, which `blockByteCount` gave; the caller owns it until `give`.
    mutating func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let index = byteCount.trailingZeroBitCount - Self.smallestShift
        if index < Self.classCount, let spare = unsafe spares[index].popLast() { return unsafe spare }
        // Safety: goes to the caller, and from there to `give` or to deallocate.
        return UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    }

    mutating func give(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
        let index = byteCount.trailingZeroBitCount - Self.smallestShift
        guard index < Self.classCount, unsafe spares[index].count < Limits.spareBlockCountMax else {
            return unsafe block.deallocate()
        }
        unsafe spares[index].append(block)
    }
}
