import Glibc

/// The connections of one loop in fixed slots, each with its next deadline.
///
/// Deadlines lie in an array of their own: a sweep over 10,000 of them reads 80 kB. A deadline is a lower bound (traffic does
/// not touch it); when it comes, the true one is computed from the connection.
@safe struct ConnectionTable: ~Copyable {
    let capacity: Int
    /// Slots that have ever been used; those behind it are not initialised.
    private(set) var usedCount = 0
    private var freeSlots: [UInt32] = []
    // Safety: both owned by the table, `capacity` elements, the first `usedCount` initialised, freed by deinit; every access
    // checks its slot against `usedCount`.
    private let connections: UnsafeMutablePointer<Connection>
    private let deadlines: UnsafeMutablePointer<UInt64>

    init(capacity: Int) {
        self.capacity = capacity
        unsafe connections = UnsafeMutablePointer<Connection>.allocate(capacity: capacity)
        unsafe deadlines = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
    }

    deinit {
        for slot in 0..<usedCount where unsafe connections[slot].isOpen { unsafe _ = close(connections[slot].descriptor) }
        unsafe connections.deinitialize(count: usedCount)
        unsafe connections.deallocate()
        unsafe deadlines.deallocate()
    }

    /// A free slot, or nil when the table is full.
    mutating func takeSlot() -> Int? {
        if let slot = freeSlots.popLast() { return Int(slot) }
        guard usedCount < capacity else { return nil }
        unsafe (connections + usedCount).initialize(to: Connection())
        unsafe (deadlines + usedCount).initialize(to: .max)
        usedCount += 1
        return usedCount - 1
    }

    /// Frees the slot of a connection whose rests are released and whose descriptor is closed; its ids are stale from now on.
    mutating func giveSlot(_ slot: Int) {
        var fresh = Connection()
        // Generation 0 is left out: it never names a connection.
        fresh.generation = Swift.max(self[slot].generation &+ 1, 1)
        self[slot] = fresh
        self[deadlineOf: slot] = .max
        freeSlots.append(UInt32(slot))
    }

    subscript(_ slot: Int) -> Connection {
        @inline(__always)
        unsafeAddress {
            precondition(slot >= 0 && slot < usedCount)
            return unsafe UnsafePointer(connections + slot)
        }
        @inline(__always)
        unsafeMutableAddress {
            precondition(slot >= 0 && slot < usedCount)
            return unsafe connections + slot
        }
    }

    subscript(deadlineOf slot: Int) -> UInt64 {
        get {
            precondition(slot >= 0 && slot < usedCount)
            return unsafe deadlines[slot]
        }
        set {
            precondition(slot >= 0 && slot < usedCount)
            unsafe deadlines[slot] = newValue
        }
    }

    /// The slot named so, if that connection still lives.
    @inline(__always)
    func slot(_ slot: UInt32, _ generation: UInt32) -> Int? {
        guard slot < usedCount, self[Int(slot)].generation == generation, self[Int(slot)].isOpen else { return nil }
        return Int(slot)
    }

    /// The first slot from `start` on whose deadline has come.
    func nextExpired(from start: Int, nowNanoseconds: UInt64) -> Int? {
        var slot = start
        while slot < usedCount {
            if unsafe deadlines[slot] <= nowNanoseconds { return slot }
            slot += 1
        }
        return nil
    }
}
