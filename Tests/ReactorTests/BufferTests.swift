@testable import Platform
import Testing

@testable import Reactor

@Suite struct BufferTests {
    @Test func blocksArePowersOfTwo() {
        #expect(BlockPool.blockByteCount(for: 1) == 1_024)
        #expect(BlockPool.blockByteCount(for: 1_024) == 1_024)
        #expect(BlockPool.blockByteCount(for: 1_025) == 2_048)
        #expect(BlockPool.blockByteCount(for: 65_537) == 131_072)
    }

    @Test func aGivenBlockIsTakenAgain() {
        var pool = BlockPool()
        let block = pool.take(4_096)
        pool.give(block, 4_096)
        #expect(pool.take(4_096) == block)
        pool.give(block, 4_096)
        for size in [1_024, 65_536, 131_072, 1 << 20] {
            for _ in 0..<2 * Limits.spareBlockCountMax { pool.give(pool.take(size), size) }
        }
    }

    @Test func aRestIsAQueueOfBytes() {
        var random = SeededGenerator(seed: 7)
        var pool = BlockPool()
        var rest = ByteRest()
        var model: [UInt8] = []
        for _ in 0..<5_000 {
            if Bool.random(using: &random) || model.isEmpty {
                let bytes = (0..<Int.random(in: 0...500, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                bytes.withUnsafeBytes { rest.append($0, &pool) }
                model += bytes
            } else {
                let count = Int.random(in: 0...model.count, using: &random)
                rest.drop(count, &pool)
                model.removeFirst(count)
            }
            #expect(rest.count == model.count && rest.bytes.elementsEqual(model))
        }
        rest.release(&pool)
    }

    @Test func theSendBufferGrowsAndShrinks() {
        // What a macro may look at: the buffer itself cannot be copied into one.
        func look(_ buffer: borrowing SendBuffer) -> [Int] {
            [buffer.pendingByteCount, buffer.wantsFlush ? 1 : 0, buffer.capacity]
        }
        var buffer = SendBuffer(flushByteCount: 16)
        [UInt8](0..<10).withUnsafeBytes { buffer.append($0) }
        #expect(look(buffer) == [10, 0, 16])
        [UInt8](10..<200).withUnsafeBytes { buffer.append($0) }
        #expect(look(buffer) == [200, 1, 200])
        let bytes = Array(buffer.bytes)
        #expect(bytes == Array(0..<200))
        let room = buffer.reserve(8 << 20)
        room.initializeMemory(as: UInt8.self, repeating: 1, count: 8 << 20)
        buffer.commit(8 << 20)
        #expect(look(buffer) == [200 + (8 << 20), 1, 200 + (8 << 20)])
        buffer.clear()
        #expect(look(buffer) == [0, 0, 16])
    }

    @Test func slotsAreUsedAgainUnderAnotherGeneration() {
        var table = ConnectionTable(capacity: 2)
        let first = table.takeSlot()!
        let second = table.takeSlot()!
        #expect(table.takeSlot() == nil)
        #expect(table.slot(UInt32(first), 1) == nil, "no descriptor yet")
        table[second].generation = .max
        table.giveSlot(second)
        #expect(table.takeSlot() == second)
        // Generation 0 is left out at the wrap-around.
        let generation = table[second].generation
        #expect(generation == 1)
        #expect(table[deadlineOf: second] == .max)
    }

    @Test func expiredSlotsAreFoundInOrder() {
        var table = ConnectionTable(capacity: 10)
        for slot in 0..<10 {
            _ = table.takeSlot()
            table[deadlineOf: slot] = UInt64(100 - slot)
        }
        #expect(table.nextExpired(from: 0, nowNanoseconds: 92) == 8)
        #expect(table.nextExpired(from: 9, nowNanoseconds: 92) == 9)
        #expect(table.nextExpired(from: 0, nowNanoseconds: 90) == nil)
    }

    @Test func everyCauseHasItsLabelAndCounter() {
        #expect(Set(CloseCause.allCases.map(\.label)).count == CloseCause.allCases.count)
        let counters = LoopCounters()
        for cause in CloseCause.allCases { counters.add(closed: cause) }
        for counter in LoopCounter.allCases { counters.add(counter, counter.rawValue) }
        #expect(CloseCause.allCases.allSatisfy { counters[closed: $0] == 1 })
        #expect(LoopCounter.allCases.allSatisfy { counters[$0] == UInt64($0.rawValue) })
    }
}
