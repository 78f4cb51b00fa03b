/// A block of memory aligned for the widest registers, zeroed, and freed with its owner.
@safe struct ExplainerMemory: ~Copyable {
    // Safety: owned by this value alone; its users stay inside `byteCount`.
    let start: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        unsafe start = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, Self.alignment), alignment: Self.alignment)
        unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, Self.alignment))
    }

    deinit { unsafe start.deallocate() }

    static let alignment = 64

    /// The next multiple of the alignment.
    static func aligned(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }
}

/// The memory that one thread computes contributions in. A worker keeps one, and makes another when it serves a model that needs more.
public struct ExplainerScratch: ~Copyable {
    let memory: ExplainerMemory

    /// - Parameter byteCount: At least the `scratchByteCount` of the explainers it is used with.
    public init(byteCount: Int) { memory = ExplainerMemory(byteCount: byteCount) }

    public var byteCount: Int { memory.byteCount }
}
