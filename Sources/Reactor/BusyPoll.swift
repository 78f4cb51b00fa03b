/// Decides whether a loop that has nothing to do polls for a short time before it sleeps: only while that pays.
///
/// A spin pays when an event comes before its end: the event is served without the time that waking a thread takes. The share of
/// the recent spins that paid decides, an exponentially weighted one. Below a half the loop sleeps at once, and tries again
/// now and then; as soon as one of those tries pays, the next wait is a try, too.
struct BusyPoll: Equatable {
    /// How long a spin may take; 0: there are none.
    let spinNanoseconds: UInt64
    /// Share of the recent spins that paid, in 1/65,536. A new loop is taken for one that nobody calls.
    private var paidShare = 0
    /// Waits that go to sleep at once before the next try.
    private var waitsToNextTry = 0

    init(microseconds: UInt64) {
        spinNanoseconds = microseconds &* 1_000
    }

    /// Whether this wait begins with a spin, whose end goes to `ended`; `followsEvents`: the turn before it had something to do, without
    /// which nobody is there who could call again soon.
    mutating func begins(followsEvents: Bool) -> Bool {
        guard spinNanoseconds > 0, followsEvents else { return false }
        if paidShare >= Self.half || waitsToNextTry == 0 { return true }
        waitsToNextTry -= 1
        return false
    }

    /// A spin has ended, with an event (`hasPaid`) or because its time was over.
    mutating func ended(hasPaid: Bool) {
        paidShare += ((hasPaid ? Self.one : 0) - paidShare) >> Self.weightShift
        waitsToNextTry = hasPaid ? 0 : Limits.sleepCountPerTry
    }

    private static let one = 1 << 16
    private static let half = one / 2
    /// A spin counts for 1/8: six that pay begin a phase of spinning, and from one in which every spin paid five or six that do not end it.
    private static let weightShift = 3
}
