import Platform
import Testing

@testable import Audit

extension RingMerge {
    /// The ring with that number's entry, which the test needs.
    mutating func required(_ sequence: UInt64) throws -> Int {
        let index = ring(with: sequence)
        return try #require(index)
    }
}

func required(_ sequence: UInt64?) throws -> UInt64 { try #require(sequence) }

@Suite struct RingTests {
    let directory = TemporaryDirectory()

    func ring(workerCount: Int = 1, byteCount: Int = 64 << 10) throws -> RingMemory {
        try File.createDirectory(directory.ring)
        let stamp = RingStamp(identity: .random(), bootID: RingStamp.bootID())
        return try RingMemory.create(
            path: "\(directory.ring)/r", stamp: stamp, workerCount: workerCount, ringByteCount: byteCount, firstSequence: 1)
    }

    @Test func recordsComeOutAsTheyWentInThroughManyWraps() throws {
        let memory = try ring()
        let producer = AuditProducer(states: ProducerStates(memory), worker: 0)
        var merge = RingMerge(memory)
        var generator = SeededGenerator(seed: 42)
        var expected: [(UInt64, [UInt8])] = []
        var next: UInt64 = 1
        for _ in 0..<4_000 {
            let bytes = (0..<Int.random(in: 1...700, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if let sequence = producer.reserve(count: 1, byteCountMax: bytes.count) {
                producer.append(sequence: sequence) { buffer in
                    buffer.copyBytes(from: bytes)
                    return bytes.count
                }
                producer.commit()
                expected.append((sequence, bytes))
            }
            guard Int.random(in: 0..<20, using: &generator) == 0 || expected.count > 60 else { continue }
            for (sequence, bytes) in expected {
                let index = try merge.required(sequence)
                let entry = merge.entry(index)
                #expect(entry.first == next && !entry.isVoid && Array(entry.payload) == bytes)
                merge.consume(index)
                next += 1
            }
            expected = []
            merge.free()
        }
        // 4,000 records of 366 bytes on average went through 64 KiB.
        #expect(memory.tail(0).loadRelaxed() > 20 * 64 << 10)
    }

    @Test func fullRingRefusesWithoutTakingANumber() throws {
        let memory = try ring()
        let producer = AuditProducer(states: ProducerStates(memory), worker: 0)
        var count: UInt64 = 0
        while producer.put() != nil { count += 1 }
        #expect(count > 100)
        #expect(producer.put() == nil)
        #expect(memory.nextSequence.loadRelaxed() == count + 1)
        var merge = RingMerge(memory)
        #expect(merge.unreadByteCount == Int(memory.tail(0).loadRelaxed()))
        for sequence in 1...count { merge.consume(try merge.required(sequence)) }
        #expect(merge.unreadByteCount == 0)
        // Reading doesn't make room, freeing does.
        #expect(producer.put() == nil)
        merge.free()
        #expect(producer.put() == count + 1)
    }

    @Test func reservationLargerThanTheRingIsRefusedForEver() throws {
        let memory = try ring()
        let producer = AuditProducer(states: ProducerStates(memory), worker: 0)
        #expect(producer.reserve(count: 1, byteCountMax: 64 << 10) == nil)
        #expect(producer.reserve(count: 1, byteCountMax: producer.byteCountMax(count: 1)) == 1)
        for count in [1, 2, 3, 10, 100] {
            let memory = try ring()
            let fresh = AuditProducer(states: ProducerStates(memory), worker: 0)
            #expect(fresh.reserve(count: count, byteCountMax: fresh.byteCountMax(count: count)) != nil, "\(count)")
        }
    }

    @Test func nothingIsVisibleBeforeTheCommit() throws {
        let memory = try ring()
        let producer = AuditProducer(states: ProducerStates(memory), worker: 0)
        var merge = RingMerge(memory)
        let first = try required(producer.reserve(count: 2, byteCountMax: 16))
        producer.append(sequence: first) {
            $0[0] = 1; return 1
        }
        #expect(merge.ring(with: first) == nil)
        producer.append(sequence: first + 1) {
            $0[0] = 2; return 1
        }
        #expect(merge.ring(with: first) == nil)
        producer.commit()
        #expect(merge.ring(with: first) == 0)
    }

    @Test func numbersNotAppendedAreGivenUp() throws {
        let memory = try ring()
        let producer = AuditProducer(states: ProducerStates(memory), worker: 0)
        var merge = RingMerge(memory)
        // Passed over: 1-2; returned nothing: 4; never reached: 5-6; next reservation abandoned whole: 7; then a good one.
        #expect(producer.reserve(count: 6, byteCountMax: 16) == 1)
        producer.append(sequence: 3) {
            $0[0] = 3; return 1
        }
        producer.append(sequence: 4) { _ in 0 }
        #expect(producer.reserve(count: 1, byteCountMax: 16) == 7)
        #expect(producer.reserve(count: 1, byteCountMax: 16) == 8)
        producer.append(sequence: 8) {
            $0[0] = 8; return 1
        }
        producer.commit()
        var found: [[UInt64]] = []
        for expected in [1, 3, 4, 5, 7, 8] as [UInt64] {
            let index = try merge.required(expected)
            let entry = merge.entry(index)
            found.append([entry.first, entry.last, entry.isVoid ? 1 : 0])
            merge.consume(index)
        }
        #expect(found == [[1, 2, 1], [3, 3, 0], [4, 4, 1], [5, 6, 1], [7, 7, 1], [8, 8, 0]])
    }

    @Test func ringsAreMergedInTheOrderOfNumbers() throws {
        let memory = try ring(workerCount: 3)
        let states = ProducerStates(memory)
        let producers = (0..<3).map { AuditProducer(states: states, worker: $0) }
        var merge = RingMerge(memory)
        var generator = SeededGenerator(seed: 7)
        var next: UInt64 = 1
        for _ in 0..<500 {
            for _ in 0..<Int.random(in: 0...20, using: &generator) {
                _ = producers[Int.random(in: 0..<3, using: &generator)].put()
            }
            while let index = merge.ring(with: next) {
                merge.consume(index)
                next += 1
            }
            merge.free()
        }
        #expect(next == memory.nextSequence.loadRelaxed() && next > 1000)
    }

    @Test func strayWriteIntoARingIsFound() throws {
        let memory = try ring()
        let producer = AuditProducer(states: ProducerStates(memory), worker: 0)
        for _ in 0..<5 { _ = producer.put() }
        var merge = RingMerge(memory)
        for sequence in 1...2 as ClosedRange<UInt64> { merge.consume(try merge.required(sequence)) }
        let entry = merge.entry(try merge.required(3))
        let start = UnsafeMutableRawPointer(mutating: entry.payload.baseAddress!) + entry.payload.count + 40
        start.storeBytes(of: ~start.load(as: UInt8.self), as: UInt8.self)
        merge.consume(0)
        #expect(merge.ring(with: 4) == nil)
        #expect(merge.damagedWorkers == [0])
    }

    @Test func ringFilesWithAnyHeaderByteChangedAreNotTaken() throws {
        let path = try ring().path
        let bytes = try File.read(path)
        for offset in 0..<68 {
            var changed = bytes
            changed[offset] ^= 0x10
            try File.writeAtomically(changed, to: path)
            #expect(try RingMemory.map(path: path) == nil, "byte \(offset)")
        }
        try File.writeAtomically(Array(bytes.dropLast()), to: path)
        #expect(try RingMemory.map(path: path) == nil)
        try File.writeAtomically(bytes, to: path)
        #expect(try RingMemory.map(path: path) != nil)
    }
}
