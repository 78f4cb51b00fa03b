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
        /// Arrivals of an open loop that were meant for the measured time.
        var dueCount: UInt64 = 0
        var failure: LoadError?
    }

    private let plan: Plan
    private let board: RunBoard
    private let requests: PreparedRequests
    private var sink: ReplySink
    private var events: EventSet
    private var buffer = ReceiveBuffer()
    // Safety: `connectionCount` initialized entries, deinitialized and freed in deinit; indices come from 0..<connectionCount or
    // from tokens that were checked against it.
    private let connections: UnsafeMutablePointer<LoadConnection>
    private let connectionCount: Int

    private var pacer: Pacer?
    private var requestsLeft: UInt64
    private var nextItem: Int
    /// Connection at which the next arrival of an open loop is tried first.
    private var cursor = 0
    private var dirty: [Int] = []
    private var isSending = true
    private var deadlineOffsetMicroseconds: Int64?
    private var nextTick: UInt64 = 0
    private var nextTimeoutCheck: UInt64 = 0
    private var nextReport: UInt64 = 0
    private var lastOpen: UInt64
    private var sendingEnd: UInt64 = 0
    private var sendingProcessorTime: UInt64 = 0

    /// `sockets`: one connected socket a connection; `firstConnection`: the process-wide number of the first.
    init(
        plan: Plan, board: RunBoard, requests: PreparedRequests, tally: Tally, log: consuming AcknowledgementLog?,
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
        nextItem = requests.count * plan.share / plan.configuration.threadCount
        lastOpen = plan.schedule.start
        if let rate = plan.configuration.ratePerSecond {
            pacer = Pacer(
                startNanoseconds: plan.schedule.start, endNanoseconds: plan.schedule.sendUntil, ratePerSecond: rate,
                share: plan.share, shareCount: plan.configuration.threadCount)
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
            if isSending { stopSendingWhenDone(now) }
            if isSending, pacer != nil { sendArrivals(now) }
            let count = events.wait(nanoseconds: waitNanoseconds())
            for index in 0..<count { handle(events[index]) }
            if now >= nextTick { tick(now) }
        } while isSending || (now < plan.schedule.end && isWaiting)
        return finish(processorTimeAtStart, now)
    }

    private consuming func finish(_ processorTimeAtStart: UInt64, _ now: UInt64) -> Result {
        for index in 0..<connectionCount { abandonLate(index) }
        sink.log?.flush()
        board.post(versions: sink.tally.takeNewVersions())
        if plan.hasProgress { board.post(sink.tally.takeInterval()) }
        var result = Result(
            tally: sink.tally, processorNanoseconds: sendingProcessorTime - processorTimeAtStart,
            elapsedNanoseconds: max(1, sendingEnd - plan.schedule.start))
        if let pacer {
            result.unsentCount = pacer.skipped + pacer.backlog(nowNanoseconds: sendingEnd)
            result.dueCount = pacer.dueCount(nowNanoseconds: sendingEnd)
        }
        if let failure = sink.log?.failure { result.failure = .system(failure) }
        return result
    }

    // MARK: Sending

    private mutating func stopSendingWhenDone(_ now: UInt64) {
        let isOver = now >= plan.schedule.sendUntil || requestsLeft == 0 || board.isStopped || isAbandoned(now)
        let isExhausted = pacer?.isFinished ?? false
        guard isOver || isExhausted else { return }
        isSending = false
        sendingEnd = min(now, plan.schedule.sendUntil)
        sendingProcessorTime = Self.processorNanoseconds()
    }

    /// Whether every connection is gone for good.
    private func isAbandoned(_ now: UInt64) -> Bool {
        for index in 0..<connectionCount {
            if case .closed = unsafe connections[index].state { continue }
            return false
        }
        guard plan.configuration.reconnects else { return true }
        return now > lastOpen + LoadLimits.reconnectGiveUpNanoseconds
    }

    /// Sends what an open loop owes by now.
    private mutating func sendArrivals(_ now: UInt64) {
        let backlogLimit = max(
            UInt64(LoadLimits.backlogCountMin),
            UInt64((plan.configuration.ratePerSecond ?? 0) * LoadLimits.backlogSeconds / Double(plan.configuration.threadCount)))
        pacer?.trim(nowNanoseconds: now, backlogLimit: backlogLimit)
        let deadline = deadlineMicroseconds()
        for _ in 0..<LoadLimits.arrivalsPerTurn where requestsLeft > 0 {
            guard let index = connectionWithRoom(), let intended = pacer?.take(nowNanoseconds: now) else { break }
            enqueue(index, intended: intended, sent: now, deadline)
            if unsafe !connections[index].isDirty {
                unsafe connections[index].isDirty = true
                dirty.append(index)
            }
        }
        for index in dirty {
            unsafe connections[index].isDirty = false
            flush(index)
        }
        dirty.removeAll(keepingCapacity: true)
    }

    /// The next connection in turn that takes a request; nil when none does.
    private mutating func connectionWithRoom() -> Int? {
        for _ in 0..<connectionCount {
            let index = cursor
            cursor = cursor + 1 == connectionCount ? 0 : cursor + 1
            if unsafe connections[index].hasRoom { return index }
        }
        return nil
    }

    /// Fills a connection of a closed loop up to its depth.
    private mutating func refill(_ index: Int) {
        guard isSending, pacer == nil, requestsLeft > 0, unsafe connections[index].hasRoom else { return }
        let now = Clock.monotonicNanoseconds()
        guard now < plan.schedule.sendUntil else { return }
        let deadline = deadlineMicroseconds()
        while unsafe connections[index].hasRoom, requestsLeft > 0 { enqueue(index, intended: now, sent: now, deadline) }
    }

    @inline(__always)
    private mutating func enqueue(_ index: Int, intended: UInt64, sent: UInt64, _ deadline: Int64) {
        unsafe connections[index].enqueue(
            nextItem, of: requests, intendedNanoseconds: intended, sentNanoseconds: sent, deadlineMicroseconds: deadline)
        nextItem = nextItem + 1 == requests.count ? 0 : nextItem + 1
        requestsLeft -= 1
        sink.tally.requestsSent += 1
    }

    private func deadlineMicroseconds() -> Int64 {
        deadlineOffsetMicroseconds.map { Clock.wallNanoseconds() / 1_000 + $0 } ?? 0
    }

    private mutating func flush(_ index: Int) {
        var bytesSent: UInt64 = 0
        let progress = unsafe connections[index].flush(bytesSent: &bytesSent)
        sink.tally.bytesSent += bytesSent
        switch progress {
        case .ok: setAwaitsWritable(index, false)
        case .blocked: setAwaitsWritable(index, true)
        case .ended, .fault: lose(index)
        }
    }

    private mutating func setAwaitsWritable(_ index: Int, _ awaits: Bool) {
        guard unsafe connections[index].awaitsWritable != awaits else { return }
        unsafe connections[index].awaitsWritable = awaits
        watch(index, alsoWritable: awaits, isNew: false)
    }

    // MARK: Events

    private mutating func handle(_ event: (token: Int, isReadable: Bool, isWritable: Bool)) {
        let index = event.token
        switch unsafe connections[index].state {
        case .closed: return
        case .connecting: if event.isWritable { finishConnecting(index) }
        case .open:
            if event.isReadable {
                switch unsafe connections[index].receive(&buffer, &sink) {
                case .ok, .blocked: break
                case .ended: return lose(index)
                case .fault:
                    sink.tally.addError(ErrorCounts.badFrame)
                    return lose(index)
                }
            }
            refill(index)
            flush(index)
        }
    }

    /// The sockets that a run begins with are connected already.
    private mutating func openFirst(_ index: Int) {
        watch(index, alsoWritable: false, isNew: true)
        open(index)
    }

    private mutating func open(_ index: Int) {
        lastOpen = Clock.monotonicNanoseconds()
        unsafe connections[index].open(hello: plan.hello)
        refill(index)
        flush(index)
    }

    private mutating func finishConnecting(_ index: Int) {
        guard unsafe ResolvedAddress.pendingError(connections[index].descriptor) == 0 else {
            let retry = Clock.monotonicNanoseconds() + LoadLimits.reconnectPauseNanoseconds
            _ = unsafe connections[index].close(retryNanoseconds: retry)
            return
        }
        sink.tally.addReconnect()
        watch(index, alsoWritable: false, isNew: false)
        open(index)
    }

    /// Ends a connection that broke, and counts what was in flight on it.
    private mutating func lose(_ index: Int, overdue: Int = 0) {
        let retry = Clock.monotonicNanoseconds() + LoadLimits.reconnectPauseNanoseconds
        let count = unsafe connections[index].close(retryNanoseconds: retry)
        sink.tally.addDisconnect(
            inFlight: count, overdue: overdue, isTolerated: plan.configuration.toleratesDisconnect)
    }

    private mutating func watch(_ index: Int, alsoWritable: Bool, isNew: Bool) {
        do throws(SystemError) {
            try unsafe events.watch(connections[index].descriptor, token: index, alsoWritable: alsoWritable, isNew: isNew)
        } catch {
            lose(index)
        }
    }

    // MARK: Time

    private func waitNanoseconds() -> UInt64 {
        guard isSending, let pacer else { return LoadLimits.tickNanoseconds }
        let now = Clock.monotonicNanoseconds()
        // With every connection full only a reply can help; with none full the next arrival is waited for.
        for index in 0..<connectionCount where unsafe connections[index].hasRoom {
            return min(pacer.wait(nowNanoseconds: now) ?? 0, LoadLimits.tickNanoseconds)
        }
        return LoadLimits.tickNanoseconds
    }

    private mutating func tick(_ now: UInt64) {
        nextTick = now + LoadLimits.tickNanoseconds
        sink.log?.flush()
        if !sink.tally.newVersions.isEmpty { board.post(versions: sink.tally.takeNewVersions()) }
        if plan.hasProgress, now >= nextReport {
            nextReport = now + 250_000_000
            board.post(sink.tally.takeInterval())
        }
        if isSending, plan.configuration.reconnects { reconnect(now) }
        if now >= nextTimeoutCheck { closeOverdue(now) }
    }

    private mutating func reconnect(_ now: UInt64) {
        for index in 0..<connectionCount {
            guard case .closed(let retry) = unsafe connections[index].state, retry <= now else { continue }
            do throws(SystemError) {
                let socket = try plan.address.start()
                unsafe connections[index].attach(socket, state: .connecting)
                watch(index, alsoWritable: true, isNew: true)
            } catch {
                _ = unsafe connections[index].close(retryNanoseconds: now + LoadLimits.reconnectPauseNanoseconds)
            }
        }
    }

    /// Ends connections on which a request waits too long.
    private mutating func closeOverdue(_ now: UInt64) {
        let timeout = nanoseconds(plan.configuration.timeoutSeconds)
        nextTimeoutCheck = now + max(LoadLimits.tickNanoseconds, timeout / 10)
        guard now > timeout else { return }
        for index in 0..<connectionCount {
            let overdue = unsafe connections[index].inFlight.count(sentBefore: now - timeout)
            if overdue > 0 { lose(index, overdue: overdue) }
        }
    }

    private var isWaiting: Bool {
        for index in 0..<connectionCount where unsafe !connections[index].inFlight.isEmpty { return true }
        return false
    }

    /// At the very end nothing waits any more, or it waits in vain.
    private mutating func abandonLate(_ index: Int) {
        let count = unsafe connections[index].inFlight.count
        if count > 0 { lose(index, overdue: count) }
    }

    private static func processorNanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func sleep(untilNanoseconds moment: UInt64) {
        var time = timespec(tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
        while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }
}
