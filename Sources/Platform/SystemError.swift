import Glibc

/// A system call that failed: which, on what, and the errno it left.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    public let operation: String
    public let path: String?
    public let code: Int32

    public init(operation: String, path: String? = nil, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// The error that the system call that has just failed left in errno.
    static func last(_ operation: String, path: String? = nil) -> SystemError {
        SystemError(operation: operation, path: path, code: errno)
    }

    public var description: String {
        // Safety: strerror returns a NUL-terminated text that lives until the next call; it is copied at once.
        let text = unsafe String(cString: strerror(code))
        return path.map { "\(operation) \($0): \(text)" } ?? "\(operation): \(text)"
    }
}
