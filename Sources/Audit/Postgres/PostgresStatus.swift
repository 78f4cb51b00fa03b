/// How shipping to PostgreSQL is doing.
public struct PostgresStatus: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        case connecting
        /// Connected; records go over as they become durable.
        case shipping
        /// Away; tried again after a pause.
        case waiting
        /// Stopped for good, because going on could harm (see `problem`).
        case refused
        case closed
    }

    public var state = State.connecting
    /// What is wrong now; nil when nothing is.
    public var problem: PostgresProblem?
    /// The last number that PostgreSQL has confirmed; nil before it was asked.
    public var shippedSequence: UInt64?
    /// Rows confirmed since the trail was opened.
    public var rowCount: UInt64 = 0
    /// Connections made since the trail was opened.
    public var connectionCount: UInt64 = 0
    /// Journal bytes that PostgreSQL doesn't have yet. While PostgreSQL has never been reached: those written since the trail was opened.
    public var backlogByteCount = 0
    /// Places in the journal that could not be read and so were not shipped.
    public var damageCount = 0
    /// Wall time since which something durable waits for PostgreSQL, Unix nanoseconds; nil: nothing does, or nobody knows yet.
    public var behindSinceNanoseconds: Int64?

    /// How old the oldest record is that PostgreSQL lacks; nil while that is unknown.
    public func lagNanoseconds(now: Int64) -> Int64? {
        if let behindSinceNanoseconds { return max(0, now - behindSinceNanoseconds) }
        return shippedSequence == nil ? nil : 0
    }
}
