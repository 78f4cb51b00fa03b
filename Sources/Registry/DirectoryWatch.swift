import Glibc
import Platform

/// Notices that something happened in directories (inotify). What happened is found out by reading them, so events are only counted and an
/// overflow of the kernel's queue loses nothing.
struct DirectoryWatch: ~Copyable {
    private let descriptor: FileDescriptor
    /// Watch by directory, of this scan and of the one before.
    private var watches: [String: Int32] = [:]
    private var previous: [String: Int32] = [:]

    init() throws(RegistryError) {
        let raw = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard raw >= 0 else { throw .system(SystemError(operation: "inotify_init1", code: errno)) }
        descriptor = FileDescriptor(owning: raw)
    }

    /// For poll; valid as long as this value.
    var fileDescriptor: Int32 { descriptor.rawValue }

    mutating func beginScan() {
        previous = watches
        watches = [:]
    }

    /// Watches a directory for entries that come, go or were written. What can't be watched is left to the slow poll.
    mutating func watch(_ path: String) {
        guard watches.count < RegistryLimits.watchCountMax else { return }
        let mask =
            UInt32(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) | UInt32(bitPattern: Int32(IN_ONLYDIR))
        // For a directory that is watched already this returns its watch.
        let watch = unsafe inotify_add_watch(descriptor.rawValue, path, mask)
        if watch >= 0 { watches[path] = watch }
    }

    /// Gives up the watches that the scan did not ask for again.
    mutating func endScan() {
        let kept = Set(watches.values)
        for watch in previous.values where !kept.contains(watch) { inotify_rm_watch(descriptor.rawValue, watch) }
        previous = [:]
    }

    /// Takes the events that are there off the descriptor; false when there were none.
    static func drain(_ fileDescriptor: Int32) -> Bool {
        var found = false
        var buffer = [UInt8](repeating: 0, count: 16384)
        // Bounded, lest somebody who writes all the time keeps us here; what stays is seen by the next poll.
        for _ in 0..<64 {
            guard unsafe read(fileDescriptor, &buffer, buffer.count) > 0 else { break }
            found = true
        }
        return found
    }
}
