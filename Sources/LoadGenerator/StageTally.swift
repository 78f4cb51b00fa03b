/// What one thread measured of one stage, or of one kind of request.
struct StageTally: Sendable {
    /// From the intended send time to the reply, of requests that got a decision.
    var latency = makeLatencyHistogram()
    /// From the moment of sending; kept in an open loop, where it differs.
    var service: LatencyHistogram?
    /// Requests that got a decision, and the rows of these.
    var replies: UInt64 = 0
    var decisions: UInt64 = 0
    var errors: UInt64 = 0

    init(isOpenLoop: Bool = false) {
        if isOpenLoop { service = makeLatencyHistogram() }
    }

    @inline(__always)
    mutating func record(elapsed: UInt64, sinceSent: UInt64, decisions rows: Int) {
        replies += 1
        decisions += UInt64(rows)
        latency.record(elapsed)
        service?.record(sinceSent)
    }

    mutating func add(_ other: StageTally) {
        latency.add(other.latency)
        if let more = other.service { service?.add(more) }
        replies += other.replies
        decisions += other.decisions
        errors += other.errors
    }
}
