/// Bytes that a connection has to keep between two turns: an incomplete frame, or output that the socket did not take.
/// Holds no memory while empty.
@safe struct ByteRest: ~Copyable {
    // Safety: nil or a block of `capacity` bytes that this rest alone owns; offset + count <= capacity.
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var offset = 0
    private(set) var count = 0

    init() { unsafe base = nil }

    deinit {
        unsafe base?.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    /// Valid until the next mutation.
    var bytes: UnsafeRawBufferPointer {
        guard let base = unsafe base else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeRawBufferPointer(start: base + offset, count: count)
    }

    /// Copies `bytes` behind those that are held.
    mutating func append(_ bytes: UnsafeRawBufferPointer, _ pool: inout BlockPool) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        if bytes.count > capacity - offset - count { makeRoom(bytes.count, &pool) }
        guard let base = unsafe base else { preconditionFailure("a rest without a block") }
        unsafe (base + offset + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// Forgets the first `byteCount` bytes, and the block with the last of them.
    mutating func drop(_ byteCount: Int, _ pool: inout BlockPool) {
        precondition(byteCount >= 0 && byteCount <= count, "dropped \(byteCount) of \(count) bytes")
        offset += byteCount
        count -= byteCount
        if count == 0 { release(&pool) }
    }

    mutating func release(_ pool: inout BlockPool) {
        if let block = unsafe base { unsafe pool.give(block, capacity) }
        unsafe base = nil
        (capacity, offset, count) = (0, 0, 0)
    }

    /// Moves the bytes to the front of their block, when those dropped pay for it, or to a larger one. Either way every byte
    /// is moved a bounded number of times, and the memory stays within four times what really arrived, whatever length a
    /// peer announces.
    private mutating func makeRoom(_ byteCount: Int, _ pool: inout BlockPool) {
        if let base = unsafe base, offset >= count, count + byteCount <= capacity {
            unsafe base.copyMemory(from: base + offset, byteCount: count)
            offset = 0
            return
        }
        let newCapacity = BlockPool.blockByteCount(for: count + Swift.max(count, byteCount))
        let block = unsafe pool.take(newCapacity)
        if let base = unsafe base {
            unsafe block.copyMemory(from: base + offset, byteCount: count)
            unsafe pool.give(base, capacity)
        }
        // Safety: taken from the pool just now; the old block went back.
        unsafe base = block
        (capacity, offset) = (newCapacity, 0)
    }
}
