import Glibc
import Platform
import Synchronization

/// Hands the current snapshot to the readers by one atomic pointer, and frees an old one when no reader can still be looking at it.
///
/// Each reader has a counter that is odd while it is inside. A publish stores the new pointer, then looks at every counter: an even one
/// belongs to a reader that will find the new pointer when it next enters; an odd one may belong to a reader that still has the old
/// snapshot, so the publisher waits until that counter changes. Readers never wait, publishers wait for microseconds.
///
/// Why no reader is missed. Of the four accesses
///
///     reader:     A  counter := odd        B  load pointer
///     publisher:  C  pointer := new        D  load counter
///
/// all are sequentially consistent, so they have one order that everybody sees. Were the counter found even in D although the reader then
/// uses the old pointer, D came before A and B before C, with A before B and C before D: a circle, which an order does not have.
/// (On x86-64, A is an `xchg`, which is the store-load fence that this needs; B and D are plain loads.)
///
/// Why nothing is freed too early. A reader's last use of the snapshot comes before its releasing store in `leave`; the publisher's load of
/// the changed counter acquires from that store (or from a later one of the same reader, which is in the same release sequence of program
/// order), and the release of memory comes after it. What the reader reads through the pointer was written before the publisher's store C,
/// which B acquires.
public final class SnapshotPublisher: Sendable {
    public let readerCount: Int
    private let retirementWaitNanoseconds: UInt64
    private let words: SharedWords
    /// For everybody who is not on the hot path.
    private let latest: Mutex<RegistrySnapshot>
    private let retired = Mutex<[Retired]>([])

    /// - Parameters:
    ///   - readerCount: how many threads read, one `reader` each.
    ///   - retirementWaitNanoseconds: how long a publish waits for readers before it leaves an old snapshot to a later call.
    public init(
        readerCount: Int, initial: RegistrySnapshot = .empty,
        retirementWaitNanoseconds: UInt64 = RegistryLimits.retirementWaitNanoseconds
    ) {
        precondition((0...4096).contains(readerCount), "\(readerCount) readers")
        self.readerCount = readerCount
        self.retirementWaitNanoseconds = retirementWaitNanoseconds
        words = SharedWords(count: 1 + readerCount)
        latest = Mutex(initial)
        words[0].store(Self.address(of: initial), ordering: .sequentiallyConsistent)
    }

    /// The current snapshot, held as long as the caller likes. Takes a lock: not for the hot path.
    public var current: RegistrySnapshot { latest.withLock { $0 } }

    /// The end of reader `index` (0 ..< readerCount), for one thread at a time.
    public func reader(_ index: Int) -> SnapshotReader {
        precondition((0..<readerCount).contains(index), "reader \(index) of \(readerCount)")
        return SnapshotReader(words: words, index: 1 + index)
    }

    /// Makes `snapshot` the current one and frees those before it once their readers have left. Readers that enter after the return find it.
    ///
    /// A reader that stays inside for longer than the publisher waits (a second) does not hold up the return; its snapshot is then freed by a
    /// later publish or `reclaim`. With too many snapshots waiting like that, it is the publisher that waits.
    public func publish(_ snapshot: RegistrySnapshot) {
        retired.withLock { retired in
            while retired.count >= RegistryLimits.retiredSnapshotCountMax {
                usleep(1000)
                dropPassed(&retired)
            }
            // Readers get the address only; the old snapshot stays alive in `retired`, the new one in `latest`.
            let old = latest.withLock { latest in
                let old = latest
                latest = snapshot
                return old
            }
            words[0].store(Self.address(of: snapshot), ordering: .sequentiallyConsistent)
            retired.append(Retired(snapshot: old, waiting: readersInside()))
            waitForReaders(&retired)
        }
    }

    /// Frees what readers have left since the last publish; returns how many old snapshots still wait.
    @discardableResult
    public func reclaim() -> Int {
        retired.withLock { retired in
            dropPassed(&retired)
            return retired.count
        }
    }

    /// An old snapshot and the readers that may still look at it, with the value that their counters had.
    private struct Retired {
        let snapshot: RegistrySnapshot
        var waiting: [(index: Int, counter: UInt)]
    }

    private func readersInside() -> [(index: Int, counter: UInt)] {
        (1..<(1 + readerCount)).compactMap { index in
            let counter = words[index].load(ordering: .sequentiallyConsistent)
            return counter % 2 == 1 ? (index, counter) : nil
        }
    }

    private func dropPassed(_ retired: inout [Retired]) {
        for position in retired.indices {
            // Acquires what `leave` released.
            retired[position].waiting.removeAll { words[$0.index].load(ordering: .acquiring) != $0.counter }
        }
        retired.removeAll { $0.waiting.isEmpty }
    }

    private func waitForReaders(_ retired: inout [Retired]) {
        let deadline = Clock.monotonicNanoseconds() + retirementWaitNanoseconds
        var attempts = 0
        dropPassed(&retired)
        while !retired.isEmpty, Clock.monotonicNanoseconds() < deadline {
            attempts += 1
            // The reader may need this very processor to get out.
            if attempts < 100 { sched_yield() } else { usleep(100) }
            dropPassed(&retired)
        }
    }

    private static func address(of snapshot: RegistrySnapshot) -> UInt {
        unsafe UInt(bitPattern: Unmanaged.passUnretained(snapshot).toOpaque())
    }
}

/// One reader's end of a `SnapshotPublisher`; one thread uses it, and every `enter` is followed by a `leave` before the next.
///
/// Safety: both words lie in the memory of `owner`, which this value keeps alive.
@safe public struct SnapshotReader: @unchecked Sendable {
    private let owner: SharedWords
    @usableFromInline let pointer: UnsafeMutablePointer<Atomic<UInt>>
    @usableFromInline let counter: UnsafeMutablePointer<Atomic<UInt>>

    init(words: SharedWords, index: Int) {
        owner = words
        unsafe pointer = words.address(0)
        unsafe counter = words.address(index)
    }

    /// The current snapshot, alive until `leave`. Wait-free: one atomic exchange and one load.
    @inlinable @inline(__always)
    public func enter() -> Unmanaged<RegistrySnapshot> {
        // Only this thread writes the counter, so it knows the value.
        let inside = unsafe counter.pointee.load(ordering: .relaxed) &+ 1
        assert(inside % 2 == 1, "a reader enters twice")
        // Says "inside" before the pointer is loaded, for everybody: see SnapshotPublisher.
        _ = unsafe counter.pointee.exchange(inside, ordering: .sequentiallyConsistent)
        let address = unsafe pointer.pointee.load(ordering: .sequentiallyConsistent)
        // Safety: the publisher put the address of a live snapshot there, and sees our odd counter before it frees that one.
        return unsafe Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: address)!)
    }

    /// Gives the snapshot up: nothing got through it may be used from here.
    @inlinable @inline(__always)
    public func leave() {
        // Releases this thread's reads of the snapshot to the publisher that is about to free it.
        let outside = unsafe counter.pointee.load(ordering: .relaxed) &+ 1
        assert(outside % 2 == 0, "a reader leaves twice")
        unsafe counter.pointee.store(outside, ordering: .releasing)
    }
}
