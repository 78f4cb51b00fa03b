import Platform

/// All rings as one stream in sequence order.
struct RingMerge {
    private var rings: [RingConsumer]

    init(_ memory: RingMemory) {
        rings = (0..<memory.workerCount).map { RingConsumer(memory, worker: $0) }
    }

    /// The ring whose next entry has the number `sequence`; nil: that number isn't committed yet.
    mutating func ring(with sequence: UInt64) -> Int? {
        if let index = find(sequence) { return index }
        for index in rings.indices { rings[index].refresh() }
        return find(sequence)
    }

    private func find(_ sequence: UInt64) -> Int? {
        for index in rings.indices {
            if case .entry(let entry) = rings[index].current, entry.first == sequence { return index }
        }
        return nil
    }

    func entry(_ index: Int) -> RingEntry {
        guard case .entry(let entry) = rings[index].current else { preconditionFailure("ring \(index) has no entry") }
        return entry
    }

    mutating func consume(_ index: Int) { rings[index].consume() }

    /// Appends the records at hand to the block being gathered, up to a full block, a void or a number that isn't there yet; their bytes.
    mutating func gather(into writer: JournalWriter) -> Int {
        var sequence = writer.nextSequence
        var byteCount = 0
        while !writer.isFull, let index = ring(with: sequence), case .entry(let entry) = rings[index].current, !entry.isVoid {
            unsafe writer.append(entry.payload)
            unsafe byteCount += entry.payload.count
            rings[index].consume()
            sequence += 1
        }
        return byteCount
    }

    /// The smallest number at hand in any ring.
    mutating func lowest() -> UInt64? {
        for index in rings.indices { rings[index].refresh() }
        return rings.compactMap { if case .entry(let entry) = $0.current { entry.first } else { nil } }.min()
    }

    /// Passes over entries below `sequence`: the journal has them.
    mutating func skip(below sequence: UInt64) -> Int {
        var count = 0
        for index in rings.indices {
            rings[index].refresh()
            while case .entry(let entry) = rings[index].current, entry.last < sequence {
                rings[index].consume()
                count += 1
            }
        }
        return count
    }

    /// Passes over the entry with the smallest number.
    mutating func consumeLowest() {
        let lowest = lowest()
        for index in rings.indices {
            if case .entry(let entry) = rings[index].current, entry.first == lowest { return rings[index].consume() }
        }
    }

    /// Rings that hold bytes which no producer wrote.
    var damagedWorkers: [Int] {
        rings.indices.filter { if case .damaged = rings[$0].current { true } else { false } }
    }

    func remainder(of worker: Int) -> [UInt8] { rings[worker].remainder() }

    /// What the producers have committed and nobody has read yet, in bytes.
    var unreadByteCount: Int { rings.reduce(0) { $0 + $1.unreadByteCount } }

    /// Gives the room of everything consumed back to the producers.
    mutating func free() {
        for index in rings.indices { rings[index].free() }
    }
}
