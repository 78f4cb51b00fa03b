import CLinux
import Glibc
import Synchronization

/// A thread of the operating system with a name and, where wanted, a processor of its own.
public final class WorkerThread: @unchecked Sendable {
    private var handle = pthread_t()
    private let joined = Mutex(false)

    /// Starts at once. `processor`: index to bind to (a processor that does not exist is ignored). `niceness`: 0-19, how far it yields to other
    /// threads.
    public init(name: String, processor: Int? = nil, niceness: Int32 = 0, _ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(Start(name: name, processor: processor, niceness: niceness, body: body))
        let code = unsafe pthread_create(
            &handle, nil,
            { argument in
                // Safety: the creator passed one retained Start, which this thread alone takes over.
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                unsafe assay_name_thread(start.name)
                if let processor = start.processor { _ = assay_pin_thread(Int32(clamping: processor)) }
                if start.niceness > 0 { assay_nice_thread(start.niceness) }
                start.body()
                return nil
            }, start.toOpaque())
        precondition(code == 0, "pthread_create failed with \(code)")
    }

    /// Lets another thread have the processor that the calling one is on, where one waits for it.
    public static func giveWay() { sched_yield() }

    /// Waits for the thread's end; further calls return at once.
    public func join() {
        joined.withLock { done in
            if !done { pthread_join(handle, nil) }
            done = true
        }
    }

    private final class Start {
        let name: String
        let processor: Int?
        let niceness: Int32
        let body: @Sendable () -> Void

        init(name: String, processor: Int?, niceness: Int32, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.processor = processor
            self.niceness = niceness
            self.body = body
        }
    }
}
