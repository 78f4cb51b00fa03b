import Glibc
import Testing

@testable import Reactor

@Suite struct TimeoutTests {
    private let second: UInt64 = 1_000_000_000

    @Test func anIdleConnectionIsClosedAtItsTimeAndNotBefore() throws {
        let stand = try Stand { $0.idleTimeoutNanoseconds = 2 * second }
        let client = stand.connect()
        stand.pass(milliseconds: 1_900)
        #expect(stand.cause(stand.lastID) == nil)
        stand.pass(milliseconds: 200)
        #expect(stand.cause(stand.lastID) == .idleTimeout)
        #expect(client.isAtEnd)
    }

    @Test func trafficPutsTheIdleTimeoutOff() throws {
        let stand = try Stand { $0.idleTimeoutNanoseconds = 2 * second }
        let client = stand.connect()
        for _ in 0..<5 {
            stand.pass(milliseconds: 1_500)
            client.send(frame([1]))
            #expect(stand.collect(client, 6) == frame([1]))
        }
        stand.pass(milliseconds: 2_100)
        #expect(stand.cause(stand.lastID) == .idleTimeout)
    }

    @Test func aConnectionThatIsOwedAnAnswerIsNotIdle() throws {
        let stand = try Stand { $0.idleTimeoutNanoseconds = second }
        let client = stand.connect()
        var asking = frame([1])
        asking[0] = 7
        client.send(asking)
        #expect(stand.pump { stand.service.frameCount == 1 })
        stand.pass(milliseconds: 5_000)
        #expect(stand.cause(stand.lastID) == nil)
        stand.loop.post(stand.lastID, [1])
        #expect(stand.collect(client, 1) == [1])
        stand.pass(milliseconds: 2_200)
        #expect(stand.cause(stand.lastID) == .idleTimeout)
    }

    @Test func zeroSwitchesTimeoutsOff() throws {
        let stand = try Stand {
            $0.idleTimeoutNanoseconds = 0
            $0.partialFrameTimeoutNanoseconds = 0
        }
        let client = stand.connect()
        client.send([0, 0])
        #expect(stand.pump { stand.loop.counters[.reads] == 1 })
        stand.pass(milliseconds: 1_000_000)
        #expect(stand.cause(stand.lastID) == nil)
    }

    @Test func anIncompleteFrameTimesOutHoweverItTrickles() throws {
        let stand = try Stand { $0.partialFrameTimeoutNanoseconds = 2 * second }
        let client = stand.connect()
        let bytes = frame(byteCount: 100)
        for index in 0..<19 {
            client.send([bytes[index]])
            #expect(stand.pump { stand.loop.counters[.reads] == UInt64(index + 1) })
            stand.pass(milliseconds: 100)
        }
        #expect(stand.cause(stand.lastID) == nil)
        stand.pass(milliseconds: 200)
        #expect(stand.cause(stand.lastID) == .partialFrameTimeout)
        #expect(stand.loop.counters[closed: .partialFrameTimeout] == 1)
    }

    @Test func everyFrameHasItsOwnTimeToArrive() throws {
        let stand = try Stand { $0.partialFrameTimeoutNanoseconds = second }
        let client = stand.connect()
        let bytes = frame(byteCount: 10)
        client.send(Array(bytes[..<7]))
        for round in 0..<6 {
            #expect(stand.pump { stand.loop.counters[.reads] == UInt64(round + 1) })
            stand.pass(milliseconds: 800)
            // The end of one frame and the beginning of the next.
            client.send(Array(bytes[7...] + bytes[..<7]))
            #expect(stand.collect(client, bytes.count) == bytes)
        }
        #expect(stand.cause(stand.lastID) == nil)
    }

    @Test func aPeerThatTakesNothingIsClosed() throws {
        let stand = try Stand { $0.writeStallTimeoutNanoseconds = 2 * second }
        stand.service.amplification = 8 << 20
        let client = stand.connect(receiveBufferByteCount: 4_096)
        client.send(frame([1]))
        #expect(stand.pump { stand.loop.counters[.writesPartial] == 1 })
        stand.settle()
        stand.pass(milliseconds: 1_900)
        #expect(stand.cause(stand.lastID) == nil)
        stand.pass(milliseconds: 200)
        #expect(stand.cause(stand.lastID) == .writeStallTimeout)
    }

    @Test func aSlowReaderThatGoesOnReadingIsKept() throws {
        let stand = try Stand { $0.writeStallTimeoutNanoseconds = 2 * second }
        stand.service.amplification = 8 << 20
        let client = stand.connect()
        client.send(frame([1]))
        var received = 0
        let isDone = stand.pump {
            stand.clock.advance(milliseconds: 50)
            received += client.receiveWithoutWaiting(1 << 17)?.count ?? 0
            return received == 6 + (8 << 20)
        }
        #expect(isDone)
        #expect(stand.cause(stand.lastID) == nil)
    }

    @Test func timeoutsOfThousandsOfConnectionsAreToldApart() throws {
        let stand = try Stand { $0.idleTimeoutNanoseconds = 10 * second }
        var clients: [Client] = []
        for _ in 0..<1_000 { clients.append(stand.connect()) }
        stand.pass(milliseconds: 5_000)
        for client in clients[..<500] { client.send(frame([1])) }
        #expect(stand.pump { stand.service.frameCount == 500 })
        stand.pass(milliseconds: 5_200)
        #expect(stand.loop.counters[closed: .idleTimeout] == 500)
        #expect(stand.loop.counters[.connectionsOpen] == 500)
        stand.pass(milliseconds: 5_000)
        #expect(stand.loop.counters[closed: .idleTimeout] == 1_000)
    }
}
