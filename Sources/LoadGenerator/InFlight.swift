/// The requests of one connection that wait for their reply.
///
/// A pure value with a fixed number of slots: a reply's id names its slot, the generation tells a late or repeated reply from the
/// awaited one.
struct InFlight {
    struct Request: Equatable {
        /// When it was meant to be sent: latency counts from here. In a closed loop the same as `sentNanoseconds`.
        var intendedNanoseconds: UInt64 = 0
        var sentNanoseconds: UInt64 = 0
        /// Which of the preencoded requests it is.
        var item = 0
        var generation: UInt32 = 0
        /// Which kind of request it is.
        var part: UInt16 = 0
        var isWaiting = false
    }

    private var requests: [Request]
    private var free: [Int32]

    init(depth: Int) {
        requests = [Request](repeating: Request(), count: depth)
        free = (0..<Int32(depth)).reversed()
    }

    var count: Int { requests.count - free.count }
    var isEmpty: Bool { free.count == requests.count }
    var isFull: Bool { free.isEmpty }

    /// Takes a slot; nil when all wait.
    mutating func begin(
        item: Int, part: UInt16 = 0, intendedNanoseconds: UInt64, sentNanoseconds: UInt64
    ) -> (slot: Int, generation: UInt32)? {
        guard let slot = free.popLast().map(Int.init) else { return nil }
        let generation = (requests[slot].generation &+ 1) & RequestID.generationMask
        requests[slot] = Request(
            intendedNanoseconds: intendedNanoseconds, sentNanoseconds: sentNanoseconds, item: item, generation: generation,
            part: part, isWaiting: true)
        return (slot, generation)
    }

    /// The request that a reply belongs to, whose slot is free again; nil when none waits for it.
    mutating func end(slot: Int, generation: UInt32) -> Request? {
        guard slot < requests.count, requests[slot].isWaiting, requests[slot].generation == generation else { return nil }
        requests[slot].isWaiting = false
        free.append(Int32(slot))
        return requests[slot]
    }

    /// How many wait since before `nanoseconds`.
    func count(sentBefore nanoseconds: UInt64) -> Int {
        if isEmpty { return 0 }
        var count = 0
        for request in requests where request.isWaiting && request.sentNanoseconds < nanoseconds { count += 1 }
        return count
    }

    /// Forgets all that wait (their connection is gone) and tells how many these were.
    mutating func abandon() -> Int {
        let lost = count
        for slot in requests.indices where requests[slot].isWaiting {
            requests[slot].isWaiting = false
            free.append(Int32(slot))
        }
        return lost
    }
}
