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
        struct Bundle {
            /// The name that decisions must bear.
            var name: [UInt8]
            var rowCount: Int
        }

        /// A kind of request; numbers only.
        struct Part {
            var bundle = 0
            var rowsPerRequest = 1
        }

        var startNanoseconds: UInt64 = 0
        /// Requests meant for an earlier moment are warm-up: checked, but not measured.
        var measureFromNanoseconds: UInt64 = 0
        /// The end of each stage.
        var stageEndNanoseconds: [UInt64] = [.max]
        var timelineIntervalNanoseconds: UInt64 = 100_000_000
        var isOpenLoop = false
        var isVerifying = false
        var bundles: [Bundle] = []
        var parts = [Part()]
        /// Keep figures for a progress line.
        var hasProgress = false
    }

    /// A version that answered.
    struct SeenVersion: Hashable, Sendable {
        var bundle: Int
        var number: UInt32
    }

    let plan: Plan

    /// When what is being counted happened; set by the loop.
    var nowNanoseconds: UInt64 = 0

    /// Measured requests by stage; by kind, where there are several.
    private(set) var stages: [StageTally]
    private(set) var parts: [StageTally] = []
    private(set) var timeline: TimelineTally
    private var lastStage = 0

    /// Requests put into a send queue, with those of the warm-up.
    var requestsSent: UInt64 = 0
    /// Requests that got a decision: all, and those measured.
    private(set) var repliesTotal: UInt64 = 0
    var repliesMeasured: UInt64 { stages.reduce(0) { $0 + $1.replies } }
    /// Rows decided: all, and those measured.
    private(set) var decisionsTotal: UInt64 = 0
    var decisionsMeasured: UInt64 { stages.reduce(0) { $0 + $1.decisions } }
    /// When the last measured reply came.
    private(set) var lastReplyNanoseconds: UInt64 = 0
    /// Rows by outcome: unspecified, approve, review, decline.
    private(set) var outcomes: [UInt64] = [0, 0, 0, 0]
    /// Sum of the times that the server says it took for measured requests.
    private(set) var serverNanoseconds: UInt64 = 0

    private(set) var errors = ErrorCounts()
    /// By bundle.
    private(set) var observations: [Observations]
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
    private(set) var newVersions: [SeenVersion] = []

    /// Figures for the progress line.
    struct Interval {
        var latency = makeLatencyHistogram(digits: .two)
        var decisions: UInt64 = 0
        var errors: UInt64 = 0
    }

    init(plan: Plan) {
        self.plan = plan
        observations = plan.bundles.map { Observations(isVerifying: plan.isVerifying, rowCount: $0.rowCount) }
        stages = plan.stageEndNanoseconds.map { _ in StageTally(isOpenLoop: plan.isOpenLoop) }
        if plan.parts.count > 1 { parts = plan.parts.map { _ in StageTally() } }
        timeline = TimelineTally(
            startNanoseconds: plan.startNanoseconds, intervalNanoseconds: plan.timelineIntervalNanoseconds,
            bundleCount: plan.bundles.count)
    }

    /// Counts the reply to `request`, received at `nowNanoseconds`; `rowAt` tells the row at a position of the request. Returns how
    /// many rows it decided (0: an error).
    @inline(__always)
    mutating func take(
        _ reply: ScannedReply, _ payload: UnsafeRawBufferPointer, _ request: InFlight.Request, rowAt: (Int) -> Int
    ) -> Int {
        let part = plan.parts[Int(request.part)]
        guard reply.status == 0 else {
            unsafe addError(ErrorCounts.kind(status: reply.status, reason: payload[reply.reason]), of: request)
            return 0
        }
        let decided: Bool
        switch reply.result {
        case .decision where part.rowsPerRequest == 1:
            decided = unsafe takeDecision(reply, payload, bundle: part.bundle, row: rowAt(0))
        case .batch where part.rowsPerRequest > 1: decided = unsafe takeBatch(reply, payload, part, rowAt: rowAt)
        default: decided = false
        }
        guard decided else {
            addError(ErrorCounts.wrongResult, of: request)
            return 0
        }
        measure(request, rows: part.rowsPerRequest, reply.serverNanoseconds)
        return part.rowsPerRequest
    }

    private mutating func takeDecision(
        _ reply: ScannedReply, _ payload: UnsafeRawBufferPointer, bundle: Int, row: Int
    ) -> Bool {
        note(sequence: reply.auditSequence, count: 1)
        outcomes[reply.outcome < 4 ? Int(reply.outcome) : 0] += 1
        unsafe checkBundle(reply, payload, bundle, rows: 1)
        let outputCount = reply.scores.byteCount / 8
        let digest = unsafe DigestWords(payload, reply.digest)
        guard
            let version = observations[bundle].version(
                reply.version, digest: digest, outputCount: outputCount, decisionCount: 1)
        else { return true }
        note(version: reply.version, isNew: version.isNew, bundle)
        unsafe observations[bundle].note(
            versionIndex: version.index, row: row, scoreBits: reply.scoreBits, outcome: reply.outcome,
            outputs: payload[reply.scores])
        return true
    }

    @inline(__always)
    private mutating func note(sequence first: UInt64, count: Int) {
        if first == 0 { return unrecorded += UInt64(count) }
        if count == 1 { sequences.insert(first) } else { sequences.insert(first: first, count: count) }
    }

    private mutating func takeBatch(
        _ reply: ScannedReply, _ payload: UnsafeRawBufferPointer, _ part: Plan.Part, rowAt: (Int) -> Int
    ) -> Bool {
        let (rows, bundle) = (part.rowsPerRequest, part.bundle)
        let outputCount = reply.allScores.byteCount / 8 / rows
        guard reply.scores.byteCount == rows * 8, reply.outcomes.byteCount == rows,
            reply.allScores.byteCount == rows * outputCount * 8
        else { return false }
        note(sequence: reply.auditSequence, count: rows)
        unsafe checkBundle(reply, payload, bundle, rows: rows)
        let scores = unsafe payload[reply.scores]
        let outcomeBytes = unsafe payload[reply.outcomes]
        let all = unsafe payload[reply.allScores]
        for position in 0..<rows { unsafe outcomes[outcomeBytes[position] < 4 ? Int(outcomeBytes[position]) : 0] += 1 }
        let digest = unsafe DigestWords(payload, reply.digest)
        guard
            let version = observations[bundle].version(
                reply.version, digest: digest, outputCount: outputCount, decisionCount: rows)
        else { return true }
        note(version: reply.version, isNew: version.isNew, bundle)
        for position in 0..<rows {
            // Safety: the sizes of the three columns were compared with the count of rows above.
            let outputs = unsafe UnsafeRawBufferPointer(
                rebasing: all[(position * outputCount * 8)..<((position + 1) * outputCount * 8)])
            let bits = unsafe UInt64(littleEndian: scores.loadUnaligned(fromByteOffset: position * 8, as: UInt64.self))
            unsafe observations[bundle].note(
                versionIndex: version.index, row: rowAt(position), scoreBits: bits, outcome: outcomeBytes[position],
                outputs: outputs)
        }
        return true
    }

    @inline(__always)
    private mutating func note(version: UInt32, isNew: Bool, _ bundle: Int) {
        if isNew { newVersions.append(SeenVersion(bundle: bundle, number: version)) }
        timeline.take(version: version, bundle: bundle, now: nowNanoseconds)
    }

    @inline(__always)
    private mutating func measure(_ request: InFlight.Request, rows: Int, _ serverTime: UInt64) {
        let now = nowNanoseconds
        repliesTotal += 1
        decisionsTotal += UInt64(rows)
        let elapsed = Self.elapsed(from: request.intendedNanoseconds, to: now)
        timeline.take(elapsed: elapsed, decisions: rows, now: now)
        if plan.hasProgress {
            interval.decisions += UInt64(rows)
            interval.latency.record(elapsed)
        }
        guard request.intendedNanoseconds >= plan.measureFromNanoseconds else { return }
        lastReplyNanoseconds = now
        serverNanoseconds &+= serverTime
        let sinceSent = Self.elapsed(from: request.sentNanoseconds, to: now)
        stages[stage(of: request)].record(elapsed: elapsed, sinceSent: sinceSent, decisions: rows)
        if !parts.isEmpty { parts[Int(request.part)].record(elapsed: elapsed, sinceSent: sinceSent, decisions: rows) }
    }

    /// What is longer than an hour counts as an hour.
    @inline(__always)
    private static func elapsed(from begin: UInt64, to end: UInt64) -> UInt64 {
        end > begin ? min(end - begin, latencyNanosecondsMax) : 0
    }

    /// The stage in which a request was meant to be sent; mostly the one of the request before.
    @inline(__always)
    private mutating func stage(of request: InFlight.Request) -> Int {
        if stages.count == 1 { return 0 }
        let intended = request.intendedNanoseconds
        while lastStage > 0, intended < plan.stageEndNanoseconds[lastStage - 1] { lastStage -= 1 }
        while lastStage < stages.count - 1, intended >= plan.stageEndNanoseconds[lastStage] { lastStage += 1 }
        return lastStage
    }

    @inline(__always)
    private mutating func checkBundle(
        _ reply: ScannedReply, _ payload: UnsafeRawBufferPointer, _ bundle: Int, rows: Int
    ) {
        guard reply.bundle.byteCount == plan.bundles[bundle].name.count,
            unsafe payload[reply.bundle].elementsEqual(plan.bundles[bundle].name)
        else {
            wrongBundle += UInt64(rows)
            return
        }
    }

    /// An error reply to a request.
    private mutating func addError(_ kind: ErrorCounts.Kind, of request: InFlight.Request) {
        addError(kind)
        guard request.intendedNanoseconds >= plan.measureFromNanoseconds else { return }
        stages[stage(of: request)].errors += 1
        if !parts.isEmpty { parts[Int(request.part)].errors += 1 }
    }

    mutating func addError(_ kind: ErrorCounts.Kind, count: Int = 1) {
        guard count > 0 else { return }
        errors.add(kind, count: count)
        timeline.takeErrors(count, now: nowNanoseconds)
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

    /// Nothing more will come.
    mutating func finish() { timeline.finish() }

    mutating func takeNewVersions() -> [SeenVersion] {
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
