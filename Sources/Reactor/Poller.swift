import CLinux
import Glibc
import Platform

/// What epoll says about one descriptor.
struct ReadyEvent {
    let token: UInt64
    let ready: UInt32

    var isReadable: Bool { ready & (Interest.read | ASSAY_EPOLL_HANG_UP | ASSAY_EPOLL_ERROR) != 0 }
    var isWritable: Bool { ready & Interest.write != 0 }
    /// The peer has sent its last byte; what came before it can still be read.
    var isPeerFinished: Bool { ready & (ASSAY_EPOLL_PEER_FINISHED | ASSAY_EPOLL_HANG_UP) != 0 }
    /// Neither direction works any more.
    var isBroken: Bool { ready & (ASSAY_EPOLL_HANG_UP | ASSAY_EPOLL_ERROR) != 0 }
}

/// The masks that the loop asks epoll for.
///
/// Connections are edge-triggered: in the steady state one event means one read and no further call, and epoll does not have
/// to poll the socket again at the next wait. Where an edge may pass unseen (a full read, a pause), the loop reads again by
/// itself until the socket is dry.
enum Interest {
    static let read = ASSAY_EPOLL_IN | ASSAY_EPOLL_PEER_FINISHED
    static let write = ASSAY_EPOLL_OUT
    static let edge = ASSAY_EPOLL_EDGE
    /// Level-triggered, so that connections left in the backlog come again; exclusive, so that one of the loops wakes up.
    static let accept = ASSAY_EPOLL_IN | ASSAY_EPOLL_EXCLUSIVE
    static let steady = read | edge
}

/// One epoll instance and the place where it puts its events.
@safe struct Poller: ~Copyable {
    private let descriptor: FileDescriptor
    // Safety: owned by this poller, `Limits.eventCountMax` elements, freed by deinit; epoll fills the first `wait()` of them.
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(ReactorError) {
        let raw = assay_epoll_create()
        guard raw >= 0 else { throw .negative(-errno, "epoll_create1") }
        descriptor = FileDescriptor(owning: raw)
        unsafe events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Limits.eventCountMax)
        unsafe events.initialize(repeating: epoll_event(), count: Limits.eventCountMax)
    }

    deinit {
        unsafe events.deallocate()
    }

    /// Waits up to `milliseconds`; returns how many events `event(at:)` has.
    func wait(milliseconds: Int32) -> Int {
        let count = unsafe assay_epoll_wait(descriptor.rawValue, events, Int32(Limits.eventCountMax), milliseconds)
        // Only a wrong descriptor or pointer makes the wait fail, and those are ours.
        precondition(count >= 0, "epoll_wait failed with \(-count)")
        return Int(count)
    }

    func event(at index: Int) -> ReadyEvent {
        precondition(index >= 0 && index < Limits.eventCountMax)
        return unsafe ReadyEvent(token: assay_epoll_token(events + index), ready: assay_epoll_ready(events + index))
    }

    /// False: the kernel has no memory or no watch left for it.
    func add(_ file: Int32, _ interest: UInt32, token: UInt64) -> Bool {
        assay_epoll_control(descriptor.rawValue, EPOLL_CTL_ADD, file, interest, token) == 0
    }

    func modify(_ file: Int32, _ interest: UInt32, token: UInt64) {
        let code = assay_epoll_control(descriptor.rawValue, EPOLL_CTL_MOD, file, interest, token)
        precondition(code == 0, "epoll_ctl failed with \(-code)")
    }

    func remove(_ file: Int32) {
        _ = assay_epoll_control(descriptor.rawValue, EPOLL_CTL_DEL, file, 0, 0)
    }
}
