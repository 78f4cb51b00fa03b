import Glibc
import Platform

/// Exclusive right to change one bundle's directory, among all threads and processes of the machine (flock on NAME/.lock). The system gives
/// it up when the process dies, so a lock is never left behind; readers need none.
struct DirectoryLock: ~Copyable {
    private let descriptor: FileDescriptor

    /// Waits for the lock, at most `RegistryLimits.lockWaitMillisecondsMax`.
    static func take(_ path: String) throws(RegistryError) -> DirectoryLock {
        // Every open makes a lock owner of its own, so threads of one process exclude each other, too.
        let descriptor = try open(path)
        let deadline = Clock.monotonicNanoseconds() + UInt64(RegistryLimits.lockWaitMillisecondsMax) * 1_000_000
        while flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw .system(SystemError(operation: "flock", path: path, code: errno))
            }
            guard Clock.monotonicNanoseconds() < deadline else {
                throw .lockTimeout(path: path, milliseconds: RegistryLimits.lockWaitMillisecondsMax)
            }
            usleep(2000)
        }
        return DirectoryLock(descriptor: descriptor)
    }

    private static func open(_ path: String) throws(RegistryError) -> FileDescriptor {
        do { return try File.open(path, O_RDWR | O_CREAT) } catch { throw .system(error) }
    }

    private init(descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Gives the lock up.
    consuming func release() {}
}
