/// The memory of a plan: aligned copies of arrays, freed together.
@unsafe struct PlanMemory: ~Copyable {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []
    private(set) var byteCount = 0

    init() {}

    deinit {
        for index in unsafe blocks.indices { unsafe blocks[index].deallocate() }
    }

    /// Keeps a copy of an array at a multiple of 64 bytes, as long as the memory lives.
    mutating func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
        let byteCount = elements.count * MemoryLayout<Element>.stride
        // Safety: the block is as long as the elements, and freed in `deinit` only.
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 64), alignment: 64)
        unsafe blocks.append(block)
        unsafe elements.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { unsafe block.copyMemory(from: start, byteCount: bytes.count) }
        }
        unsafe self.byteCount += byteCount
        return unsafe UnsafePointer(block.bindMemory(to: Element.self, capacity: max(elements.count, 1)))
    }

    /// Keeps numbers in the precision that kernels read them in.
    mutating func keep(_ values: [Double], _ precision: Precision) -> UnsafeRawPointer {
        precision == .float32 ? unsafe UnsafeRawPointer(keep(values.map { Float($0) })) : unsafe UnsafeRawPointer(keep(values))
    }
}
