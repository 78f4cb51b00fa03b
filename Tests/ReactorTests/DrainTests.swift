import Glibc
import Testing

@testable import Reactor

@Suite struct DrainTests {
    private func drain(_ stand: Stand, milliseconds: UInt64 = 5_000) {
        stand.loop.drain(deadlineNanoseconds: stand.clock.now + milliseconds * 1_000_000)
    }

    @Test func idleConnectionsAreClosedAndTheLoopEnds() throws {
        let stand = try Stand()
        let clients = (0..<10).map { _ in stand.connect() }
        drain(stand)
        #expect(stand.pump { stand.service.closed.values.filter { $0 == .drained }.count == 10 })
        for client in clients {
            #expect(client.isAtEnd)
            client.close()
        }
        #expect(stand.loop.run() == .drained)
    }

    @Test func whatArrivedBeforeTheDrainIsAnswered() throws {
        let stand = try Stand { $0.receiveByteCount = 4_096 }
        let client = stand.connect()
        let bytes = (0..<300).flatMap { frame(byteCount: 100, seed: $0) }
        client.send(bytes)
        drain(stand)
        #expect(stand.collect(client, bytes.count) == bytes)
        #expect(stand.pump { stand.cause(stand.lastID) == .drained })
        #expect(client.isAtEnd)
    }

    @Test func aFrameUnderWayIsAwaitedAndAnswered() throws {
        let stand = try Stand()
        let client = stand.connect()
        let bytes = frame(byteCount: 100)
        client.send(Array(bytes[..<50]))
        drain(stand)
        stand.settle()
        #expect(stand.cause(stand.lastID) == nil)
        client.send(Array(bytes[50...]))
        #expect(stand.collect(client, bytes.count) == bytes)
        #expect(stand.pump { stand.cause(stand.lastID) == .drained })
    }

    @Test func anOwedAnswerIsAwaited() throws {
        let stand = try Stand()
        let client = stand.connect()
        var asking = frame([1])
        asking[0] = 7
        client.send(asking)
        #expect(stand.pump { stand.service.frameCount == 1 })
        drain(stand)
        stand.settle()
        #expect(stand.cause(stand.lastID) == nil)
        stand.loop.post(stand.lastID, [8])
        #expect(stand.collect(client, 1) == [8])
        #expect(stand.pump { stand.cause(stand.lastID) == .drained })
    }

    @Test func pendingOutputIsFlushedToASlowReader() throws {
        let stand = try Stand { $0.pendingOutputByteCountMax = 1_000 }
        stand.service.amplification = 8 << 20
        let client = stand.connect(receiveBufferByteCount: 4_096)
        client.send(frame([1]))
        #expect(stand.pump { stand.loop.counters[.readPauses] == 1 })
        drain(stand)
        #expect(stand.collect(client, 6 + (8 << 20)).count == 6 + (8 << 20))
        #expect(stand.pump { stand.cause(stand.lastID) == .drained })
        client.close()
        #expect(stand.loop.run() == .drained)
    }

    @Test func theDeadlineEndsTheDrain() throws {
        let stand = try Stand { $0.partialFrameTimeoutNanoseconds = 0 }
        let client = stand.connect()
        client.send([0, 0])
        #expect(stand.pump { stand.loop.counters[.reads] == 1 })
        drain(stand, milliseconds: 2_000)
        stand.settle()
        stand.clock.advance(milliseconds: 2_100)
        #expect(stand.loop.run() == .drainDeadline(connectionCount: 1))
        #expect(stand.cause(stand.lastID) == .drainDeadline)
    }

    @Test func nothingIsAcceptedDuringADrain() throws {
        let stand = try Stand()
        let client = stand.connect()
        client.send([0])
        #expect(stand.pump { stand.loop.counters[.reads] == 1 })
        drain(stand)
        stand.settle()
        stand.listener.stopListening()
        #expect(Client.connect(port: stand.listener.port!) == nil)
        stand.settle()
        #expect(stand.service.accepted.count == 1)
    }

    @Test func anEmptyLoopDrainsAtOnce() throws {
        let stand = try Stand()
        drain(stand)
        #expect(stand.loop.run() == .drained)
    }
}
