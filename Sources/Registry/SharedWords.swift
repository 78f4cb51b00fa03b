import Synchronization

/// Atomic words, each on cache lines of its own, so that a thread that writes one does not slow down those that use the others. Swift has no
/// alignment attribute beyond 16 bytes, hence the aligned allocation.
///
/// Safety: the object owns the memory from `init` to `deinit`; every word is initialised in `init`; access is atomic, and the index checked.
@safe final class SharedWords: @unchecked Sendable {
    /// Two lines: processors fetch the neighbour of a line along with it.
    private static let strideByteCount = 128

    private let memory: UnsafeMutableRawPointer
    private let count: Int

    init(count: Int) {
        self.count = count
        unsafe memory = .allocate(byteCount: count * Self.strideByteCount, alignment: Self.strideByteCount)
        for index in 0..<count {
            unsafe (memory + index * Self.strideByteCount).initializeMemory(as: Atomic<UInt>.self, to: Atomic(0))
        }
    }

    deinit {
        // Atomic<UInt> is trivial: there is nothing to deinitialise.
        unsafe memory.deallocate()
    }

    subscript(index: Int) -> Atomic<UInt> {
        unsafeAddress { unsafe UnsafePointer(address(index)) }
    }

    /// Where a word lies, as long as this object lives; the index is checked.
    func address(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt>> {
        precondition(index >= 0 && index < count, "word \(index) of \(count)")
        return unsafe (memory + index * Self.strideByteCount).assumingMemoryBound(to: Atomic<UInt>.self)
    }
}
