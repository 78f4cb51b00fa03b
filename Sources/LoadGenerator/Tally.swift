import Histogram
import Wire

/// Latencies in nanoseconds, up to an hour, three significant digits.
typealias LatencyHistogram = Histogram<UInt64>

/// What is longer than an hour counts as an hour.
let latencyNanosecondsMax: UInt64 = 3_600_000_000_000

func makeLatencyHistogram(digits: SignificantDigits = .three) -> LatencyHistogram {
    LatencyHistogram(highestTrackableValue: latencyNanosecondsMax, numberOfSignificantValueDigits: digits)
}

/// What one thread counts. A pure value: replies, requests and times come in, nothing goes out.
struct Tally {
    /// What a run asks of its tallies.
    struct Plan {
        /// Requests meant for an earlier moment are warm-up: checked, but not measured.
        var measureFromNanoseconds: UInt64 = 0
        var isOpenLoop = false
        var isVerifying = false
        var rowCount = 1
        var rowsPerRequest = 1
        /// The name that decisions must bear.
        var bundle: [UInt8] = []
        /// Keep figures for a progress line.
        var hasProgress = false
    }

    let plan: Plan

    /// From the intended send time to the reply, of measured requests that got a decision.
    private(set) var latency = makeLatencyHistogram()
    /// From the moment of sending; kept in an open loop, where it differs.
    private(set) var service: LatencyHistogram?

    /// Requests put into a send queue, with those of the warm-up.
    var requestsSent: UInt64 = 0
    /// Requests that got a decision: all, and those measured.
    private(set) var repliesTotal: UInt64 = 0
    private(set) var repliesMeasured: UInt64 = 0
    /// Rows decided: all, and those measured.
    private(set) var decisionsTotal: UInt64 = 0
    private(set) var decisionsMeasured: UInt64 = 0
    /// When the last measured reply came.
    private(set) var lastReplyNanoseconds: UInt64 = 0
    /// Rows by outcome: unspecified, approve, review, decline.
    private(set) var outcomes: [UInt64] = [0, 0, 0, 0]
    /// Sum of the times that the server says it took for measured requests.
    private(set) var serverNanoseconds: UInt64 = 0

    private(set) var errors = ErrorCounts()
    private(set) var observations: Observations
    private(set) var sequences = SequenceSet()
    /// Decisions without a record: the server's trail took none, and was set to go on.
    private(set) var unrecorded: UInt64 = 0
    /// Decisions that bear another bundle's name.
    private(set) var wrongBundle: UInt64 = 0

    var bytesSent: UInt64 = 0
    var bytesReceived: UInt64 = 0

    private(set) var disconnects: UInt64 = 0
    private(set) var reconnects: UInt64 = 0
    /// Requests in flight on connections that were lost, when that is tolerated (else they are errors).
    private(set) var requestsLost: UInt64 = 0

    /// Since it was last taken.
    private(set) var interval = Interval()
    /// Versions seen for the first time since it was last taken.
    private(set) var newVersions: [UInt32] = []

    /// Figures for the progress line.
    struct Interval {
        var latency = makeLatencyHistogram(digits: .two)
        var decisions: UInt64 = 0
        var errors: UInt64 = 0
    }

    init(plan: Plan) {
        self.plan = plan
        observations = Observations(isVerifying: plan.isVerifying, rowCount: plan.rowCount)
        if plan.isOpenLoop { service = makeLatencyHistogram() }
    }

    /// Counts the reply to `request`, received at `now`; `rowAt` tells the row at a position of the request. Returns how many
    /// rows it decided (0: an error).
    @inline(__always)
    mutating func take(
        _ reply: ScannedReply, _ payload: UnsafeRawBufferPointer, _ request: InFlight.Request, nowNanoseconds now: UInt64,
        rowAt: (Int) -> Int
    ) -> Int {
        guard reply.status == 0 else {
            unsafe addError(ErrorCounts.kind(status: reply.status, reason: payload[reply.reason]))
            return 0
        }
        let decided: Bool
        switch reply.result {
        case .decision where plan.rowsPerRequest == 1: decided = unsafe takeDecision(reply, payload, row: rowAt(0))
        case .batch where plan.rowsPerRequest > 1: decided = unsafe takeBatch(reply, payload, rowAt: rowAt)
        default: decided = false
        }
        guard decided else {
            addError(ErrorCounts.wrongResult)
            return 0
        }
        measure(request, now, reply.serverNanoseconds)
        return plan.rowsPerRequest
    }

    private mutating func takeDecision(_ reply: ScannedReply, _ payload: UnsafeRawBufferPointer, row: Int) -> Bool {
        note(sequence: reply.auditSequence, count: 1)
        outcomes[reply.outcome < 4 ? Int(reply.outcome) : 0] += 1
        unsafe checkBundle(reply, payload)
        let outputCount = reply.scores.byteCount / 8
        let digest = unsafe DigestWords(payload, reply.digest)
        guard
            let version = observations.version(reply.version, digest: digest, outputCount: outputCount, decisionCount: 1)
        else { return true }
        if version.isNew { newVersions.append(reply.version) }
        unsafe observations.note(
            versionIndex: version.index, row: row, scoreBits: reply.scoreBits, outcome: reply.outcome,
            outputs: payload[reply.scores])
        return true
    }

