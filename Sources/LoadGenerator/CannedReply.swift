import Wire

/// A reply that is the same for every request but for its id and audit sequence, which are written into the finished frame.
struct CannedReply: Sendable {
    let frame: [UInt8]
    private let sequenceOffset: Int
    private let rowCount: UInt64

    /// Numbers whose varint has eight bytes, from here on.
    private static let sequenceFirst: UInt64 = 1 << 50
    private static let idOffset = Frame.headerByteCount + 1

    init(bundle: String, rowCount: Int) {
        self.rowCount = UInt64(rowCount)
        let digest = [UInt8](repeating: 7, count: 32)
        var reply: Reply
        if rowCount == 1 {
            var decision = DecisionMessage()
            (decision.score, decision.outcome, decision.stage) = (0.25, .approve, .online)
            (decision.bundle, decision.version, decision.digest) = (bundle, 1, digest)
            (decision.auditSequence, decision.serverNanoseconds) = (Self.sequenceFirst, 1)
            reply = Reply(id: RequestID.placeholder.rawValue, body: .decision(decision))
        } else {
            var batch = ScoreBatchMessage()
            batch.scores = [Double](repeating: 0.25, count: rowCount)
            batch.outcomes = [WireOutcome](repeating: .approve, count: rowCount)
            (batch.bundle, batch.version, batch.digest) = (bundle, 1, digest)
            batch.auditSequenceFirst = Self.sequenceFirst
            reply = Reply(id: RequestID.placeholder.rawValue, body: .scoreBatch(batch))
        }
        let frame = reply.frame()
        let varint = eightByteVarint(Self.sequenceFirst)
        let pattern = (0..<8).map { UInt8(truncatingIfNeeded: varint >> (8 * UInt64($0))) }
        let place = (Self.idOffset + 8..<frame.count - 7).first { frame[$0..<($0 + 8)].elementsEqual(pattern) }
        precondition(place != nil, "the encoder writes numbers otherwise")
        sequenceOffset = place ?? 0
        self.frame = frame
    }

    /// Appends the reply number `number` to a request whose id is the eight bytes `id`.
    func append(id: UInt64, number: UInt64, to output: inout SendQueue) {
        let sequence = eightByteVarint(Self.sequenceFirst &+ number &* rowCount)
        unsafe frame.withUnsafeBytes { bytes in
            // Safety: `reserve` gives as many bytes as the frame has, and both numbers lie in it.
            let target = unsafe output.reserve(bytes.count)
            unsafe target.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            unsafe target.storeBytes(of: id, toByteOffset: Self.idOffset, as: UInt64.self)
            unsafe target.storeBytes(of: sequence.littleEndian, toByteOffset: sequenceOffset, as: UInt64.self)
        }
        output.commit(frame.count)
    }
}
