import CLinux
import Glibc

/// Wakes a thread that sleeps in poll or epoll (an eventfd). Signals given before the sleep are not lost.
public final class EventSignal: Sendable {
    public let fileDescriptor: Int32

    public init() throws(SystemError) {
        fileDescriptor = assay_eventfd()
        guard fileDescriptor >= 0 else { throw .last("eventfd") }
    }

    deinit {
        close(fileDescriptor)
    }

    public func signal() {
        var one: UInt64 = 1
        unsafe _ = write(fileDescriptor, &one, 8)
    }

    /// Forgets the signals given so far.
    public func clear() {
        var count: UInt64 = 0
        unsafe _ = read(fileDescriptor, &count, 8)
    }

    /// Sleeps until a signal or for `milliseconds` (-1: for ever), and clears it.
    public func wait(milliseconds: Int32) {
        var entry = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
        if unsafe poll(&entry, 1, milliseconds) > 0 { clear() }
    }
}
