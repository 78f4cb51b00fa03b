import CLinux
import Glibc
import Platform

/// The engine: one thread's connections, driven through epoll, until the schedule ends.
///
/// One read and one write a connection and turn: everything that a read delivers is answered with one batch of new requests.
@safe struct LoadLoop: ~Copyable {
    /// What a loop needs to know.
    struct Plan: Sendable {
        var configuration: LoadConfiguration
        var schedule: LoadSchedule
        var address: ResolvedAddress
        var hello: [UInt8]
        /// Which loop of how many.
        var share: Int
        /// Most requests of this loop.
        var requestCountMax: UInt64
        var hasProgress: Bool
    }

    /// What a loop leaves.
    struct Result: Sendable {
        var tally: Tally
        /// Processor time of the thread while it was sending, and how long that was.
        var processorNanoseconds: UInt64
        var elapsedNanoseconds: UInt64
        /// Arrivals of an open loop that were due and never sent.
        var unsentCount: UInt64 = 0
        /// Arrivals of an open loop that were due while it was sending.
        var dueCount: UInt64 = 0
        var failure: LoadError?
    }

    let plan: Plan
    let board: RunBoard
    let requests: RequestMix
    var sink: ReplySink
    var events: EventSet
    var buffer = ReceiveBuffer()
    // Safety: `connectionCount` initialized entries, deinitialized and freed in deinit; indices come from 0..<connectionCount or
    // from tokens that were checked against it.
    let connections: UnsafeMutablePointer<LoadConnection>
    let connectionCount: Int

    var pacer: Pacer?
    var requestsLeft: UInt64
    /// The next request of each kind, and the place in the order of kinds.
    var nextItems: [Int]
    var turn: Int
    /// Connection at which the next arrival of an open loop is tried first.
    var cursor = 0
    var dirty: [Int] = []
    var isSending = true
    var deadlineOffsetMicroseconds: Int64?
    var nextTick: UInt64 = 0
    var nextTimeoutCheck: UInt64 = 0
    var nextReport: UInt64 = 0
    var lastOpen: UInt64
    var sendingEnd: UInt64 = 0
    var sendingProcessorTime: UInt64 = 0

    /// `sockets`: one connected socket a connection; `firstConnection`: the process-wide number of the first.
    init(
        plan: Plan, board: RunBoard, requests: RequestMix, tally: Tally, log: consuming AcknowledgementLog?,
        sockets: [Int32], firstConnection: Int
    ) throws(SystemError) {
        self.plan = plan
        self.board = board
        self.requests = requests
        events = try EventSet()
        sink = ReplySink(requests: requests, tally: tally, log: log)
        connectionCount = sockets.count
        unsafe connections = .allocate(capacity: sockets.count)
        for (index, socket) in sockets.enumerated() {
            unsafe (connections + index).initialize(
                to: LoadConnection(index: firstConnection + index, depth: plan.configuration.depth))
            unsafe connections[index].attach(FileDescriptor(owning: socket), state: .connecting)
        }
        requestsLeft = plan.requestCountMax
        let (share, threadCount) = (plan.share, plan.configuration.threadCount)
        nextItems = requests.parts.map { $0.count * share / threadCount }
        turn = requests.order.count * share / threadCount
        lastOpen = plan.schedule.start
        if let profile = plan.configuration.profile {
            let stream = ArrivalStream(
                profile.warmedUp(seconds: plan.configuration.warmupSeconds), startNanoseconds: plan.schedule.start,
                share: plan.share, shareCount: threadCount, seed: plan.configuration.seed)
            pacer = Pacer(stream, lateNanosecondsMax: plan.configuration.lateNanosecondsMax)
        }
        deadlineOffsetMicroseconds = plan.configuration.deadlineMilliseconds.map { Int64($0 * 1_000) }
    }

    deinit {
        unsafe connections.deinitialize(count: connectionCount)
        unsafe connections.deallocate()
    }

    /// Runs to the end.
    consuming func run() -> Result {
        // Woken as exactly as the kernel can: the default of 50 microseconds would be measured as latency.
        _ = assay_set_timer_slack(1)
        Self.sleep(untilNanoseconds: plan.schedule.start)
        let processorTimeAtStart = Self.processorNanoseconds()
        for index in 0..<connectionCount { openFirst(index) }
        var now = Clock.monotonicNanoseconds()
        repeat {
            now = Clock.monotonicNanoseconds()
            if isSending, pacer != nil { sendArrivals(now) }
            if isSending { stopSendingWhenDone(now) }
            let count = events.wait(nanoseconds: waitNanoseconds())
            for index in 0..<count { handle(events[index]) }
            if now >= nextTick { tick(now) }
        } while isSending || (now < plan.schedule.end && isWaiting)
        return finish(processorTimeAtStart, now)
    }

    private consuming func finish(_ processorTimeAtStart: UInt64, _ now: UInt64) -> Result {
        for index in 0..<connectionCount { abandonLate(index) }
        sink.log?.flush()
        sink.tally.finish()
        board.post(versions: sink.tally.takeNewVersions())
        if plan.hasProgress { board.post(sink.tally.takeInterval()) }
        var result = Result(
            tally: sink.tally, processorNanoseconds: sendingProcessorTime - processorTimeAtStart,
            elapsedNanoseconds: max(1, sendingEnd - plan.schedule.start))
        // What was due by the end of sending and could not be sent any more.
        pacer?.skip(before: sendingEnd)
        if let pacer {
            result.unsentCount = pacer.skipped
            result.dueCount = pacer.taken + pacer.skipped
        }
        if let failure = sink.log?.failure { result.failure = .system(failure) }
        return result
    }

    static func processorNanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static func sleep(untilNanoseconds moment: UInt64) {
        var time = timespec(tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
        while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }
}
