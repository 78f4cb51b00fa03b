import Testing

@testable import Reactor

/// Who sends without end gets its share of a turn, and who waited is known.
@Suite struct FairnessTests {
    @Test func aFloodOfOneConnectionKeepsNobodyWaitingForMoreThanItsShare() throws {
        let stand = try Stand()
        let flood = stand.connect()
        let floodID = stand.lastID
        let single = stand.connect()
        let singleID = stand.lastID
        // Some 256 KiB lie in the kernel before the loop turns again.
        let frames = (0..<2_000).flatMap { frame(byteCount: 150, seed: $0) }
        let sent = flood.sendWithoutWaiting(frames[...])
        #expect(sent > 4 * Limits.readByteCount)
        single.send(frame([1]))
        #expect(stand.collect(single, 6) == frame([1]))
        let before = stand.service.calls.prefix { $0.id != singleID }
        #expect(before.filter { $0.id == floodID }.count <= 2)
        #expect(stand.collect(flood, sent / 155 * 155) == Array(frames[..<(sent / 155 * 155)]))
    }

    @Test func aLongFrameIsReadInAsFewCallsAsBefore() throws {
        let stand = try Stand()
        let client = stand.connect()
        let bytes = frame(byteCount: 200_000)
        let sent = client.sendWithoutWaiting(bytes[...])
        #expect(sent > 2 * Limits.readByteCount)
        stand.pump { stand.loop.counters[.bytesReceived] == UInt64(sent) }
        // A share, then all that the frame still needs; and a look or two that finds nothing.
        #expect(stand.loop.counters[.reads] <= 4)
    }

    @Test func whatArrivesDuringATurnHasWaitedSinceItAtMost() throws {
        let stand = try Stand()
        let client = stand.connect()
        stand.clock.advance(milliseconds: 1)
        _ = stand.loop.turn(waitMilliseconds: 0)
        let before = stand.clock.now
        client.send(frame([1]))
        #expect(stand.collect(client, 6) == frame([1]))
        #expect(try #require(stand.service.calls.last).waitingSince >= before)
    }
}

@Suite struct BacklogTests {
    @Test func whatIsReadInOneGoIsAsOldAsItsEvent() {
        var backlog = Backlog()
        #expect(backlog.since == 0)
        backlog.begin(5)
        backlog.begin(7)
        #expect(backlog.since == 5)
        backlog.end()
        backlog.begin(9)
        #expect(backlog.since == 9)
    }

    @Test func whatWasUnreadAtAReadIsOldAndWhatIsBehindItIsNot() {
        var backlog = Backlog()
        backlog.begin(5)
        backlog.read(100, at: 10) { 250 }
        #expect(backlog.since == 5)
        backlog.read(100, at: 20) { fatalError("150 old bytes are left") }
        backlog.read(100, at: 30) { fatalError("50 old bytes are left") }
        #expect(backlog.since == 5)
        // The last old ones, and some that came after 10.
        backlog.read(100, at: 40) { 70 }
        #expect(backlog.since == 10)
        backlog.read(100, at: 50) { 0 }
        #expect(backlog.since == 40)
        backlog.restart(60)
        #expect(backlog.since == 60)
    }
}
