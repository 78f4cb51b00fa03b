import Glibc
import Testing

@testable import Reactor

@Suite struct ClosingTests {
    @Test func halfCloseIsAnsweredAndThenClosed() throws {
        let stand = try Stand()
        let client = stand.connect()
        client.send(frame([1]) + frame([2]))
        client.finishSending()
        #expect(stand.collect(client, 12) == frame([1]) + frame([2]))
        #expect(stand.pump { stand.cause(stand.lastID) == .peerFinished })
        #expect(client.isAtEnd)
        #expect(stand.loop.counters[.connectionsOpen] == 0)
    }

    @Test func halfCloseWithABacklogLargerThanABufferIsAnsweredWhole() throws {
        let stand = try Stand { $0.receiveByteCount = 4_096 }
        let client = stand.connect()
        // Ends exactly at the end of a read, too: 64 frames of 128 bytes are two full buffers.
        let bytes = (0..<64).flatMap { frame(byteCount: 123, seed: $0) }
        client.send(bytes)
        client.finishSending()
        #expect(stand.collect(client, bytes.count) == bytes)
        #expect(stand.pump { stand.cause(stand.lastID) == .peerFinished })
    }

    @Test func halfCloseWaitsForAnAnswerThatIsStillToBePosted() throws {
        let stand = try Stand()
        let client = stand.connect()
        var asking = frame([1])
        asking[0] = 7
        client.send(asking)
        client.finishSending()
        stand.settle()
        #expect(stand.cause(stand.lastID) == nil)
        stand.loop.post(stand.lastID, [9, 9])
        #expect(stand.collect(client, 2) == [9, 9])
        #expect(stand.pump { stand.cause(stand.lastID) == .peerFinished })
    }

    @Test func anIncompleteFrameBeforeTheEndIsDropped() throws {
        let stand = try Stand()
        let client = stand.connect()
        client.send(frame([1]) + [0, 0, 0])
        client.finishSending()
        #expect(stand.collect(client, 6) == frame([1]))
        #expect(stand.pump { stand.cause(stand.lastID) == .peerFinished })
        #expect(client.isAtEnd)
    }

    @Test func aResetIsNoticed() throws {
        let stand = try Stand()
        let client = stand.connect()
        client.reset()
        #expect(stand.pump { stand.cause(stand.lastID) == .reset })
        #expect(stand.loop.counters[closed: .reset] == 1)
    }

    @Test func aResetWhileOutputIsPendingIsNoticed() throws {
        let stand = try Stand { $0.pendingOutputByteCountMax = 1_000 }
        stand.service.amplification = 8 << 20
        let client = stand.connect(receiveBufferByteCount: 4_096)
        client.send(frame([1]))
        #expect(stand.pump { stand.loop.counters[.readPauses] == 1 })
        client.reset()
        #expect(stand.pump { stand.cause(stand.lastID) == .reset })
    }

    @Test func aCloseByTheServiceDeliversItsLastAnswerInSpiteOfUnreadInput() throws {
        let stand = try Stand { $0.receiveByteCount = 4_096 }
        let client = stand.connect()
        var last = frame([1])
        last[0] = 9
        // Much more than one read behind the frame that ends the connection.
        client.send(last + [UInt8](repeating: 1, count: 60_000))
        #expect(stand.pump { stand.cause(stand.lastID) == .service })
        #expect(stand.service.frameCount == 1)
        #expect(stand.collect(client, 6) == last)
        stand.settle()
        #expect(client.isAtEnd)
        client.close()
        #expect(stand.pump { stand.loop.counters[.connectionsOpen] == 0 })
    }

    @Test func aPeerThatNeverClosesIsLeftAfterTheLingerTime() throws {
        let stand = try Stand()
        let client = stand.connect()
        var last = frame([1])
        last[0] = 9
        client.send(last)
        #expect(stand.pump { stand.cause(stand.lastID) == .service })
        stand.pass(milliseconds: 900)
        #expect(stand.loop.counters[.connectionsOpen] == 1)
        stand.pass(milliseconds: 200)
        #expect(stand.loop.counters[.connectionsOpen] == 0)
    }

    @Test func aPeerThatFloodsWhileWeLingerIsCutOff() throws {
        let stand = try Stand()
        let client = stand.connect()
        var last = frame([1])
        last[0] = 9
        client.send(last)
        #expect(stand.pump { stand.cause(stand.lastID) == .service })
        let flood = [UInt8](repeating: 1, count: 1 << 16)
        #expect(
            stand.pump {
                _ = client.sendWithoutWaiting(flood[...])
                return stand.loop.counters[.connectionsOpen] == 0
            })
        #expect(stand.loop.counters[.bytesReceived] >= UInt64(Limits.lingerByteCountMax))
    }

    @Test func aRefusedConnectionIsClosedAndNotMentionedAgain() throws {
        let stand = try Stand()
        stand.service.acceptsConnections = false
        let client = Client.connect(port: stand.listener.port!)!
        #expect(stand.pump { stand.loop.counters[.connectionsRefused] == 1 })
        #expect(client.isAtEnd)
        #expect(stand.service.closed.isEmpty)
        #expect(stand.loop.counters[.connectionsOpen] == 0)
    }

    @Test func connectionsAboveTheMaximumAreRefusedUntilOneLeaves() throws {
        let stand = try Stand { $0.connectionCountMax = 2 }
        let first = stand.connect()
        let second = stand.connect()
        let third = Client.connect(port: stand.listener.port!)!
        #expect(stand.pump { stand.loop.counters[.connectionsRefused] == 1 })
        #expect(third.isAtEnd)
        first.close()
        #expect(stand.pump { stand.loop.counters[.connectionsOpen] == 1 })
        let fourth = stand.connect()
        for client in [second, fourth] {
            client.send(frame([4]))
            #expect(stand.collect(client, 6) == frame([4]))
        }
        // The slot is the first one's, the generation is not.
        #expect(stand.lastID == ConnectionID(loop: 3, slot: 0, generation: 2))
    }

    @Test func aServiceThatNeedsTooMuchLosesTheConnection() throws {
        let stand = try Stand { $0.inputByteCountMax = 1_000 }
        let client = stand.connect()
        client.send([0, 0, 0, 4, 0])
        #expect(stand.pump { stand.cause(stand.lastID) == .inputOverflow })
    }

    @Test func outputAboveTheMaximumLosesTheConnection() throws {
        let stand = try Stand {
            $0.pendingOutputByteCountMax = 1_000
            $0.outputByteCountMax = 1 << 20
        }
        let client = stand.connect(receiveBufferByteCount: 4_096)
        for _ in 0..<20 {
            stand.loop.post(stand.lastID, [UInt8](repeating: 1, count: 1 << 20))
            stand.settle()
        }
        #expect(stand.cause(stand.lastID) == .outputOverflow)
        client.close()
    }

    @Test func closeFromOutsideFlushesFirst() throws {
        let stand = try Stand()
        let client = stand.connect()
        stand.loop.post(stand.lastID, [1, 2, 3])
        stand.loop.close(stand.lastID)
        #expect(stand.collect(client, 3) == [1, 2, 3])
        #expect(stand.pump { stand.cause(stand.lastID) == .requested })
        #expect(client.isAtEnd)
    }
}
