/// Bytes of one connection that are to be written.
@safe struct SendQueue: ~Copyable {
    // Safety: allocated here and freed in deinit; 0 <= start <= end <= capacity always holds; nobody else keeps the pointer.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var start = 0
    private var end = 0

    init(byteCount: Int = 4096) {
        capacity = byteCount
        unsafe base = .allocate(byteCount: byteCount, alignment: 64)
    }

    deinit {
        unsafe base.deallocate()
    }

    var isEmpty: Bool { start == end }
    var byteCount: Int { end - start }
    /// What is to be written next.
    var pending: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base + start, count: end - start) }

    /// Room for `byteCount` bytes behind the pending ones; valid until the next call.
    mutating func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if end + byteCount > capacity { makeRoom(byteCount) }
        return unsafe base + end
    }

    /// Takes the first `byteCount` reserved bytes in.
    mutating func commit(_ byteCount: Int) {
        precondition(end + byteCount <= capacity)
        end += byteCount
    }

    /// Forgets bytes that were written.
    mutating func consume(_ byteCount: Int) {
        precondition(byteCount <= end - start)
        start += byteCount
        if start == end { (start, end) = (0, 0) }
    }

    mutating func removeAll() {
        (start, end) = (0, 0)
    }

    /// Appends bytes as they are.
    mutating func append(_ bytes: [UInt8]) {
        let target = unsafe reserve(bytes.count)
        unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        commit(bytes.count)
    }

    private mutating func makeRoom(_ byteCount: Int) {
        let kept = end - start
        let needed = kept + byteCount
        if needed > capacity {
            let grown = max(needed, capacity * 2)
            let moved = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 64)
            unsafe moved.copyMemory(from: base + start, byteCount: kept)
            unsafe base.deallocate()
            unsafe base = moved
            capacity = grown
        } else {
            // Safety: both ranges lie in the buffer; memmove semantics cover their overlap.
            unsafe base.copyMemory(from: base + start, byteCount: kept)
        }
        (start, end) = (0, kept)
    }
}
