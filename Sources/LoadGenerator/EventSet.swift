import CLinux
import Glibc
import Platform

/// The sockets of one loop, watched through epoll (level-triggered).
@safe struct EventSet: ~Copyable {
    private let descriptor: FileDescriptor
    // Safety: allocated here and freed in deinit, `eventsPerTurn` entries; wait fills `count` of them.
    private let events: UnsafeMutablePointer<epoll_event>
    private var count = 0

    init() throws(SystemError) {
        let raw = assay_epoll_create()
        guard raw >= 0 else { throw SystemError(operation: "epoll_create", code: errno) }
        descriptor = FileDescriptor(owning: raw)
        unsafe events = .allocate(capacity: LoadLimits.eventsPerTurn)
    }

    deinit {
        unsafe events.deallocate()
    }

    /// Watches `socket` for bytes to read, and for room to write when `alsoWritable`. A closed socket leaves by itself.
    func watch(_ socket: Int32, token: Int, alsoWritable: Bool, isNew: Bool) throws(SystemError) {
        let interest = ASSAY_EPOLL_IN | (alsoWritable ? ASSAY_EPOLL_OUT : 0)
        let operation = isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
        let code = assay_epoll_control(descriptor.rawValue, operation, socket, interest, UInt64(token))
        guard code == 0 else { throw SystemError(operation: "epoll_ctl", code: -code) }
    }

    /// Waits at most `nanoseconds`; returns how many events came.
    mutating func wait(nanoseconds: UInt64) -> Int {
        let got = unsafe assay_epoll_wait_nanoseconds(
            descriptor.rawValue, events, Int32(LoadLimits.eventsPerTurn), Int64(min(nanoseconds, 1_000_000_000)))
        count = max(0, Int(got))
        return count
    }

    /// An event of the last wait.
    subscript(index: Int) -> (token: Int, isReadable: Bool, isWritable: Bool) {
        precondition(index < count)
        // Safety: the kernel filled entries below `count`.
        let ready = unsafe assay_epoll_ready(events + index)
        let token = unsafe Int(assay_epoll_token(events + index))
        let ended = ASSAY_EPOLL_ERROR | ASSAY_EPOLL_HANG_UP
        return (token, ready & (ASSAY_EPOLL_IN | ended) != 0, ready & (ASSAY_EPOLL_OUT | ended) != 0)
    }
}
