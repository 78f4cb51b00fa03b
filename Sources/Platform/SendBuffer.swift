/// Where answers are written: one buffer a loop, shared by its connections, sent after each of them.
@safe public struct SendBuffer: ~Copyable {
    // Safety: owned by this buffer alone, `capacity` bytes, freed by its deinit; `count` <= `capacity`.
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var count = 0
    /// From here on a service should let the loop send before it answers more.
    public let flushByteCount: Int

    /// A buffer that grew for large answers beyond this is given back after they are sent.
    private static let keptByteCountMax = 4 << 20

    /// - Parameter flushByteCount: the size at first, at least 1.
    public init(flushByteCount: Int = 256 << 10) {
        precondition(flushByteCount >= 1, "flushByteCount is \(flushByteCount)")
        // Safety: freed by deinit or in exchange for a larger one.
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: flushByteCount, alignment: 64)
        capacity = flushByteCount
        self.flushByteCount = flushByteCount
    }

    deinit {
        unsafe base.deallocate()
    }

    /// Bytes committed and not sent yet.
    @inlinable public var pendingByteCount: Int { count }

    @inlinable public var wantsFlush: Bool { count >= flushByteCount }

    /// Room for `byteCount` bytes behind the pending ones, valid until the next call of any method; grows where it must.
    @inlinable
    public mutating func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if byteCount > capacity - count { grow(byteCount) }
        return unsafe base + count
    }

    /// Makes `byteCount` bytes, written to the room reserved before, pending.
    @inlinable
    public mutating func commit(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= capacity - count, "more committed than reserved")
        count += byteCount
    }

    @inlinable
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        unsafe reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// The pending bytes, valid until the next mutation.
    @inlinable public var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    /// Forgets the first `byteCount` pending bytes.
    public mutating func removeFirst(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count, "\(byteCount) bytes removed of \(count)")
        // Safety: source and target lie inside the buffer; memmove allows that they overlap.
        unsafe base.copyMemory(from: base + byteCount, byteCount: count - byteCount)
        count -= byteCount
    }

    /// Forgets the pending bytes, and gives the memory of an unusually large batch back.
    public mutating func clear() {
        count = 0
        if capacity > Swift.max(flushByteCount, Self.keptByteCountMax) { replace(capacity: flushByteCount) }
    }

    @usableFromInline
    mutating func grow(_ byteCount: Int) {
        precondition(byteCount >= 0, "reserved \(byteCount) bytes")
        replace(capacity: Swift.max(capacity * 2, count + byteCount))
    }

    private mutating func replace(capacity newCapacity: Int) {
        // Safety: freed by deinit or in exchange for another one; the pending bytes fit.
        let larger = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 64)
        unsafe larger.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = larger
        capacity = newCapacity
    }
}