    private mutating func note(sequence first: UInt64, count: Int) {
        if first == 0 { return unrecorded += UInt64(count) }
        sequences.insert(first: first, count: count)
    }

    private mutating func takeBatch(_ reply: ScannedReply, _ payload: UnsafeRawBufferPointer, rowAt: (Int) -> Int) -> Bool {
        let rows = plan.rowsPerRequest
        let outputCount = reply.allScores.byteCount / 8 / rows
        guard reply.scores.byteCount == rows * 8, reply.outcomes.byteCount == rows,
            reply.allScores.byteCount == rows * outputCount * 8
        else { return false }
        note(sequence: reply.auditSequence, count: rows)
        unsafe checkBundle(reply, payload)
        let scores = unsafe payload[reply.scores]
        let outcomeBytes = unsafe payload[reply.outcomes]
        let all = unsafe payload[reply.allScores]
        for position in 0..<rows { unsafe outcomes[outcomeBytes[position] < 4 ? Int(outcomeBytes[position]) : 0] += 1 }
        let digest = unsafe DigestWords(payload, reply.digest)
        guard
            let version = observations.version(reply.version, digest: digest, outputCount: outputCount, decisionCount: rows)
        else { return true }
        if version.isNew { newVersions.append(reply.version) }
        for position in 0..<rows {
            // Safety: the sizes of the three columns were compared with the count of rows above.
            let outputs = unsafe UnsafeRawBufferPointer(
                rebasing: all[(position * outputCount * 8)..<((position + 1) * outputCount * 8)])
            let bits = unsafe UInt64(littleEndian: scores.loadUnaligned(fromByteOffset: position * 8, as: UInt64.self))
            unsafe observations.note(
                versionIndex: version.index, row: rowAt(position), scoreBits: bits, outcome: outcomeBytes[position],
                outputs: outputs)
        }
        return true
    }

    @inline(__always)
    private mutating func measure(_ request: InFlight.Request, _ now: UInt64, _ serverTime: UInt64) {
        repliesTotal += 1
        decisionsTotal += UInt64(plan.rowsPerRequest)
        let elapsed = now > request.intendedNanoseconds ? now - request.intendedNanoseconds : 0
        if plan.hasProgress {
            interval.decisions += UInt64(plan.rowsPerRequest)
            interval.latency.record(min(elapsed, latencyNanosecondsMax))
        }
        guard request.intendedNanoseconds >= plan.measureFromNanoseconds else { return }
        repliesMeasured += 1
        decisionsMeasured += UInt64(plan.rowsPerRequest)
        lastReplyNanoseconds = now
        serverNanoseconds &+= serverTime
        latency.record(min(elapsed, latencyNanosecondsMax))
        if plan.isOpenLoop {
            let sinceSent = now > request.sentNanoseconds ? now - request.sentNanoseconds : 0
            service?.record(min(sinceSent, latencyNanosecondsMax))
        }
    }

    @inline(__always)
    private mutating func checkBundle(_ reply: ScannedReply, _ payload: UnsafeRawBufferPointer) {
        guard reply.bundle.byteCount == plan.bundle.count,
            unsafe payload[reply.bundle].elementsEqual(plan.bundle)
        else {
            wrongBundle += UInt64(plan.rowsPerRequest)
            return
        }
    }

    mutating func addError(_ kind: ErrorCounts.Kind, count: Int = 1) {
        errors.add(kind, count: count)
        if plan.hasProgress { interval.errors += UInt64(count) }
    }

    /// Counts a connection that ended with requests in flight, of which `overdue` had waited too long.
    mutating func addDisconnect(inFlight: Int, overdue: Int, isTolerated: Bool) {
        disconnects += 1
        addError(ErrorCounts.timeout, count: overdue)
        if isTolerated {
            requestsLost += UInt64(inFlight - overdue)
        } else {
            // A connection that ends while nothing waits on it is an error of its own, too.
            addError(ErrorCounts.connectionLost, count: max(inFlight - overdue, overdue == 0 ? 1 : 0))
        }
    }

    mutating func addReconnect() { reconnects += 1 }

    /// Gives the figures since the last call away.
    mutating func takeInterval() -> Interval {
        let taken = interval
        interval = Interval()
        return taken
    }

    mutating func takeNewVersions() -> [UInt32] {
        let taken = newVersions
        newVersions = []
        return taken
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes at a place that was scanned in this very buffer.
    @inline(__always)
    subscript(_ place: ScannedReply.Place) -> UnsafeRawBufferPointer {
        // Safety: the scanner hands out places inside its payload only; the slice's bounds are checked in debug builds.
        unsafe UnsafeRawBufferPointer(rebasing: self[place.offset..<(place.offset + place.byteCount)])
    }
}
