/// Every bound of the load generator, with its reason.
enum LoadLimits {
    /// Connections of one run: what fits the fourteen bits of `RequestID`; also more than a Linux process gets by default.
    static let connectionCountMax = 16_000
    /// Requests in flight on one connection: what fits the twelve bits of `RequestID`.
    static let depthMax = 4_096
    /// Threads of one run; beyond one a core they only disturb each other.
    static let threadCountMax = 64
    /// Rows of one batch request; servers allow less (`HelloReply.batch_rows_max`).
    static let batchRowCountMax = 65_536
    /// Requests a second of a whole run: above it an interval is shorter than a clock reading (20 ns).
    static let rateMax = 50_000_000.0
    /// One day: the longest run that the latency histograms' 64-bit sums and the sequence set are sized for.
    static let durationSecondsMax = 86_400.0

    /// Rows held for sending; with them the observation table of one version stays under 100 MB.
    static let rowCountMax = 2_000_000
    /// Bytes of all preencoded requests.
    static let preencodedByteCountMax = 2 << 30
    /// Bytes of one transactions file.
    static let inputFileByteCountMax = 1 << 30

    /// A reply longer than this is no reply: the largest frame that a server may be configured to, and room for headers.
    static let replyByteCountMax = (64 << 20) + 4096
    /// First size of a thread's receive buffer: what a socket hands over at once.
    static let receiveByteCount = 256 << 10
    /// Bytes kept for sending on one connection before it is written to: enough for any batch of frames to fill a socket buffer.
    static let writeByteCountSoft = 256 << 10

    /// Versions told apart in one run: two a second for half an hour.
    static let versionCountMax = 4_096
    /// Bytes of all tables that remember what was seen for a row and version.
    static let observedByteCountMax = 2 << 30
    /// Replies kept because they differ from the first one for their row and version; more are only counted.
    static let suspectCountMax = 4_096
    /// Kinds of errors told apart; the rest is counted together. A sane server has a few dozen.
    static let errorKindCountMax = 128
    /// Mismatches printed one by one.
    static let mismatchPrintCountMax = 10
    /// Pages of 4 KiB in the set of audit sequences: 1 GiB, room for eight thousand million dense numbers.
    static let sequencePageCountMax = 262_144

    /// An arrival is given up when it is late by as long as this, or as long as this many arrivals take, whichever is longer.
    static let lateSeconds = 5.0
    static let lateArrivalCount = 10_000.0
    /// Stages of one run: each has latency histograms of its own, half a megabyte a thread.
    static let stageCountMax = 100
    /// Bundles, and numbers of rows, of one run: their product are the kinds of requests, each preencoded.
    static let bundleCountMax = 32
    static let batchCountMax = 8
    /// Places of the order in which kinds of requests take their turn: a share of a thousandth is held within four percent.
    static let orderCount = 16_384
    /// Conditions of one run.
    static let conditionCountMax = 32

    /// Intervals of the time line: five minutes of tenths of a second; a longer run has longer ones.
    static let timelinePointCountMax = 3_600
    static let timelinePointCountWanted = 3_000.0
    static let timelineIntervalSeconds = 0.1
    /// Changes of versions that are marked.
    static let versionChangeCountMax = 4_096

    /// Runs of one search for the highest rate: twenty doublings and halvings take any start anywhere.
    static let probeCountMax = 40
    /// Seconds of the closed loop that a search begins with, and of measuring the generator's own ceiling.
    static let estimateSeconds = 1.0
    static let ceilingSeconds = 1.0
    /// Arrivals sent in one turn of a loop before replies are read again.
    static let arrivalsPerTurn = 1_024
    /// Events taken from the kernel in one turn of a loop.
    static let eventsPerTurn = 512

    /// How often a loop looks after timeouts, reconnects and files.
    static let tickNanoseconds: UInt64 = 20_000_000
    /// Pause between two attempts to open a lost connection again.
    static let reconnectPauseNanoseconds: UInt64 = 50_000_000
    /// A run whose connections are all gone for this long is over, even when it may reconnect.
    static let reconnectGiveUpNanoseconds: UInt64 = 30_000_000_000
    /// Bytes of acknowledgements kept before they are written.
    static let acknowledgementByteCount = 64 << 10

    /// Bytes asked for in one FetchBundle request; a server with a small frame limit (at least 64 KiB) gives less.
    static let fetchByteCount = 512 << 10
    /// Largest bundle that is fetched for verification.
    static let bundleByteCountMax = 4 << 30
    /// Bytes of all bundles held for verification.
    static let bundlesByteCountMax = 6 << 30
}
