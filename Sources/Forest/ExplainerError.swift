/// Why a forest's scores cannot be explained.
public enum ExplainerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nothing says how much training data reached each node.
    case noCovers
    /// What would be derived from the forest takes more memory than is allowed.
    case tooLarge(byteCount: Int, limit: Int)

    public var description: String {
        switch self {
        case .noCovers: "the model does not say how much training data reached each node, so its contributions are not defined"
        case .tooLarge(let byteCount, let limit): "explaining the model takes \(byteCount) bytes, more than the limit of \(limit)"
        }
    }
}
