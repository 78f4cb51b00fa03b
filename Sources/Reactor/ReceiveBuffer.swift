/// Where all connections of a loop read into; what a turn does not consume is copied out of it.
@safe struct ReceiveBuffer: ~Copyable {
    let byteCount: Int
    // Safety: owned by this buffer, `byteCount` bytes, freed by deinit.
    let base: UnsafeMutableRawPointer

    init(byteCount: Int) {
        self.byteCount = byteCount
        unsafe base = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// Valid until the next read.
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        return unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }
}
