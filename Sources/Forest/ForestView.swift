/// A packed forest somewhere in memory, usually in a mapped bundle.
///
/// The view is a plain value: copying it copies pointers and touches no reference count. `check` must have passed before it scores.
@safe public struct ForestView: @unchecked Sendable {
    // Safety: whoever makes a view owns the memory, keeps it readable and unchanged as long as any copy of the view, and has checked
    // that it is as long as `shape` says; `check` proves that every index in it stays inside.
    let nodes: UnsafePointer<ForestNode>
    let roots: UnsafePointer<UInt32>
    let treeOutputs: UnsafePointer<UInt32>
    let groupDepths: UnsafePointer<UInt32>
    let baseMargins: UnsafePointer<Float>
    let groupCount: Int
    public let shape: ForestShape

    /// A view over `shape.nodeCount` nodes of 8 bytes, `shape.paddedTreeCount` roots and outputs, `shape.groupCount` depths (UInt32) and
    /// `shape.rawCount` base margins (Float), all in native byte order and aligned to their elements.
    public init(
        shape: ForestShape, nodes: UnsafeRawPointer, roots: UnsafeRawPointer, treeOutputs: UnsafeRawPointer,
        groupDepths: UnsafeRawPointer, baseMargins: UnsafeRawPointer
    ) {
        self.shape = shape
        groupCount = shape.groupCount
        unsafe self.nodes = nodes.assumingMemoryBound(to: ForestNode.self)
        unsafe self.roots = roots.assumingMemoryBound(to: UInt32.self)
        unsafe self.treeOutputs = treeOutputs.assumingMemoryBound(to: UInt32.self)
        unsafe self.groupDepths = groupDepths.assumingMemoryBound(to: UInt32.self)
        unsafe self.baseMargins = baseMargins.assumingMemoryBound(to: Float.self)
    }

    /// How many steps down its trees a row takes, the measure of its cost.
    public var stepsPerRow: Int {
        (0..<groupCount).reduce(0) { $0 + ForestShape.groupTreeCount * (unsafe Int(groupDepths[$1])) }
    }
}
