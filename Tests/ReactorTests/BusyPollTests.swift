import Synchronization
import Testing

@testable import Reactor

@Suite struct BusyPollTests {
    @Test func withoutATimeThereIsNoSpin() {
        let busyPoll = Policy(microseconds: 0)
        for _ in 0..<1_000 { #expect(!busyPoll.begins(followsEvents: true)) }
    }

    @Test func whereNothingHappenedNobodyIsWaitedFor() {
        let busyPoll = Policy(microseconds: 50)
        #expect(!busyPoll.begins(followsEvents: false))
        #expect(busyPoll.begins(followsEvents: true))
    }

    @Test func afterATryInVainTheLoopSleepsForAWhileAndTriesAgain() {
        let busyPoll = Policy(microseconds: 50)
        #expect(busyPoll.begins(followsEvents: true))
        busyPoll.ended(hasPaid: false)
        for _ in 0..<Limits.sleepCountPerTry { #expect(!busyPoll.begins(followsEvents: true)) }
        #expect(busyPoll.begins(followsEvents: true))
    }

    @Test func aTryThatPaysIsFollowedByAnother() {
        let busyPoll = Policy(microseconds: 50)
        for _ in 0..<100 {
            #expect(busyPoll.begins(followsEvents: true))
            busyPoll.ended(hasPaid: true)
        }
    }

    @Test func aLoopThatSpinsWithProfitForgivesASpinInVain() {
        let busyPoll = Policy(microseconds: 50)
        for _ in 0..<20 { busyPoll.ended(hasPaid: true) }
        busyPoll.ended(hasPaid: false)
        #expect(busyPoll.begins(followsEvents: true))
    }

    @Test func spinsInVainEndAPhaseOfSpinningSoon() {
        let busyPoll = Policy(microseconds: 50)
        for _ in 0..<1_000 { busyPoll.ended(hasPaid: true) }
        let inVain = (0..<1_000).prefix { _ in
            let begins = busyPoll.begins(followsEvents: true)
            if begins { busyPoll.ended(hasPaid: false) }
            return begins
        }
        #expect(inVain.count == 6)
    }

    /// Callers of whom every third comes in time: a loop that spun for them would spin in vain twice as often.
    @Test func aShareBelowAHalfDoesNotKeepTheLoopSpinning() {
        let busyPoll = Policy(microseconds: 50)
        var spinCount = 0
        for wait in 0..<100_000 where busyPoll.begins(followsEvents: true) {
            spinCount += 1
            busyPoll.ended(hasPaid: wait % 3 == 0)
        }
        #expect(spinCount > 100)
        #expect(spinCount < 2_000)
    }

    @Test func whatComesWhileTheLoopPollsIsServedInTheSameTurn() throws {
        let stand = try PollingStand(microseconds: 50)
        stand.client.send(frame([1]))
        #expect(stand.loop.turn(waitMilliseconds: 1_000) == nil)
        #expect(stand.client.receive(6) == frame([1]))
        // The clock is read before the polls: the frame is sent while the loop is at it.
        stand.clock.afterReadings(2) { stand.client.send(frame([2])) }
        #expect(stand.loop.turn(waitMilliseconds: 1_000) == nil)
        #expect(stand.client.receive(6) == frame([2]))
        #expect(stand.loop.counters[.spins] == 1)
        #expect(stand.loop.counters[.spinsPaid] == 1)
    }

    @Test func aLoopThatPolledInVainSleepsUntilSomethingComes() throws {
        let stand = try PollingStand(microseconds: 50)
        stand.client.send(frame([1]))
        _ = stand.loop.turn(waitMilliseconds: 1_000)
        // Nothing comes: this turn spins and sleeps, the next has nothing to follow and sleeps at once.
        for _ in 0..<3 { _ = stand.loop.turn(waitMilliseconds: 1) }
        #expect(stand.loop.counters[.spins] == 1)
        #expect(stand.loop.counters[.spinsPaid] == 0)
        stand.client.send(frame([2]))
        _ = stand.loop.turn(waitMilliseconds: 1_000)
        #expect(stand.client.receive(12) == frame([1]) + frame([2]))
    }
}

/// A decision of its own to ask, in an expectation, too.
private final class Policy {
    private var busyPoll: BusyPoll

    init(microseconds: UInt64) { busyPoll = BusyPoll(microseconds: microseconds) }

    func begins(followsEvents: Bool) -> Bool { busyPoll.begins(followsEvents: followsEvents) }

    func ended(hasPaid: Bool) { busyPoll.ended(hasPaid: hasPaid) }
}

/// Time that goes on by a microsecond with each reading, and an act that comes due with one of them.
private final class SteppingClock: Sendable {
    private struct Act {
        var readingsToGo = 0
        var body: (@Sendable () -> Void)?
    }

    private let nanoseconds = Atomic<UInt64>(1_000_000_000)
    private let act = Mutex(Act())

    var now: UInt64 {
        let due = act.withLock { act -> (@Sendable () -> Void)? in
            guard act.body != nil else { return nil }
            act.readingsToGo -= 1
            guard act.readingsToGo == 0 else { return nil }
            defer { act.body = nil }
            return act.body
        }
        due?()
        return nanoseconds.add(1_000, ordering: .relaxed).newValue
    }

    func afterReadings(_ count: Int, _ body: @escaping @Sendable () -> Void) {
        act.withLock { $0 = Act(readingsToGo: count, body: body) }
    }
}

/// A loop with one client, whose spins end after so many readings of its clock.
private struct PollingStand {
    let clock = SteppingClock()
    let loop: EventLoop
    let client: Client

    init(microseconds: UInt64) throws {
        var configuration = LoopConfiguration()
        configuration.busyPollMicroseconds = microseconds
        let (clock, service) = (clock, EchoService())
        loop = try EventLoop(index: 0, configuration: configuration, service: service, clock: { clock.now })
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        loop.listen(on: listener)
        client = Client.connect(port: listener.port!)!
        while service.accepted.isEmpty { _ = loop.turn(waitMilliseconds: 0) }
    }
}
