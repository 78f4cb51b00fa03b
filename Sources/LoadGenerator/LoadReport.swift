import Platform

/// What a run found: everything that the summary, the JSON and the exit code tell.
public struct LoadReport: Sendable {
    /// Percentiles of a latency in nanoseconds.
    struct Latency: Sendable, Equatable {
        var p50: UInt64 = 0
        var p90: UInt64 = 0
        var p99: UInt64 = 0
        var p999: UInt64 = 0
        var max: UInt64 = 0
        var mean = 0.0
        var count: UInt64 = 0

        init() {}

        init(_ histogram: LatencyHistogram) {
            guard histogram.totalCount > 0 else { return }
            p50 = histogram.valueAtPercentile(50)
            p90 = histogram.valueAtPercentile(90)
            p99 = histogram.valueAtPercentile(99)
            p999 = histogram.valueAtPercentile(99.9)
            max = histogram.max
            mean = histogram.mean
            count = histogram.totalCount
        }
    }

    struct Version: Sendable, Equatable {
        var number: UInt32
        var digest: String
        var decisionCount: UInt64
    }

    var configuration: LoadConfiguration
    var serverVersion = ""
    var origin = InputOrigin.goldenRows
    var rowCount = 0

    /// From the end of the warm-up to the last measured reply.
    var measuredSeconds = 0.0
    var requestsSent: UInt64 = 0
    var repliesTotal: UInt64 = 0
    var repliesMeasured: UInt64 = 0
    var decisionsTotal: UInt64 = 0
    var decisionsMeasured: UInt64 = 0
    var latencies = makeLatencyHistogram()
    var latency = Latency()
    /// In an open loop: counted from the moment of sending, which hides what waited (for comparison).
    var service: Latency?
    var serverNanoseconds: UInt64 = 0

    var errors = ErrorCounts()
    var outcomes: [UInt64] = [0, 0, 0, 0]
    var versions: [Version] = []
    var wrongBundle: UInt64 = 0
    var sequencesDistinct: UInt64 = 0
    var sequencesRepeated: UInt64 = 0
    var sequencesUnchecked: UInt64 = 0
    /// Decisions that have no record.
    var unrecorded: UInt64 = 0
    var bytesSent: UInt64 = 0
    var bytesReceived: UInt64 = 0
    var disconnects: UInt64 = 0
    var reconnects: UInt64 = 0
    var requestsLost: UInt64 = 0

    /// Arrivals that an open loop meant to send, and those that it could not.
    var arrivalsDue: UInt64 = 0
    var arrivalsUnsent: UInt64 = 0

    /// Share of a processor that each thread took while sending.
    var threadUtilizations: [Double] = []
    var verification: Verification?
    /// What went wrong beside replies (a file that could not be written …).
    var failures: [String] = []

    /// Decided rows a second in the measured time.
    public var decisionsPerSecond: Double { measuredSeconds > 0 ? Double(decisionsMeasured) / measuredSeconds : 0 }
    public var errorCount: UInt64 { errors.total }
    /// Replies that contradict the contract: scores, digests, names, sequence numbers.
    public var mismatchCount: UInt64 {
        (verification?.mismatches ?? contradictions) + wrongBundle + sequencesRepeated + sequencesUnchecked
    }
    /// Digests that contradict each other; part of the verification where there is one.
    var contradictions: UInt64 = 0

    /// Whether an open loop sent what it was to send: all but a thousandth.
    var isRateHeld: Bool { arrivalsUnsent * 1_000 <= arrivalsDue }
    var isGeneratorBusy: Bool { threadUtilizations.contains { $0 > 0.9 } }

    /// No error, no mismatch, and something was decided.
    public var isClean: Bool {
        errorCount == 0 && mismatchCount == 0 && (verification?.unverified ?? 0) == 0 && failures.isEmpty
            && (decisionsTotal > 0 || configuration.toleratesDisconnect)
    }

    /// 0 when clean, else 1.
    public var exitCode: Int32 { isClean ? 0 : 1 }
}

extension LoadReport {
    /// Adds up what the threads found.
    init(_ configuration: LoadConfiguration, _ results: [LoadLoop.Result], schedule: LoadSchedule) {
        self.configuration = configuration
        var service = makeLatencyHistogram()
        var sequences = SequenceSet()
        var lastReply = schedule.measureFrom
        for result in results {
            let tally = result.tally
            add(tally)
            latencies.add(tally.latency)
            if let more = tally.service { service.add(more) }
            sequences.formUnion(tally.sequences)
            unrecorded += tally.unrecorded
            lastReply = max(lastReply, tally.lastReplyNanoseconds)
            arrivalsDue += result.dueCount
            arrivalsUnsent += result.unsentCount
            threadUtilizations.append(Double(result.processorNanoseconds) / Double(result.elapsedNanoseconds))
            if let failure = result.failure { failures.append(failure.description) }
        }
        latency = Latency(latencies)
        if configuration.isOpenLoop { self.service = Latency(service) }
        sequencesDistinct = sequences.count
        sequencesRepeated = sequences.repeated
        sequencesUnchecked = sequences.unchecked
        measuredSeconds = Double(lastReply - schedule.measureFrom) / 1e9
        versions.sort { $0.number < $1.number }
    }

    private mutating func add(_ tally: Tally) {
        requestsSent += tally.requestsSent
        repliesTotal += tally.repliesTotal
        repliesMeasured += tally.repliesMeasured
        decisionsTotal += tally.decisionsTotal
        decisionsMeasured += tally.decisionsMeasured
        serverNanoseconds &+= tally.serverNanoseconds
        errors.add(tally.errors)
        for index in outcomes.indices { outcomes[index] += tally.outcomes[index] }
        wrongBundle += tally.wrongBundle
        contradictions += tally.observations.digestContradictions
        bytesSent += tally.bytesSent
        bytesReceived += tally.bytesReceived
        disconnects += tally.disconnects
        reconnects += tally.reconnects
        requestsLost += tally.requestsLost
        for version in tally.observations.versions { add(version) }
    }

    /// Two threads that saw different digests under one number make two entries.
    private mutating func add(_ version: Observations.Version) {
        let digest = SHA256Digest(bytes: version.digest.bytes)?.hex ?? ""
        if let known = versions.firstIndex(where: { $0.number == version.number && $0.digest == digest }) {
            versions[known].decisionCount += version.decisionCount
        } else {
            if versions.contains(where: { $0.number == version.number }) { contradictions += version.decisionCount }
            versions.append(Version(number: version.number, digest: digest, decisionCount: version.decisionCount))
        }
    }
}
