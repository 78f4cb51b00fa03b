import Glibc
import Platform
import Synchronization

/// One epoll loop: accepts connections, reads, has the service answer, writes. It serves as much as one processor can; a server
/// runs one a core, each on its own thread.
///
/// In the steady state a readiness costs one read and one write, whatever number of frames it brought, and neither a lock nor
/// an allocation; an idle connection costs its slot and its descriptor. Methods may be called from any thread unless they say
/// otherwise.
public final class EventLoop: @unchecked Sendable {
    public let index: UInt16
    public let configuration: LoopConfiguration
    public let counters = LoopCounters()
    private let service: any ConnectionService
    private let mailbox: Mailbox
    private let isTaken = Atomic(false)
    // Safety: touched by the thread inside `run` or `turn` only, which `isTaken` keeps to one at a time.
    private var state: LoopState

    /// - Parameters:
    ///   - index: goes into every `ConnectionID`.
    ///   - service: called on the thread of `run` only.
    ///   - clock: monotonic nanoseconds, read once a turn.
    /// - Throws: a configuration out of range, or no descriptor left.
    public init(
        index: UInt16, configuration: LoopConfiguration = LoopConfiguration(), service: any ConnectionService,
        clock: @escaping @Sendable () -> UInt64 = { Clock.monotonicNanoseconds() }
    ) throws(ReactorError) {
        if let problem = configuration.problem { throw problem }
        self.index = index
        self.configuration = configuration
        self.service = service
        mailbox = try Mailbox(connectionCountMax: configuration.connectionCountMax)
        let poller = try Poller()
        guard poller.add(mailbox.signal.fileDescriptor, Interest.read, token: LoopState.Token.mailbox) else {
            throw .negative(-ENOMEM, "epoll_ctl")
        }
        state = LoopState(
            index: index, configuration: configuration, poller: poller, mailbox: mailbox, counters: counters, clock: clock)
    }

    /// Accepts from `listener`, which other loops may share, as soon as the loop runs.
    public func listen(on listener: Listener) {
        _ = mailbox.put(.listen(listener))
    }

    /// Serves on the calling thread until `stop`, or until a drain is done. May be called once.
    @discardableResult
    public func run() -> LoopEnd {
        enter()
        let end = state.run(service)
        // The loop stays taken: there is nothing left that could run.
        return end
    }

    /// Hands `bytes` to the service's `posted` for that connection, and sends what it makes of them.
    ///
    /// False: the loop has ended or its mailbox is full. A connection that is gone is no failure: the bytes are dropped.
    @discardableResult
    public func post(_ id: ConnectionID, _ bytes: [UInt8]) -> Bool {
        mailbox.put(.bytes(id, bytes))
    }

    /// Has the loop ask its service which connections have something to say (`connectionsToResume`). Calls that come before it does are one.
    ///
    /// False: the loop has ended.
    @discardableResult
    public func resume() -> Bool { mailbox.putResume() }

    /// Closes the connection after its pending output is sent, if it still lives.
    @discardableResult
    public func close(_ id: ConnectionID) -> Bool {
        mailbox.put(.close(id))
    }

    /// Stops accepting, answers what has arrived, closes every connection that has nothing under way, the others when they
    /// have, and ends `run`; at the latest when the monotonic clock shows `deadlineNanoseconds`.
    public func drain(deadlineNanoseconds: UInt64) {
        _ = mailbox.put(.drain(deadlineNanoseconds: deadlineNanoseconds))
    }

    /// Closes everything and ends `run`; pending output is lost.
    public func stop() {
        _ = mailbox.put(.stop)
    }

    /// Serves a connected socket that was accepted elsewhere; the loop owns the descriptor from now on. False: it has ended,
    /// and the descriptor is still the caller's.
    func adopt(_ descriptor: Int32, _ peer: PeerAddress) -> Bool {
        mailbox.connectionCount.add(1, ordering: .relaxed)
        if mailbox.put(.adopt(descriptor: descriptor, peer)) { return true }
        mailbox.connectionCount.subtract(1, ordering: .relaxed)
        return false
    }

    /// One turn on the calling thread, for tests that drive the loop; returns how it ended, if it has.
    func turn(waitMilliseconds: Int32) -> LoopEnd? {
        enter()
        defer { isTaken.store(false, ordering: .releasing) }
        state.turn(service, waitMillisecondsMax: waitMilliseconds)
        return state.end
    }

    /// How long the next turn would wait, for tests.
    var nextWaitMilliseconds: Int32 { state.waitMilliseconds }

    /// Acquiring, so that a thread sees what the one before it did; partner: the releasing store in `turn`.
    private func enter() {
        let wasTaken = isTaken.exchange(true, ordering: .acquiring)
        precondition(!wasTaken, "event loop \(index) runs already or has ended")
    }
}

extension LoopState {
    /// Turns until the loop ends.
    fileprivate mutating func run(_ service: any ConnectionService) -> LoopEnd {
        while true {
            turn(service)
            guard let end else { continue }
            shutDown(service)
            return end
        }
    }
}
