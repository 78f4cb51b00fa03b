import Glibc
import Synchronization

/// Lets threads start at one moment.
final class StartBarrier: Sendable {
    private let missing: Atomic<Int>
    init(_ count: Int) { missing = Atomic(count) }

    func arriveAndWait() {
        missing.subtract(1, ordering: .acquiringAndReleasing)
        while missing.load(ordering: .acquiring) > 0 { sched_yield() }
    }
}

/// Values that several threads add.
final class Collected<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])
    func append(_ element: Element) { elements.withLock { $0.append(element) } }
    var all: [Element] { elements.withLock { $0 } }
}
