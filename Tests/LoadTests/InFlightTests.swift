import Testing

@testable import LoadGenerator

@Suite struct InFlightTests {
    @Test func slotsAreTakenUntilNoneIsLeft() throws {
        var inFlight = InFlight(depth: 3)
        let places = (0..<3).compactMap { inFlight.begin(item: $0, intendedNanoseconds: 1, sentNanoseconds: 2) }
        #expect(Set(places.map(\.slot)) == [0, 1, 2])
        #expect(inFlight.isFull)
        #expect(inFlight.begin(item: 9, intendedNanoseconds: 1, sentNanoseconds: 2) == nil)
        let ended = inFlight.end(slot: places[1].slot, generation: places[1].generation)
        let request = try #require(ended)
        #expect(request.item == 1)
        #expect(request.sentNanoseconds == 2)
        #expect(inFlight.count == 2)
    }

    @Test func secondReplyToARequestFindsNothing() throws {
        var inFlight = InFlight(depth: 1)
        let begun = inFlight.begin(item: 0, intendedNanoseconds: 0, sentNanoseconds: 0)
        let place = try #require(begun)
        #expect(inFlight.end(slot: place.slot, generation: place.generation) != nil)
        #expect(inFlight.end(slot: place.slot, generation: place.generation) == nil)
        let begunNext = inFlight.begin(item: 1, intendedNanoseconds: 0, sentNanoseconds: 0)
        let next = try #require(begunNext)
        #expect(next.slot == place.slot)
        #expect(inFlight.end(slot: place.slot, generation: place.generation) == nil)
        #expect(inFlight.end(slot: 77, generation: 0) == nil)
        #expect(inFlight.end(slot: next.slot, generation: next.generation)?.item == 1)
    }

    @Test func requestsThatWaitTooLongAreCounted() {
        var inFlight = InFlight(depth: 4)
        for sent in [UInt64(10), 20, 30] { _ = inFlight.begin(item: 0, intendedNanoseconds: sent, sentNanoseconds: sent) }
        #expect(inFlight.count(sentBefore: 25) == 2)
        #expect(inFlight.count(sentBefore: 10) == 0)
        #expect(inFlight.abandon() == 3)
        #expect(inFlight.isEmpty)
        #expect(inFlight.count(sentBefore: .max) == 0)
    }

    @Test func idNamesConnectionSlotAndGeneration() {
        for (connection, slot, generation) in [(0, 0, UInt32(0)), (15_999, 4_095, RequestID.generationMask), (77, 3, 123_456)] {
            let id = RequestID(connection: connection, slot: slot, generation: generation)
            #expect(id.isOurs)
            #expect(id.connection == connection)
            #expect(id.slot == slot)
            #expect(id.generation == generation)
        }
        #expect(!RequestID(rawValue: 0).isOurs)
        #expect(!RequestID(rawValue: RequestID.hello).isOurs)
        #expect(!RequestID(rawValue: .max).isOurs)
        #expect(LoadLimits.connectionCountMax <= 1 << 14)
        #expect(LoadLimits.depthMax <= 1 << 12)
    }

    @Test func varintOfAnIDIsEightBytesAsProtobufWritesIt() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<1_000 {
            let value = UInt64.random(in: (1 << 49)..<(1 << 56), using: &generator)
            var expected: [UInt8] = []
            var rest = value
            while rest >= 0x80 {
                expected.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            expected.append(UInt8(rest))
            let word = eightByteVarint(value)
            #expect((0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } == expected)
        }
    }
}
