import Glibc
import Platform

@testable import Audit

/// Decides when a sync of the journal ends, and how. Open at first.
final class SyncGate: @unchecked Sendable {
    enum State { case open, closed, failing }

    // Safety: everything below is touched under the mutex; both live as long as this object.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state = State.open
    private var waiting = 0
    private var ended = 0
    private var full = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    func set(_ new: State) {
        locked {
            state = new
            pthread_cond_broadcast(changed)
        }
    }

    /// Writes find no room.
    var isFull: Bool {
        get { locked { full } }
        set { locked { full = newValue } }
    }

    /// Syncs that wait at the gate now, and those that have passed it.
    var waitingCount: Int { locked { waiting } }
    var passedCount: Int { locked { ended } }

    /// What a sync does in place of the disk's: waits while the gate is closed.
    func pass() throws(SystemError) {
        let isOpen = locked {
            waiting += 1
            while state == .closed { pthread_cond_wait(changed, mutex) }
            waiting -= 1
            ended += 1
            return state == .open
        }
        if !isOpen { throw SystemError(operation: "fdatasync", code: EIO) }
    }
}

/// The journal's directory on a disk whose syncs a test lets through.
struct GatedDisk: JournalStorage {
    let disk: DiskStorage
    let gate: SyncGate

    func open(_ name: String, create: Bool) throws(SystemError) -> any JournalFile {
        let file = try disk.open(name, create: create)
        return name.hasSuffix(".journal") ? GatedFile(file: file, gate: gate) : file
    }

    func openForReading(_ name: String) throws(SystemError) -> any JournalFile { try disk.openForReading(name) }
    func list(_ subdirectory: String) throws(SystemError) -> [String] { try disk.list(subdirectory) }
    func exists(_ name: String) -> Bool { disk.exists(name) }
    func createDirectory(_ name: String) throws(SystemError) { try disk.createDirectory(name) }
    func rename(_ from: String, _ to: String) throws(SystemError) { try disk.rename(from, to) }
    func remove(_ name: String) throws(SystemError) { try disk.remove(name) }
    func synchronizeDirectory(_ subdirectory: String) throws(SystemError) { try disk.synchronizeDirectory(subdirectory) }
}

struct GatedFile: JournalFile {
    let file: any JournalFile
    let gate: SyncGate

    func byteCount() throws(SystemError) -> Int { try file.byteCount() }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try file.read(at: offset, into: buffer)
    }

    func write(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        if gate.isFull { throw SystemError(operation: "pwrite", code: ENOSPC) }
        try file.write(at: offset, bytes)
    }

    func truncate(to byteCount: Int) throws(SystemError) { try file.truncate(to: byteCount) }

    func synchronize() throws(SystemError) { try gate.pass() }
}

/// Waits for another thread's work, up to a minute.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<60_000 {
        if try condition() { return true }
        usleep(1000)
    }
    return false
}
