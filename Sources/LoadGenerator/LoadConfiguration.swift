import Platform

/// What a run does.
public struct LoadConfiguration: Sendable, Equatable {
    public enum Durability: String, Sendable {
        case memory, disk
    }

    public var server: ServerAddress
    /// At least one; several are mixed by their weights.
    public var bundles: [LoadBundle]
    /// Empty: the server's default (`champion`).
    public var alias = ""
    /// 0: by alias.
    public var version: UInt32 = 0

    public var connectionCount = 1
    /// Requests in flight on each connection. In an open loop the most that may wait there.
    public var depth = 1
    /// Requests a second of the whole run, or the stages of it; neither: closed loop.
    public var ratePerSecond: Double?
    public var stages: [LoadProfile.Stage] = []
    public var arrivals = LoadProfile.Arrivals.constant
    /// How long to send, without the warm-up; nil: until `requestCount`, or as long as the stages last.
    public var durationSeconds: Double? = 10
    /// Sent before it, checked but not measured.
    public var warmupSeconds = 0.0
    /// Most requests to send; nil: as many as the time allows.
    public var requestCount: UInt64?
    /// Rows of one request; above 1 it is a ScoreBatch. Several are mixed by their weights.
    public var batches = [BatchShare(rowCount: 1)]
    /// Milliseconds that the server has for each request; nil: no deadline.
    public var deadlineMilliseconds: Double?

    /// What the reply to each request waits for; nil: as the server is set.
    public var durability: Durability?

    public var verifies = false
    /// Where verification finds bundles before it asks the server for them: a registry directory.
    public var registryPath: String?

    /// Find the highest rate at which all of these hold; empty: one run.
    public var objectives: [Condition] = []
    /// Measure before the run what the generator itself can do.
    public var measuresCeiling = false

    public var threadCount = 1
    public var seed: UInt64 = 1
    /// A request without a reply for this long has failed, and its connection with it.
    public var timeoutSeconds = 10.0
    public var connectTimeoutSeconds = 5.0

    public var acknowledgementsPath: String?
    /// Lost connections, and the requests in flight on them, are no errors.
    public var toleratesDisconnect = false
    /// Lost connections are opened again.
    public var reconnects = false

    public init(server: ServerAddress, bundle: String) {
        self.server = server
        bundles = [LoadBundle(name: bundle)]
    }

    /// Rows of each request, where all have as many; else the most.
    public var rowsPerRequest: Int {
        get { batches.map(\.rowCount).max() ?? 1 }
        set { batches = [BatchShare(rowCount: newValue)] }
    }

    public var isOpenLoop: Bool { ratePerSecond != nil || !stages.isEmpty }

    /// What an open loop sends when, without the warm-up.
    var profile: LoadProfile? {
        if !stages.isEmpty { return LoadProfile(stages: stages, arrivals: arrivals) }
        guard let ratePerSecond else { return nil }
        return LoadProfile(
            stages: [.init(ratePerSecond: ratePerSecond, seconds: durationSeconds ?? LoadLimits.durationSecondsMax)],
            arrivals: arrivals)
    }

    /// How long is sent at most, without the warm-up. Without a duration the count of requests ends the run, or a day.
    var plannedSeconds: Double { profile?.seconds ?? durationSeconds ?? LoadLimits.durationSecondsMax }

    /// How late an arrival of an open loop may be sent.
    var lateNanosecondsMax: UInt64 {
        let rate = (profile?.arrivalCount ?? 0) / plannedSeconds
        return nanoseconds(max(LoadLimits.lateSeconds, min(3_600, LoadLimits.lateArrivalCount / max(rate, 0.001))))
    }

    /// A tenth of a second; longer where the run is so long that these would be too many.
    var timelineIntervalNanoseconds: UInt64 {
        let isOpenEnded = durationSeconds == nil && stages.isEmpty
        let seconds = isOpenEnded ? 0 : warmupSeconds + plannedSeconds
        let steps = (seconds / LoadLimits.timelinePointCountWanted / LoadLimits.timelineIntervalSeconds).rounded(.up)
        return nanoseconds(max(1, steps) * LoadLimits.timelineIntervalSeconds)
    }
}
