import Synchronization

/// What a loop counts. `connectionsOpen` goes up and down, the others only up.
public enum LoopCounter: Int, CaseIterable, Sendable {
    case connectionsOpen
    case connectionsAccepted
    /// Closed at once: the table was full, the service said no, or the process had no descriptor left.
    case connectionsRefused
    /// Accepted for another loop, which had fewer.
    case connectionsHandedOver
    case bytesReceived, bytesSent
    /// System calls that moved bytes.
    case reads, writes
    /// Sends that left a rest for later.
    case writesPartial
    /// Times that a connection was not read from because of its pending output.
    case readPauses
    case turns
    /// Waits that began with polling, and those of them in which an event came before its end.
    case spins, spinsPaid
    /// Failed accepts for want of a descriptor (EMFILE, ENFILE) and for other reasons.
    case acceptsWithoutDescriptor, acceptsFailed
    case lettersReceived
    /// Posts for a connection that was gone.
    case lettersStale
}

/// The counters of one loop: written by its thread (that of a loop in another module, too), read by any (relaxed: each value is right, a set of them is of no one
/// moment).
@safe public final class LoopCounters: Sendable {
    private static let cellCount = LoopCounter.allCases.count + CloseCause.allCases.count

    // Safety: allocated in init, freed in deinit, `cellCount` initialised atomics on cache lines of their own; every index
    // comes from one of the two enums.
    private nonisolated(unsafe) let cells: UnsafeMutablePointer<Atomic<UInt64>>

    package init() {
        let byteCount = (Self.cellCount * MemoryLayout<Atomic<UInt64>>.stride + 63) & ~63
        let raw = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        unsafe cells = unsafe raw.bindMemory(to: Atomic<UInt64>.self, capacity: Self.cellCount)
        for index in 0..<Self.cellCount { unsafe (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe cells.deinitialize(count: Self.cellCount)
        unsafe UnsafeMutableRawPointer(cells).deallocate()
    }

    public subscript(_ counter: LoopCounter) -> UInt64 { load(counter.rawValue) }

    /// How many connections ended for that reason.
    public subscript(closed cause: CloseCause) -> UInt64 { load(LoopCounter.allCases.count + Int(cause.rawValue)) }

    @inline(__always)
    package func add(_ counter: LoopCounter, _ amount: Int = 1) { add(counter.rawValue, amount) }

    package func add(closed cause: CloseCause) { add(LoopCounter.allCases.count + Int(cause.rawValue), 1) }

    private func load(_ index: Int) -> UInt64 { unsafe cells[index].load(ordering: .relaxed) }

    // There is one writer, so that no read-modify-write is needed; partner: the relaxed load of a metrics page.
    @inline(__always)
    private func add(_ index: Int, _ amount: Int) {
        let cell = unsafe cells + index
        unsafe cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ UInt64(bitPattern: Int64(amount)), ordering: .relaxed)
    }
}
