import Session

/// The sessions of one loop by connection slot; takes memory for as many slots as were ever in use.
@safe
struct SessionTable: ~Copyable {
    // Safety: `count` slots, each initialised exactly when `isUsed` says so; freed by deinit.
    private var slots: UnsafeMutablePointer<Session>
    private var isUsed: [Bool]

    init() {
        unsafe slots = .allocate(capacity: 64)
        isUsed = Array(repeating: false, count: 64)
    }

    deinit {
        for slot in isUsed.indices where isUsed[slot] { unsafe (slots + slot).deinitialize(count: 1) }
        unsafe slots.deallocate()
    }

    mutating func insert(_ session: consuming Session, at slot: Int) {
        if slot >= isUsed.count { grow(to: max(slot + 1, 2 * isUsed.count)) }
        precondition(!isUsed[slot], "slot \(slot) is taken")
        unsafe (slots + slot).initialize(to: session)
        isUsed[slot] = true
    }

    mutating func remove(at slot: Int) {
        precondition(isUsed[slot], "slot \(slot) is free")
        unsafe (slots + slot).deinitialize(count: 1)
        isUsed[slot] = false
    }

    @inline(__always)
    mutating func with<Result>(_ slot: Int, _ body: (inout Session) -> Result) -> Result {
        precondition(isUsed[slot], "slot \(slot) is free")
        return unsafe body(&slots[slot])
    }

    private mutating func grow(to count: Int) {
        let larger = UnsafeMutablePointer<Session>.allocate(capacity: count)
        for slot in isUsed.indices where isUsed[slot] {
            unsafe (larger + slot).moveInitialize(from: slots + slot, count: 1)
        }
        unsafe slots.deallocate()
        unsafe slots = unsafe larger
        isUsed += Array(repeating: false, count: count - isUsed.count)
    }
}
