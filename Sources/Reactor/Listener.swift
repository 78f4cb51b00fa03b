import CLinux
import Glibc
import Platform
import Synchronization

/// A listening socket, shared by the loops that `EventLoop.listen` puts on it.
///
/// The loops wait for it with EPOLLEXCLUSIVE, so that a connect wakes one of them. The kernel prefers the same idle loop every
/// time; the one that accepts therefore hands the connection to the loop that has the fewest, and an even spread does not
/// depend on who woke up.
public final class Listener: Sendable {
    let descriptor: Int32
    /// The port of a TCP socket (the one the kernel chose where 0 was asked for); nil for a Unix socket.
    public let port: Int?
    private let unixFile: UnixSocketFile?
    private let members = Mutex<[Mailbox]>([])

    init(descriptor: Int32, port: Int?, unixFile: UnixSocketFile?) {
        self.descriptor = descriptor
        self.port = port
        self.unixFile = unixFile
    }

    deinit {
        unixFile?.remove()
        Glibc.close(descriptor)
    }

    /// Refuses connects from now on, also to loops that go on; the socket itself lives as long as the listener. A Unix
    /// socket's file is removed.
    public func stopListening() {
        unixFile?.remove()
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Another descriptor of the same socket, owned by the caller, for a loop of another module; -1: none is left.
    package func duplicateDescriptor() -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }

    func join(_ mailbox: Mailbox) {
        members.withLock { members in
            if !members.contains(where: { $0 === mailbox }) { members.append(mailbox) }
        }
    }

    func leave(_ mailbox: Mailbox) {
        members.withLock { $0.removeAll { $0 === mailbox } }
    }

    /// The member with the fewest connections, `own` among equals; nil when all are full.
    func leastLoaded(preferring own: Mailbox) -> Mailbox? {
        members.withLock { members in
            var best = own
            var bestCount = own.connectionCount.load(ordering: .relaxed)
            for member in members where member !== own {
                let count = member.connectionCount.load(ordering: .relaxed)
                if count < bestCount { (best, bestCount) = (member, count) }
            }
            return bestCount < best.connectionCountMax ? best : nil
        }
    }
}
