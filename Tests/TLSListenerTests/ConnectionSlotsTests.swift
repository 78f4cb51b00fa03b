import Platform
import Reactor
import Testing

@testable import TLSListener

@Suite struct ConnectionSlotsTests {
    private final class Silence: ConnectionService {
        func accepted(_ id: ConnectionID, _ peer: PeerAddress) -> Bool { true }
        func received(
            _ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, waitingSince: UInt64, _ output: inout SendBuffer
        ) -> ReceiveResult {
            ReceiveResult(consumed: bytes.count, needed: 0)
        }
        func closed(_ id: ConnectionID, _ cause: CloseCause) {}
    }

    private static func state(countMax: Int) -> TLSLoopState {
        var configuration = LoopConfiguration()
        configuration.connectionCountMax = countMax
        return TLSLoopState(index: 3, configuration: configuration, counters: LoopCounters(), service: Silence())
    }

    private static func connect(_ state: TLSLoopState) throws -> (ConnectionID, TLSConnection) {
        let reserved = state.slots.reserve()
        let id = try #require(reserved)
        let connection = TLSConnection(id: id, state: state, traffic: WireTraffic(counters: state.counters))
        state.slots.fill(id, connection)
        return (id, connection)
    }

    @Test func theTableTakesNoMoreThanItsLimitUntilOneIsReleased() throws {
        let state = Self.state(countMax: 2)
        let (first, _) = try Self.connect(state)
        _ = try Self.connect(state)
        let refused = state.slots.reserve()
        #expect(refused == nil)
        state.slots.release(first)
        let next = state.slots.reserve()
        #expect(next == ConnectionID(loop: 3, slot: first.slot, generation: first.generation + 1))
    }

    @Test func aStaleIdNamesNobody() throws {
        let state = Self.state(countMax: 8)
        let (first, connection) = try Self.connect(state)
        #expect(state.slots[first] === connection)
        state.slots.release(first)
        let (second, successor) = try Self.connect(state)
        #expect(second.slot == first.slot)
        #expect(state.slots[first] == nil)
        #expect(state.slots[second] === successor)
        #expect(state.slots[ConnectionID(loop: 2, slot: second.slot, generation: second.generation)] == nil)
        #expect(state.slots[ConnectionID(loop: 3, slot: 99, generation: 1)] == nil)
    }

    @Test func aConnectionIsLookedAtOnceForEachDeadlineAndTheEarliestOneCounts() throws {
        let state = Self.state(countMax: 8)
        let (first, connection) = try Self.connect(state)
        state.slots.lookAt(first, noLaterThan: 200)
        state.slots.lookAt(first, noLaterThan: 300)
        #expect(Self.expired(state, 199).isEmpty)
        #expect(Self.expired(state, 200).first === connection)
        #expect(Self.expired(state, .max - 1).isEmpty)
        state.slots.lookAt(first, noLaterThan: 400)
        state.slots.release(first)
        #expect(Self.expired(state, 400).isEmpty)
    }

    private static func expired(_ state: TLSLoopState, _ now: UInt64) -> [TLSConnection] { state.slots.takeExpired(now: now) }
}
