import Wire

/// What one connection owes its callers: which requests are in flight, which wait for their turn, and whose reply has come.
///
/// A pure value: it says what to do, the channel handler does it. `Ticket` is whatever the handler needs to answer a caller.
struct Conversation<Ticket> {
    struct Call {
        var id: UInt64
        var frame: [UInt8]
        var ticket: Ticket
    }

    /// What follows from a call.
    enum Admission {
        /// Write the call's frame.
        case send
        /// It is kept until another one ends.
        case wait
        case refuse(AssayError)
    }

    private var inFlight: [UInt64: Ticket] = [:]
    /// Calls in order; those given up meanwhile are nil. `waitingHead` is the first that counts.
    private var waiting: [Call?] = []
    private var waitingHead = 0
    private(set) var waitingCount = 0
    /// Given up by their caller while in flight: their reply is expected, and dropped. They still count towards the limit, since
    /// the server still works on them.
    private var abandoned: Set<UInt64> = []
    private(set) var inFlightMax: Int
    private let waitingMax: Int

    init(inFlightMax: Int, waitingMax: Int = ClientLimits.waitingMax) {
        self.inFlightMax = max(1, inFlightMax)
        self.waitingMax = waitingMax
    }

    var inFlightCount: Int { inFlight.count + abandoned.count }
    var isIdle: Bool { inFlightCount == 0 && waitingCount == 0 }
    /// The server owes so many replies that nobody waits for any more that nothing can be sent: it answers no longer.
    var isStuck: Bool { abandoned.count >= inFlightMax }

    /// The server's limit, once it is known.
    mutating func setInFlightMax(_ count: Int) { inFlightMax = max(1, count) }

    /// Takes a call in. Its id is new on this connection.
    mutating func begin(_ call: Call) -> Admission {
        precondition(inFlight[call.id] == nil && !abandoned.contains(call.id), "id \(call.id) is in use")
        if inFlightCount < inFlightMax, waitingCount == 0 {
            inFlight[call.id] = call.ticket
            return .send
        }
        guard waitingCount < waitingMax else { return .refuse(.tooManyWaiting(limit: waitingMax)) }
        waiting.append(call)
        waitingCount += 1
        return .wait
    }

    /// Whose reply it is.
    enum Arrival {
        case deliver(Ticket)
        /// Nobody waits for it any more.
        case drop
        /// Nobody ever asked for it.
        case unexpected
    }

    mutating func arrived(id: UInt64) -> Arrival {
        if let ticket = inFlight.removeValue(forKey: id) { return .deliver(ticket) }
        return abandoned.remove(id) != nil ? .drop : .unexpected
    }

    /// The next call to be written, now that there may be room; call it until nil.
    mutating func nextToSend() -> [UInt8]? {
        while inFlightCount < inFlightMax, waitingHead < waiting.count {
            let call = waiting[waitingHead]
            waiting[waitingHead] = nil
            waitingHead += 1
            compact()
            if let call {
                waitingCount -= 1
                inFlight[call.id] = call.ticket
                return call.frame
            }
        }
        return nil
    }

    /// The caller gives up (time limit, cancellation). nil when its reply has come already.
    mutating func abandon(id: UInt64) -> Ticket? {
        if let ticket = inFlight.removeValue(forKey: id) {
            abandoned.insert(id)
            return ticket
        }
        guard let index = waiting[waitingHead...].firstIndex(where: { $0?.id == id }), let call = waiting[index] else {
            return nil
        }
        waiting[index] = nil
        waitingCount -= 1
        return call.ticket
    }

    /// The connection is over: everybody who waits, in no particular order.
    mutating func abandonAll() -> [Ticket] {
        let tickets = Array(inFlight.values) + waiting[waitingHead...].compactMap { $0?.ticket }
        inFlight = [:]
        waiting = []
        waitingHead = 0
        waitingCount = 0
        abandoned = []
        return tickets
    }

    /// Forgets the used front of the list when it is the larger part.
    private mutating func compact() {
        guard waitingHead > 64, waitingHead * 2 > waiting.count else { return }
        waiting.removeFirst(waitingHead)
        waitingHead = 0
    }
}
