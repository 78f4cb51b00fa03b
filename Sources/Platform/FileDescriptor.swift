import Glibc

/// The only owner of an open file descriptor; closes it at the end of its life.
public struct FileDescriptor: ~Copyable, Sendable {
    public let rawValue: Int32

    public init(owning rawValue: Int32) {
        self.rawValue = rawValue
    }

    deinit {
        _ = Glibc.close(rawValue)
    }

    /// Closes now instead of at the end of the scope.
    public consuming func close() {}

    /// Gives the descriptor away: the caller closes it.
    public consuming func release() -> Int32 {
        let value = rawValue
        discard self
        return value
    }
}
