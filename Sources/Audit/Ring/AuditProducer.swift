import CLinux
import Platform

/// One worker's end of the audit trail. It is used by that worker's thread only, and neither allocates nor locks nor calls the system.
///
///     guard let first = producer.reserve(count: 1, byteCountMax: 400) else { refuse with AUDIT_UNAVAILABLE }
///     producer.append(sequence: first) { buffer in write the record, return its length }
///     producer.commit()                     // then let the reply leave
///
/// Several reservations may be made and filled before one commit. A number that was reserved and not appended is given up at the next
/// reserve or commit: the journal then says that it belongs to no decision. Copies of this value share one state.
@safe public struct AuditProducer {
    // Safety: allocated by the trail's ProducerStates, which `states` keeps alive; touched by the worker's thread only.
    private let state: UnsafeMutablePointer<ProducerState>
    private let states: ProducerStates

    init(states: ProducerStates, worker: Int) {
        self.states = states
        unsafe state = states.state(worker)
    }

    /// The largest `byteCountMax` that a reservation of `count` records may have at all; a larger one is refused however empty the ring is.
    public func byteCountMax(count: Int) -> Int {
        // A single record is the rule, and its division one by a constant.
        let ringByteCount = unsafe Int(state.pointee.mask) + 1
        let room = (count <= 1 ? ringByteCount / 2 : ringByteCount / (count + 1)) & ~7
        return min(AuditLimits.recordByteCountMax, max(0, room - RingFrame.headerByteCount))
    }

    /// Reserves `count` consecutive numbers with room for a record of at most `byteCountMax` bytes each.
    ///
    /// - Returns: the first number; nil when the ring has no room now or the trail has failed or is closed (no number is taken then).
    public func reserve(count: Int, byteCountMax: Int) -> UInt64? {
        precondition(count > 0 && byteCountMax >= 0, "reservation of \(count) records of \(byteCountMax) bytes")
        guard count <= AuditLimits.reservationCountMax, byteCountMax <= AuditLimits.recordByteCountMax else { return nil }
        unsafe state.pointee.voidRest()
        guard unsafe state.pointee.isOpen else { return nil }
        // Room first, number second: a number once taken must be accounted for. One frame more, for what a wrap leaves unused.
        // A number given up later needs the room of a void marker.
        let frame = max(RingFrame.byteCount(payload: byteCountMax), RingFrame.voidByteCount)
        let room = UInt64((count + 1) * frame)
        guard unsafe state.pointee.hasRoom(room) else { return nil }
        let first = unsafe state.pointee.sequenceWord.take(UInt64(count))
        unsafe state.pointee.next = first
        unsafe state.pointee.end = first + UInt64(count)
        unsafe state.pointee.payloadByteCountMax = byteCountMax
        return first
    }

    /// Writes the record of a reserved number: `write` fills the buffer (of the reserved size) from its start and returns how many bytes it
    /// took. 0: there is no decision, the number is given up. Numbers are appended in increasing order; those passed over are given up.
    public func append(sequence: UInt64, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        unsafe precondition(
            sequence >= state.pointee.next && sequence < state.pointee.end,
            "append of \(sequence) outside the reservation \(unsafe state.pointee.next)..<\(unsafe state.pointee.end)")
        if unsafe sequence > state.pointee.next { unsafe state.pointee.void(through: sequence - 1) }
        let byteCountMax = unsafe state.pointee.payloadByteCountMax
        let frame = unsafe state.pointee.frame(byteCount: RingFrame.byteCount(payload: byteCountMax))
        // Safety: `frame` has room for header and payload before the ring's end, checked at the reservation.
        let byteCount = unsafe write(UnsafeMutableRawBufferPointer(start: frame + RingFrame.headerByteCount, count: byteCountMax))
        precondition(byteCount >= 0 && byteCount <= byteCountMax, "record of \(byteCount) bytes in a room of \(byteCountMax)")
        if byteCount == 0 { return unsafe state.pointee.void(through: sequence) }
        unsafe state.pointee.seal(frame, length: UInt32(byteCount), sequence: sequence, payload: byteCount)
        unsafe state.pointee.next = sequence + 1
    }

    /// Publishes what was appended: from here a killed process loses none of it.
    public func commit() {
        unsafe state.pointee.voidRest()
        unsafe state.pointee.publish()
    }
}

/// What a worker knows about its ring. Positions count bytes since the ring was made.
@safe struct ProducerState {
    // Safety: the ring's memory and control words, kept mapped by the RingMemory that ProducerStates holds.
    private let ring: UnsafeMutableRawPointer
    private let tailWord: SharedWord
    private let headWord: SharedWord
    private let stateWord: SharedWord
    /// The next number, all workers'.
    let sequenceWord: SharedWord
    /// Ring bytes - 1.
    let mask: UInt64
    /// Where the next frame goes; frames before it and from `published` on aren't visible yet.
    private var tail: UInt64
    private var published: UInt64
    /// The journal's position as last seen; it only grows, so room computed with it is there.
    private var head: UInt64
    /// The reservation's numbers not yet appended: next ..< end.
    var next: UInt64 = 0
    var end: UInt64 = 0
    var payloadByteCountMax = 0

