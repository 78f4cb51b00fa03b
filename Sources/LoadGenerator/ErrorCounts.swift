import Wire

/// Requests that got no decision, counted by cause.
struct ErrorCounts: Equatable {
    struct Kind: Hashable, Comparable {
        /// Name of the status as in the contract, or `CLIENT` for what was found on this side.
        var status: String
        var reason: String

        static func < (a: Kind, b: Kind) -> Bool { (a.status, a.reason) < (b.status, b.reason) }
    }

    /// Not answered in time.
    static let timeout = Kind(status: "CLIENT", reason: "TIMEOUT")
    /// The connection ended before the reply came.
    static let connectionLost = Kind(status: "CLIENT", reason: "CONNECTION_LOST")
    /// A reply to nothing that was asked, or the second one.
    static let unexpectedReply = Kind(status: "CLIENT", reason: "UNEXPECTED_REPLY")
    /// A successful reply of another kind, or with another count of rows, than was asked for.
    static let wrongResult = Kind(status: "CLIENT", reason: "WRONG_RESULT")
    /// Bytes that are no frame or no reply.
    static let badFrame = Kind(status: "CLIENT", reason: "BAD_FRAME")
    /// More kinds than are told apart.
    static let other = Kind(status: "CLIENT", reason: "OTHER")

    private(set) var counts: [Kind: UInt64] = [:]

    var total: UInt64 { counts.values.reduce(0, +) }
    var sorted: [(kind: Kind, count: UInt64)] { counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    mutating func add(_ kind: Kind, count: Int = 1) {
        guard count > 0 else { return }
        let isKnown = counts[kind] != nil || counts.count < LoadLimits.errorKindCountMax
        counts[isKnown ? kind : Self.other, default: 0] += UInt64(count)
    }

    mutating func add(_ other: ErrorCounts) {
        for (kind, count) in other.counts { add(kind, count: Int(count)) }
    }

    /// The kind of an error reply.
    static func kind(status: UInt32, reason: UnsafeRawBufferPointer) -> Kind {
        let name = Status(rawValue: status)?.name ?? "STATUS_\(status)"
        // Reasons are short constants; what is longer is cut, so that a mad server fills no memory.
        let text = unsafe String(decoding: reason.prefix(64), as: UTF8.self)
        return Kind(status: name, reason: text)
    }
}
