import Glibc
import Testing

@testable import Reactor

@Suite struct SlowReaderTests {
    @Test func nothingIsReadFromAPeerThatDoesNotTakeItsAnswers() throws {
        let stand = try Stand { $0.pendingOutputByteCountMax = 100_000 }
        stand.service.amplification = 1 << 20
        let client = stand.connect(receiveBufferByteCount: 4_096)
        // Enough answers to fill what the sockets hold, and then some.
        for _ in 0..<40 {
            client.send(frame([1]))
            stand.settle()
        }
        #expect(stand.loop.counters[.readPauses] == 1)
        let answered = stand.service.frameCount
        #expect(answered < 40)
        client.send(frame([2]))
        stand.settle()
        #expect(stand.service.frameCount == answered)
        // The others notice nothing.
        let other = stand.connect()
        stand.service.amplification = 0
        other.send(frame([3]))
        #expect(stand.collect(other, 6) == frame([3]))
        stand.service.amplification = 1 << 20
        // Once it reads, everything comes.
        let total = 41 * (6 + (1 << 20))
        #expect(stand.collect(client, total).count == total)
        #expect(stand.service.frameCount == 42)
    }

    @Test func aHalfCloseDuringAPauseIsNoticedAfterwards() throws {
        let stand = try Stand { $0.pendingOutputByteCountMax = 1_000 }
        stand.service.amplification = 8 << 20
        let client = stand.connect(receiveBufferByteCount: 4_096)
        client.send(frame([1]))
        #expect(stand.pump { stand.loop.counters[.readPauses] == 1 })
        stand.service.amplification = 0
        client.send(frame([2]))
        client.finishSending()
        let total = 6 + (8 << 20) + 6
        let answers = stand.collect(client, total)
        #expect(answers.count == total)
        #expect(answers.suffix(6) == frame([2]))
        #expect(stand.pump { stand.cause(stand.lastID) == .peerFinished })
    }

    @Test func aPausedConnectionIsNotBlamedForItsIncompleteFrame() throws {
        let stand = try Stand {
            $0.pendingOutputByteCountMax = 1_000
            $0.partialFrameTimeoutNanoseconds = 1_000_000_000
            $0.writeStallTimeoutNanoseconds = 60_000_000_000
        }
        stand.service.amplification = 8 << 20
        let client = stand.connect(receiveBufferByteCount: 4_096)
        client.send(frame([1]) + [0, 0])
        #expect(stand.pump { stand.loop.counters[.readPauses] == 1 })
        stand.pass(milliseconds: 10_000)
        #expect(stand.cause(stand.lastID) == nil)
        #expect(stand.collect(client, 6 + (8 << 20)).count == 6 + (8 << 20))
        // From here on it is.
        stand.settle()
        stand.pass(milliseconds: 1_200)
        #expect(stand.cause(stand.lastID) == .partialFrameTimeout)
    }
}
