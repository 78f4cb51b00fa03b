import Glibc
import Platform
import Synchronization
import Testing

@testable import Reactor

@Suite struct PostTests {
    @Test func postedBytesArrive() throws {
        let stand = try Stand()
        let client = stand.connect()
        #expect(stand.loop.post(stand.lastID, [1, 2, 3]))
        #expect(stand.collect(client, 3) == [1, 2, 3])
    }

    @Test func postsToOneConnectionLeaveTogether() throws {
        let stand = try Stand()
        let client = stand.connect()
        for byte in 0..<UInt8(50) { stand.loop.post(stand.lastID, [byte]) }
        #expect(stand.collect(client, 50) == Array(0..<50))
        #expect(stand.loop.counters[.writes] == 1)
    }

    @Test func postsToSeveralConnectionsReachTheRightOnes() throws {
        let stand = try Stand()
        let clients = (0..<3).map { _ in stand.connect() }
        let ids = stand.service.accepted
        for round in 0..<4 {
            for (index, id) in ids.enumerated() { stand.loop.post(id, [UInt8(10 * index + round)]) }
        }
        for (index, client) in clients.enumerated() {
            #expect(stand.collect(client, 4) == (0..<4).map { UInt8(10 * index + $0) })
        }
    }

    @Test func aPostForAConnectionThatIsGoneDoesNoHarm() throws {
        let stand = try Stand()
        let first = stand.connect()
        let stale = stand.lastID
        first.close()
        #expect(stand.pump { stand.loop.counters[.connectionsOpen] == 0 })
        let second = stand.connect()
        #expect(stand.lastID.slot == stale.slot)
        stand.loop.post(stale, [1])
        stand.loop.close(stale)
        stand.loop.post(ConnectionID(loop: 3, slot: 9_999, generation: 1), [1])
        stand.loop.post(ConnectionID(loop: 2, slot: stand.lastID.slot, generation: stand.lastID.generation), [1])
        stand.loop.post(stand.lastID, [2])
        #expect(stand.collect(second, 1) == [2])
        #expect(stand.loop.counters[.lettersStale] == 4)
    }

    @Test func aFullMailboxRefuses() throws {
        let stand = try Stand()
        let client = stand.connect()
        let accepted = (0..<Limits.letterCountMax).filter { _ in stand.loop.post(stand.lastID, []) }.count
        #expect(accepted == Limits.letterCountMax)
        #expect(!stand.loop.post(stand.lastID, []))
        stand.settle()
        #expect(stand.loop.post(stand.lastID, [7]))
        #expect(stand.collect(client, 1) == [7])
    }

    @Test func aLoopThatHasEndedRefuses() throws {
        let stand = try Stand()
        let client = stand.connect()
        stand.loop.stop()
        #expect(stand.loop.run() == .stopped)
        #expect(stand.cause(stand.lastID) == .stopped)
        #expect(!stand.loop.post(stand.lastID, [1]))
        #expect(client.isAtEnd)
    }
}
