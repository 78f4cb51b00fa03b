import CForestKernels

/// What the kernels read, derived from a forest: in one block of memory, never changed once made.
@safe struct ExplainerPlan: ~Copyable {
    // Safety: pointers into `memory`, which lives as long as this value and is as long as the groups say.
    private let memory: ExplainerMemory
    let groups: UnsafePointer<assay_shap_group>
    /// Which groups add to each raw score.
    let ranges: [Range<Int>]

    var byteCount: Int { memory.byteCount }

    init(_ view: ForestView, _ columns: ExplainerColumns, _ groups: ExplainerGroups, _ paths: inout ExplainerPaths) {
        let layout = Layout(view, groups)
        memory = ExplainerMemory(byteCount: layout.byteCount)
        let places = unsafe memory.start.bindMemory(to: assay_shap_group.self, capacity: groups.groups.count)
        unsafe self.groups = UnsafePointer(places)
        ranges = groups.ranges
        var writer = unsafe ExplainerWriter(view, columns, memory.start, layout)
        for (place, group) in groups.groups.enumerated() {
            unsafe places[place] = writer.write(group, ExplainerGroupNodes(view, group, &paths))
        }
    }

    /// Where in the block everything lies after the groups, in bytes.
    struct Layout {
        let splits: Int
        let leaves: Int
        let factors: Int
        let byteCount: Int
        /// Where the rule of so many points lies.
        let ruleOffsets: [Int: Int]

        init(_ view: ForestView, _ groups: ExplainerGroups) {
            splits = unsafe ExplainerMemory.aligned(groups.groups.count * MemoryLayout<assay_shap_group>.stride)
            leaves = splits + ExplainerMemory.aligned(groups.splitCount * MemoryLayout<assay_shap_split>.stride)
            factors = leaves + ExplainerMemory.aligned(groups.leafCount * view.shape.leafWidth * 8)
            var end = factors + ExplainerMemory.aligned(groups.factorCount * 8)
            var offsets: [Int: Int] = [:]
            for group in groups.groups where offsets[group.pointCount] == nil {
                offsets[group.pointCount] = end
                end += ExplainerMemory.aligned(3 * group.stride * 8)
            }
            ruleOffsets = offsets
            byteCount = end
        }
    }
}
