import Glibc
import Testing

@testable import Reactor

@Suite struct EchoTests {
    @Test func aFrameComesBack() throws {
        let stand = try Stand()
        let client = stand.connect()
        client.send(frame([1, 2, 3]))
        #expect(stand.collect(client, 8) == frame([1, 2, 3]))
        #expect(stand.service.peers == [.loopback])
        #expect(stand.lastID == ConnectionID(loop: 3, slot: 0, generation: 1))
    }

    @Test func pipelinedFramesTakeOneReadOneCallAndOneWrite() throws {
        let stand = try Stand()
        let client = stand.connect()
        let frames = (0..<100).flatMap { frame(byteCount: 150, seed: $0) }
        client.send(frames)
        #expect(stand.collect(client, frames.count) == frames)
        #expect(stand.loop.counters[.reads] == 1)
        #expect(stand.loop.counters[.writes] == 1)
        #expect(stand.service.callCount == 1)
        #expect(stand.service.frameCount == 100)
        #expect(stand.loop.counters[.bytesReceived] == UInt64(frames.count))
        #expect(stand.loop.counters[.bytesSent] == UInt64(frames.count))
    }

    @Test func aFrameThatArrivesByteByByteIsPresentedOncePerStep() throws {
        let stand = try Stand()
        let client = stand.connect()
        let bytes = frame(byteCount: 40)
        for (index, byte) in bytes.enumerated() {
            client.send([byte])
            stand.pump { stand.loop.counters[.reads] == UInt64(index + 1) }
        }
        #expect(stand.collect(client, bytes.count) == bytes)
        #expect(stand.service.frameCount == 1)
        // The first byte, the whole header, the whole frame: `needed` saves the other calls.
        #expect(stand.service.callCount == 3)
    }

    @Test func aFrameLargerThanTheReceiveBufferIsPutTogether() throws {
        let stand = try Stand { $0.receiveByteCount = 4_096 }
        let client = stand.connect()
        let bytes = frame(byteCount: 300_000)
        var sent = 0
        stand.pump {
            sent += client.sendWithoutWaiting(bytes[sent...])
            return sent == bytes.count
        }
        #expect(stand.collect(client, bytes.count) == bytes)
    }

    @Test func anEmptyPayloadIsAFrame() throws {
        let stand = try Stand()
        let client = stand.connect()
        client.send(frame([]) + frame([]))
        #expect(stand.collect(client, 10) == frame([]) + frame([]))
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6])
    func anySplitOfAnyStreamComesBackUnchanged(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let stand = try Stand {
            $0.receiveByteCount = [4_096, 8_192, 262_144].randomElement(using: &random)!
            $0.pendingOutputByteCountMax = 10_000
        }
        let clients = (0..<5).map { _ in stand.connect(receiveBufferByteCount: 4_096) }
        let streams = (0..<5).map { _ in
            (0..<60).flatMap { _ in
                frame(
                    byteCount: Int.random(in: 0...Int.random(in: 1...30_000, using: &random), using: &random), seed: random.next()
                )
            }
        }
        var sent = [Int](repeating: 0, count: 5)
        var received = [[UInt8]](repeating: [], count: 5)
        let isDone = stand.pump {
            for index in 0..<5 {
                let chunk = Int.random(in: 1...20_000, using: &random)
                sent[index] += clients[index].sendWithoutWaiting(streams[index][sent[index]...].prefix(chunk))
                received[index] += clients[index].receiveWithoutWaiting(Int.random(in: 1...20_000, using: &random)) ?? []
            }
            return zip(received, streams).allSatisfy { $0.count == $1.count }
        }
        #expect(isDone, "seed \(seed)")
        #expect(received == streams, "seed \(seed)")
    }

    @Test func aServiceThatStopsEarlyGoesOnWhenItsOutputIsSent() throws {
        // 4 KiB answers to 6-byte requests: the buffer is full long before the requests are used up.
        let stand = try Stand {
            $0.receiveByteCount = 8_192
            $0.pendingOutputByteCountMax = 4_096
        }
        stand.service.amplification = 4_096
        let client = stand.connect(receiveBufferByteCount: 4_096)
        let requests = (0..<4_000).flatMap { _ in frame([5]) }
        client.send(requests)
        // The socket takes so much and no more.
        stand.settle()
        let answers = stand.collect(client, 4_000 * (6 + 4_096))
        #expect(answers.count == 4_000 * (6 + 4_096))
        #expect(stand.service.frameCount == 4_000)
        #expect(stand.loop.counters[.readPauses] > 0)
        #expect(stand.loop.counters[.writesPartial] > 0)
    }

    @Test func aServiceThatNeverConsumesIsNotCalledForEver() throws {
        let stand = try Stand()
        stand.service.neededAlways = 0
        let client = stand.connect()
        client.send([1, 2])
        stand.settle()
        #expect(stand.service.callCount == 1)
    }

    @Test func answersOfOneConnectionNeverReachAnother() throws {
        let stand = try Stand()
        let clients = (0..<50).map { _ in stand.connect() }
        for round in 0..<10 {
            let frames = (0..<50).map { frame(byteCount: 20, seed: UInt64(round * 50 + $0)) }
            for (client, bytes) in zip(clients, frames) { client.send(bytes) }
            for (client, bytes) in zip(clients, frames) { #expect(stand.collect(client, bytes.count) == bytes) }
        }
    }

    @Test func aBusyConnectionDoesNotStarveAnother() throws {
        let stand = try Stand { $0.receiveByteCount = 4_096 }
        let busy = stand.connect()
        let quiet = stand.connect()
        let flood = (0..<2_000).flatMap { _ in frame(byteCount: 100) }
        #expect(busy.sendWithoutWaiting(flood[...]) > 100_000)
        quiet.send(frame([1]))
        for _ in 0..<3 { _ = stand.loop.turn(waitMilliseconds: 100) }
        #expect(quiet.receiveWithoutWaiting() == frame([1]))
        #expect(stand.loop.counters[.reads] <= 6)
    }

    @Test func ticksComeWithTime() throws {
        let stand = try Stand()
        let before = stand.service.tickCount
        stand.pass(milliseconds: 1_000)
        #expect(stand.service.tickCount == before + 10)
    }

    @Test func aLoopWithNothingToDoSleeps() throws {
        let stand = try Stand()
        let client = stand.connect()
        #expect(client.descriptor >= 0)
        #expect(stand.loop.nextWaitMilliseconds > 0)
    }
}
