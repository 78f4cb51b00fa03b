import Platform

/// What lies at the reading end of a ring.
@safe struct RingEntry {
    let first: UInt64
    /// Same as `first` for a record; the last number of a void.
    let last: UInt64
    let isVoid: Bool
    // Safety: payload inside the ring; valid until the entry's room is freed.
    let payload: UnsafeRawBufferPointer
    /// Position after the entry.
    fileprivate let end: UInt64
}

/// What reading a ring came upon.
enum RingReading {
    case entry(RingEntry)
    case empty
    /// The bytes at the reading position are no frame that a producer wrote.
    case damaged
}

/// The journal's end of one ring: reads committed frames in order and frees their room when told to.
@safe struct RingConsumer {
    private let memory: RingMemory
    let worker: Int
    // Safety: the ring's memory, kept mapped by `memory`.
    private let ring: UnsafeMutableRawPointer
    private let mask: UInt64
    private var position: UInt64
    private var tail: UInt64
    private var freed: UInt64
    private(set) var current = RingReading.empty

    init(_ memory: RingMemory, worker: Int) {
        self.memory = memory
        self.worker = worker
        unsafe ring = memory.ring(worker)
        mask = UInt64(memory.ringByteCount) - 1
        position = memory.head(worker).loadAcquiring()
        tail = position
        freed = position
        // Head and tail of a file that something else wrote to may be anything; only what can be true is read.
        let committed = memory.tail(worker).loadAcquiring()
        if committed < position || committed - position > mask + 1 || position % 8 != 0 || committed % 8 != 0 {
            current = .damaged
        }
    }

    /// Looks for a frame when there was none at hand.
    mutating func refresh() {
        guard case .empty = current else { return }
        // Partner: the producer's releasing store after the frames' bytes.
        tail = memory.tail(worker).loadAcquiring()
        read()
    }

    /// Goes on to the next frame; the room of those passed stays taken until `free`.
    mutating func consume() {
        guard case .entry(let entry) = current else { preconditionFailure("nothing to consume") }
        position = entry.end
        read()
    }

    /// Gives the room of everything consumed back to the producer.
    mutating func free() {
        if freed == position { return }
        freed = position
        // Partner: the producer's acquiring load when it looks for room.
        memory.head(worker).storeReleasing(position)
    }

    /// Bytes committed and not consumed.
    var unreadByteCount: Int { Int(clamping: memory.tail(worker).loadAcquiring() &- position) }

    /// Bytes committed and not consumed, as they lie in the ring, for quarantine.
    func remainder() -> [UInt8] {
        let committed = memory.tail(worker).loadAcquiring()
        guard committed >= position, committed - position <= mask + 1 else {
            return unsafe [UInt8](UnsafeRawBufferPointer(start: ring, count: Int(mask) + 1))
        }
        return (position..<committed).map { unsafe ring.load(fromByteOffset: Int($0 & mask), as: UInt8.self) }
    }

    private mutating func read() {
        guard position < tail else { return current = .empty }
        var offset = position & mask
        // Safety: every frame offset is a multiple of 8 below the ring's size; lengths are checked before the payload is touched.
        var length = unsafe ring.load(fromByteOffset: Int(offset), as: UInt32.self)
        if length == RingFrame.wrapMarker {
            position += mask + 1 - offset
            guard position < tail else { return current = .damaged }
            offset = 0
            length = unsafe ring.load(as: UInt32.self)
        }
        let isVoid = length == RingFrame.voidMarker
        let byteCount = isVoid ? 8 : Int(length)
        let frameByteCount = RingFrame.byteCount(payload: byteCount)
        guard byteCount > 0, byteCount <= AuditLimits.recordByteCountMax, UInt64(frameByteCount) <= tail - position,
            offset + UInt64(frameByteCount) <= mask + 1
        else { return current = .damaged }
        let frame = unsafe ring + Int(offset)
        guard unsafe frame.load(fromByteOffset: 4, as: UInt32.self) == RingFrame.checksum(frame, payload: byteCount) else {
            return current = .damaged
        }
        let first = unsafe frame.load(fromByteOffset: 8, as: UInt64.self)
        let payload = unsafe UnsafeRawBufferPointer(start: frame + RingFrame.headerByteCount, count: byteCount)
        let last = isVoid ? unsafe payload.load(as: UInt64.self) : first
        guard last >= first else { return current = .damaged }
        unsafe current = .entry(
            RingEntry(first: first, last: last, isVoid: isVoid, payload: payload, end: position + UInt64(frameByteCount)))
    }
}