    init(_ memory: RingMemory, worker: Int) {
        unsafe ring = memory.ring(worker)
        tailWord = memory.tail(worker)
        headWord = memory.head(worker)
        stateWord = memory.state
        sequenceWord = memory.nextSequence
        mask = UInt64(memory.ringByteCount) - 1
        tail = tailWord.loadAcquiring()
        published = tail
        head = headWord.loadAcquiring()
    }

    @inline(__always)
    var isOpen: Bool { stateWord.loadRelaxed() == RingState.open.rawValue }

    @inline(__always)
    mutating func hasRoom(_ byteCount: UInt64) -> Bool {
        if mask + 1 - (tail - head) >= byteCount { return true }
        // Partner: the journal's releasing store after it has read the frames.
        head = headWord.loadAcquiring()
        return mask + 1 - (tail - head) >= byteCount
    }

    /// Where the next frame of at most `byteCount` bytes goes: here, or at the ring's start when too little is left before its end.
    @inline(__always)
    mutating func frame(byteCount: Int) -> UnsafeMutableRawPointer {
        let offset = tail & mask
        if offset + UInt64(byteCount) <= mask + 1 { return unsafe ring + Int(offset) }
        // Safety: positions are multiples of 8, so 8 bytes at least are left for the marker.
        unsafe (ring + Int(offset)).storeBytes(of: RingFrame.wrapMarker, as: UInt32.self)
        tail += mask + 1 - offset
        return unsafe ring
    }

    /// Completes the frame at `frame` (which is at `tail`) but for its checksum, and moves on.
    @inline(__always)
    mutating func seal(_ frame: UnsafeMutableRawPointer, length: UInt32, sequence: UInt64, payload: Int) {
        unsafe frame.storeBytes(of: length, as: UInt32.self)
        unsafe frame.storeBytes(of: sequence, toByteOffset: 8, as: UInt64.self)
        tail += UInt64(RingFrame.byteCount(payload: payload))
    }

    /// Gives up the numbers from `next` through `last`.
    mutating func void(through last: UInt64) {
        let frame = unsafe frame(byteCount: RingFrame.voidByteCount)
        unsafe frame.storeBytes(of: last, toByteOffset: RingFrame.headerByteCount, as: UInt64.self)
        unsafe seal(frame, length: RingFrame.voidMarker, sequence: next, payload: 8)
        next = last + 1
    }

    @inline(__always)
    mutating func voidRest() {
        if next < end { void(through: end - 1) }
    }

    @inline(__always)
    mutating func publish() {
        if published == tail { return }
        // Only now, when the bytes have long left the processor's store buffer: reading them at once, in other pieces than they were written
        // in, would wait for them.
        var lastByteCount = 0
        while published < tail {
            let offset = published & mask
            // Safety: the frames between `published` and `tail` were written by `seal`; their lengths are held against the tail again, since
            // they were read from shared memory.
            let frame = unsafe ring + Int(offset)
            let length = unsafe frame.load(as: UInt32.self)
            if length == RingFrame.wrapMarker {
                published += mask + 1 - offset
                continue
            }
            let payload = length == RingFrame.voidMarker ? RingFrame.voidByteCount - RingFrame.headerByteCount : Int(length)
            let end = UInt64(RingFrame.byteCount(payload: payload))
            precondition(
                end <= tail - published && end <= mask + 1 - offset, "the ring of this worker was written to by somebody else")
            let checksum = unsafe RingFrame.checksum(frame, payload: payload)
            unsafe frame.storeBytes(of: checksum, toByteOffset: 4, as: UInt32.self)
            published += end
            lastByteCount = Int(end)
        }
        // Partner: the journal's acquiring load of the tail.
        tailWord.storeReleasing(tail)
        // The ring is larger than the caches: the next record would wait for memory, line by line. Its lines come while the reply is sent.
        unsafe assay_prefetch_to_write(ring + Int(tail & mask), lastByteCount)
    }
}

/// The producers' states, each on cache lines of its own, alive as long as the trail or one of its producers.
@safe final class ProducerStates: @unchecked Sendable {
    private static let strideByteCount = 256
    // Safety: one allocation of workerCount strides, freed at deinit; each state is touched by its worker only.
    private let base: UnsafeMutableRawPointer
    private let memory: RingMemory

    init(_ memory: RingMemory) {
        self.memory = memory
        precondition(MemoryLayout<ProducerState>.size <= Self.strideByteCount)
        unsafe base = .allocate(byteCount: memory.workerCount * Self.strideByteCount, alignment: 128)
        for worker in 0..<memory.workerCount {
            unsafe state(worker).initialize(to: ProducerState(memory, worker: worker))
        }
    }

    deinit { unsafe base.deallocate() }

    func state(_ worker: Int) -> UnsafeMutablePointer<ProducerState> {
        precondition(worker >= 0 && worker < memory.workerCount, "worker \(worker) of \(memory.workerCount)")
        return unsafe (base + worker * Self.strideByteCount).assumingMemoryBound(to: ProducerState.self)
    }
}
