import Platform

/// How `EventLoop.run` ended.
public enum LoopEnd: Equatable, Sendable {
    case stopped
    /// Every connection was answered and closed.
    case drained
    /// The deadline of the drain came first, for so many connections.
    case drainDeadline(connectionCount: Int)
}

/// Everything that only the loop's own thread touches. The service is passed along instead of being stored, so that no call
/// counts references.
struct LoopState: ~Copyable {
    enum Phase: Equatable {
        case running
        case draining(deadlineNanoseconds: UInt64)
        case ended(LoopEnd)
    }

    /// Tokens of epoll that name no connection: their low half is above every slot.
    enum Token {
        static let mailbox = UInt64(UInt32.max)
        static let firstListener = UInt64(1 << 31)
    }

    let index: UInt16
    let configuration: LoopConfiguration
    let counters: LoopCounters
    let mailbox: Mailbox
    let clock: @Sendable () -> UInt64
    let poller: Poller
    let receiveBuffer: ReceiveBuffer
    var table: ConnectionTable
    var pool = BlockPool()
    var output: SendBuffer
    var phase = Phase.running
    var openCount = 0
    /// The time of this turn.
    var now: UInt64
    /// What became readable in this turn did so then or later.
    var readableSince: UInt64
    var nextTickNanoseconds: UInt64
    var busyPoll: BusyPoll
    /// The last turn had something to do.
    var followsEvents = false
    /// Tokens of the connections to read from in the next turn without an event, and the array of this turn.
    var readAgain: [UInt64] = []
    var readingAgain: [UInt64] = []
    var letters: [Letter] = []
    var listeners: [ListenerWatch] = []
    /// Kept to be closed when no descriptor is left, so that a connect can be accepted and refused.
    var reserve: FileDescriptor?

    init(
        index: UInt16, configuration: LoopConfiguration, poller: consuming Poller, mailbox: Mailbox, counters: LoopCounters,
        clock: @escaping @Sendable () -> UInt64
    ) {
        self.index = index
        self.configuration = configuration
        self.poller = poller
        self.mailbox = mailbox
        self.counters = counters
        self.clock = clock
        receiveBuffer = ReceiveBuffer(byteCount: configuration.receiveByteCount)
        output = SendBuffer(flushByteCount: configuration.receiveByteCount)
        table = ConnectionTable(capacity: configuration.connectionCountMax)
        now = clock()
        readableSince = now
        nextTickNanoseconds = now + Limits.tickNanoseconds
        busyPoll = BusyPoll(microseconds: configuration.busyPollMicroseconds)
        reserve = Self.openReserve()
        readAgain.reserveCapacity(Limits.eventCountMax)
        readingAgain.reserveCapacity(Limits.eventCountMax)
    }

    var end: LoopEnd? {
        if case .ended(let end) = phase { return end }
        return nil
    }

    var isDraining: Bool {
        if case .draining = phase { return true }
        return false
    }

    /// Waits for events, `waitMillisecondsMax` at most, and answers them.
    mutating func turn(_ service: any ConnectionService, waitMillisecondsMax: Int32 = .max) {
        let (previous, before) = (now, clock())
        let count = waitForEvents(millisecondsMax: waitMillisecondsMax)
        now = clock()
        // What was there at once came while the last turn was at work; what ended a sleep has just come.
        readableSince = now &- before > Limits.sleepNanosecondsMin ? now : previous
        counters.add(.turns)
        followsEvents = count > 0
        for index in 0..<count { dispatch(poller.event(at: index), service) }
        if !readAgain.isEmpty { receiveAgain(service) }
        if now >= nextTickNanoseconds { tick(service) }
        if isDraining { endDrainIfDone(service) }
    }

    private mutating func dispatch(_ event: ReadyEvent, _ service: any ConnectionService) {
        if let slot = slot(token: event.token) {
            if event.isWritable { sendRest(slot, service) }
            if event.isReadable, table[slot].isOpen { receive(slot, event, service) }
        } else if event.token == Token.mailbox {
            readLetters(service)
        } else if event.token >= Token.firstListener, event.token < Token.mailbox {
            accept(watch: Int(event.token - Token.firstListener), service)
        }
    }

    private mutating func receiveAgain(_ service: any ConnectionService) {
        swap(&readAgain, &readingAgain)
        for token in readingAgain {
            if let slot = slot(token: token) { receive(slot, nil, service) }
        }
        readingAgain.removeAll(keepingCapacity: true)
    }

    func token(_ slot: Int) -> UInt64 { UInt64(table[slot].generation) << 32 | UInt64(slot) }

    func slot(token: UInt64) -> Int? {
        table.slot(UInt32(truncatingIfNeeded: token), UInt32(truncatingIfNeeded: token >> 32))
    }

    func id(_ slot: Int) -> ConnectionID {
        ConnectionID(loop: index, slot: UInt32(slot), generation: table[slot].generation)
    }
}
