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

    /// Where the rows of a bundle came from, and how many there are.
    struct Input: Sendable, Equatable {
        var origin: InputOrigin
        var rowCount: Int
    }

    /// A stage of an open loop, or a kind of request.
    struct Section: Sendable {
        var name: String
        /// Requests a second that were meant, where there is a target.
        var rate: Double?
        var seconds: Double
        var replies: UInt64
        var decisions: UInt64
        var errors: UInt64
        var latency: Latency
        var service: Latency?

        var decisionsPerSecond: Double { seconds > 0 ? Double(decisions) / seconds : 0 }
    }

    struct Version: Sendable, Equatable {
        var bundle: String
        var number: UInt32
        var digest: String
        var decisionCount: UInt64
    }

    var configuration: LoadConfiguration
    var serverVersion = ""
    /// By bundle.
    var inputs: [Input] = []

    /// From the end of the warm-up to the last measured reply.
    var measuredSeconds = 0.0
    var requestsSent: UInt64 = 0
    var repliesTotal: UInt64 = 0
    var repliesMeasured: UInt64 = 0
    var decisionsTotal: UInt64 = 0
    var decisionsMeasured: UInt64 = 0
    var latencies = makeLatencyHistogram()
    var latency = Latency()
    var services: LatencyHistogram?
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

    /// The stages of an open loop, the kinds of requests; empty where there is one only.
    var stages: [Section] = []
    var parts: [Section] = []
    var timeline = Timeline()
    var search: RateSearchResult?
    var ceiling: Ceiling?
    /// Conditions that make the run a failure, and which of them came true.
    public var failConditions: [Condition] = []
    public var conditionsMet: [Condition] { failConditions.filter { $0.holds(self) } }

    /// Arrivals that an open loop meant to send, and those that it could not.
    var arrivalsDue: UInt64 = 0
    var arrivalsUnsent: UInt64 = 0

    /// Share of a processor that each thread took while sending.
    var threadUtilizations: [Double] = []
    var processorNanoseconds: UInt64 = 0
    /// Processor time of the load threads for one request, while they were sending.
    var processorNanosecondsPerRequest: Double { Double(processorNanoseconds) / Double(max(1, requestsSent)) }
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

    /// No error, no mismatch, and something was decided. Errors are for the conditions to judge, where one speaks of them.
    public var isClean: Bool {
        (errorCount == 0 || (failConditions + (search?.objectives ?? [])).contains(where: \.isAboutErrors)) && mismatchCount == 0
            && (verification?.unverified ?? 0) == 0 && failures.isEmpty
            && (decisionsTotal > 0 || configuration.toleratesDisconnect)
    }

    /// 0 when clean, 4 when a condition or objective failed, 1 for all else.
    public var exitCode: Int32 {
        guard isClean else { return 1 }
        return conditionsMet.isEmpty && (search == nil || search?.best != nil) ? 0 : 4
    }
}
