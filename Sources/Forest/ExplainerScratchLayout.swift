import CForestKernels

/// How an explainer divides scratch memory, in bytes from its start.
struct ScratchLayout {
    private let keys: Int
    private let sums: Int
    private let vectors: Int
    private let edges: Int
    private let choices: Int
    let byteCount: Int
    /// Whether one row can be explained alone; if not, it needs too much for that.
    let hasRoomForOne: Bool

    init(_ view: ForestView, _ columns: ExplainerColumns, _ groups: ExplainerGroups, rowByteCountMax: Int) {
        keys = ExplainerMemory.aligned(view.shape.slotCount * 4)
        sums = keys + ExplainerMemory.aligned(columns.slots.count * Explainer.laneCount * 4)
        vectors = sums + ExplainerMemory.aligned(columns.features.count * Explainer.laneCount * 8)
        let rowByteCount = groups.groups.reduce(0) { max($0, $1.rowByteCount) }
        let lanesByteCount = groups.groups.reduce(0) { max($0, $1.lanesByteCount) }
        let innerCount = groups.groups.reduce(0) { max($0, $1.innerCount) }
        hasRoomForOne = rowByteCount <= rowByteCountMax
        edges = vectors + ExplainerMemory.aligned(max(hasRoomForOne ? rowByteCount : 0, lanesByteCount))
        choices = edges + ExplainerMemory.aligned((2 + 2 * innerCount) * 2)
        byteCount = choices + ExplainerMemory.aligned(hasRoomForOne ? innerCount * 4 : 0)
    }

    /// Safety: pointers into a scratch of at least `byteCount` bytes, which the caller holds.
    @unsafe struct Parts {
        /// All of one row's keys.
        let rowKeys: UnsafeMutablePointer<UInt32>
        /// The needed ones, of one row or of each lane.
        let keys: UnsafeMutablePointer<UInt32>
        var kernel: assay_shap_scratch
    }

    func parts(of memory: UnsafeMutableRawPointer) -> Parts {
        unsafe Parts(
            rowKeys: memory.assumingMemoryBound(to: UInt32.self), keys: (memory + keys).assumingMemoryBound(to: UInt32.self),
            kernel: assay_shap_scratch(
                sums: (memory + sums).assumingMemoryBound(to: Double.self),
                vectors: (memory + vectors).assumingMemoryBound(to: Double.self),
                edges: (memory + edges).assumingMemoryBound(to: UInt16.self),
                choices: (memory + choices).assumingMemoryBound(to: UInt32.self)))
    }
}
