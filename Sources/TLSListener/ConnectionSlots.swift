import Reactor

/// The connections of the TLS loop by slot, as `ConnectionID` names them; grows as connections come.
struct ConnectionSlots {
    private struct Slot {
        var connection: TLSConnection?
        /// Of the connection that lives here now or comes next.
        var generation: UInt32 = 1
    }

    private let loop: UInt16
    private let countMax: Int
    private var slots: [Slot] = []
    /// When each slot is to be looked at, apart from the slots: the beat goes through all of them.
    private var deadlines: [UInt64] = []
    private var free: [UInt32] = []
    private(set) var count = 0

    init(loop: UInt16, countMax: Int) {
        self.loop = loop
        self.countMax = countMax
        slots.reserveCapacity(min(Limits.slotCountMin, countMax))
    }

    /// An id for a connection to come; nil: all slots are taken.
    mutating func reserve() -> ConnectionID? {
        guard count < countMax else { return nil }
        count += 1
        if let slot = free.popLast() {
            return ConnectionID(loop: loop, slot: slot, generation: slots[Int(slot)].generation)
        }
        slots.append(Slot())
        deadlines.append(.max)
        return ConnectionID(loop: loop, slot: UInt32(slots.count - 1), generation: 1)
    }

    mutating func fill(_ id: ConnectionID, _ connection: TLSConnection) {
        precondition(slots[Int(id.slot)].generation == id.generation, "slot of \(id) has another generation")
        slots[Int(id.slot)].connection = connection
    }

    mutating func release(_ id: ConnectionID) {
        precondition(slots[Int(id.slot)].generation == id.generation, "\(id) was released before")
        slots[Int(id.slot)].connection = nil
        slots[Int(id.slot)].generation &+= 1
        deadlines[Int(id.slot)] = .max
        free.append(id.slot)
        count -= 1
    }

    /// nil: the connection is gone.
    subscript(id: ConnectionID) -> TLSConnection? {
        guard id.loop == loop, Int(id.slot) < slots.count, slots[Int(id.slot)].generation == id.generation else { return nil }
        return slots[Int(id.slot)].connection
    }

    /// Makes sure that the connection is looked at when the clock shows `nanoseconds`.
    mutating func lookAt(_ id: ConnectionID, noLaterThan nanoseconds: UInt64) {
        deadlines[Int(id.slot)] = min(deadlines[Int(id.slot)], nanoseconds)
    }

    /// The connections whose deadline has come; they have none any more.
    mutating func takeExpired(now: UInt64) -> [TLSConnection] {
        var expired: [TLSConnection] = []
        for slot in deadlines.indices where deadlines[slot] <= now {
            deadlines[slot] = .max
            if let connection = slots[slot].connection { expired.append(connection) }
        }
        return expired
    }

    var all: [TLSConnection] { slots.compactMap(\.connection) }
}
