/// Bytes for PostgreSQL, integers big-endian; its memory is kept from block to block.
@safe
struct CopyBuffer: ~Copyable {
    // Safety: one allocation of `capacity` bytes, owned by this value and freed at deinit; the first `count` are initialised. Every write
    // checks that it fits.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        unsafe base = .allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
    }

    deinit { unsafe base.deallocate() }

    /// Makes room for so many more bytes.
    mutating func reserve(_ byteCount: Int) {
        if capacity - count >= byteCount { return }
        let larger = max(capacity * 2, count + byteCount)
        let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        unsafe fresh.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = unsafe fresh
        capacity = larger
    }

    @inline(__always)
    mutating func put<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
        let byteCount = MemoryLayout<Integer>.size
        precondition(capacity - count >= byteCount, "no room for \(byteCount) bytes")
        unsafe (base + count).storeBytes(of: value.bigEndian, as: Integer.self)
        count += byteCount
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        precondition(capacity - count >= bytes.count, "no room for \(bytes.count) bytes")
        unsafe (base + count).copyMemory(from: start, byteCount: bytes.count)
        count += bytes.count
    }

    mutating func put(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe put($0) } }

    /// Forgets what is there; the memory stays.
    mutating func clear() { count = 0 }

    func withBytes<Result, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }
}
