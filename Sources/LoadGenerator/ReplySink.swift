import Platform

/// Where the replies of one thread's connections go: to the counters, and to the acknowledgement log when there is one.
struct ReplySink: ~Copyable {
    let requests: RequestMix
    var tally: Tally
    var log: AcknowledgementLog?

    init(requests: RequestMix, tally: Tally, log: consuming AcknowledgementLog?) {
        self.requests = requests
        self.tally = tally
        self.log = log
    }

    /// Takes the reply in `payload` to a request of connection `connection`.
    @inline(__always)
    mutating func take(_ payload: UnsafeRawBufferPointer, connection: Int, _ inFlight: inout InFlight) throws(ReplyFault) {
        let reply = try unsafe ScannedReply(payload)
        let id = RequestID(rawValue: reply.id)
        guard id.isOurs, id.connection == connection,
            let request = inFlight.end(slot: id.slot, generation: id.generation)
        else {
            unsafe takeOther(reply, payload)
            return
        }
        // Numbers, not the whole list: a copy of it would be counted in and out for every reply.
        let shape = requests.shapes[Int(request.part)]
        let rows = unsafe tally.take(reply, payload, request) { position in
            PreparedRequests.row(request.item * shape.rowsPerRequest + position, of: shape.rowCount)
        }
        if rows > 0, log != nil { unsafe acknowledge(reply, payload) }
    }

    /// A reply to no scoring request: to the Hello, to bytes that the server could not read, or one that nobody waits for.
    private mutating func takeOther(_ reply: ScannedReply, _ payload: UnsafeRawBufferPointer) {
        if reply.id == RequestID.hello, reply.status == 0 { return }
        if reply.id == RequestID.hello || reply.id == 0, reply.status != 0 {
            unsafe tally.addError(ErrorCounts.kind(status: reply.status, reason: payload[reply.reason]))
        } else {
            tally.addError(ErrorCounts.unexpectedReply)
        }
    }

    private mutating func acknowledge(_ reply: ScannedReply, _ payload: UnsafeRawBufferPointer) {
        guard reply.result == .batch else {
            log?.append(sequence: reply.auditSequence, scoreBits: reply.scoreBits, requestID: reply.id)
            return
        }
        let scores = unsafe payload[reply.scores]
        for row in 0..<(scores.count / 8) {
            // Safety: the index is below the number of whole words.
            let bits = unsafe UInt64(littleEndian: scores.loadUnaligned(fromByteOffset: row * 8, as: UInt64.self))
            let sequence = reply.auditSequence == 0 ? 0 : reply.auditSequence &+ UInt64(row)
            log?.append(sequence: sequence, scoreBits: bits, requestID: reply.id)
        }
    }
}
