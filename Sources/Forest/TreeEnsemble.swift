/// A tree ensemble as an importer describes it, before it is packed for scoring.
///
/// A row scores, for each output, the float32 sum of the base margin and then the reached leaf of each tree of that output, in order.
public struct TreeEnsemble: Sendable {
    public var featureCount: Int
    /// The margin at which each output's sum starts; as many as there are outputs.
    public var baseMargins: [Float]
    public var transform: Transform
    public var trees: [Tree]

    public init(featureCount: Int, baseMargins: [Float], transform: Transform, trees: [Tree]) {
        self.featureCount = featureCount
        self.baseMargins = baseMargins
        self.transform = transform
        self.trees = trees
    }

    /// One tree; its root is node 0. Nodes that the root does not reach are pruned ones, and ignored.
    public struct Tree: Sendable {
        public var nodes: [Node]
        /// The output whose sum the tree adds to.
        public var output: Int
        /// Leaf values are multiplied by it, rounded to float32, before they are added.
        public var weight: Float

        public init(nodes: [Node], output: Int = 0, weight: Float = 1) {
            self.nodes = nodes
            self.output = output
            self.weight = weight
        }
    }

    public enum Node: Sendable, Equatable {
        case leaf(Float)
        /// Left if the feature is below the threshold, right if not; a missing feature goes left if `missingGoesLeft`.
        case split(feature: Int, threshold: Float, missingGoesLeft: Bool, left: Int, right: Int)
    }
}
