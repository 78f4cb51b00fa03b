import Glibc
import Platform

/// What the journal asks of a disk; names are relative to the journal's directory. The one on a real disk is `DiskStorage`; tests have a
/// simulated one (Tests/AuditTests/Simulation) that forgets, reorders and fails as disks do.
///
/// These are the steps that a power cut can come between, so whatever is made of several of them (`replace`, `move`) is made here in
/// an extension, once for all storages: the simulation then sees the real order of steps.
protocol JournalStorage: Sendable {
    /// Opens a file for reading and writing; `create`: makes it, or empties the one that is there.
    func open(_ name: String, create: Bool) throws(SystemError) -> any JournalFile
    /// Opens a file for reading.
    func openForReading(_ name: String) throws(SystemError) -> any JournalFile
    /// Names in the directory (empty: the journal's own), sorted.
    func list(_ subdirectory: String) throws(SystemError) -> [String]
    func exists(_ name: String) -> Bool
    func createDirectory(_ name: String) throws(SystemError)
    func rename(_ from: String, _ to: String) throws(SystemError)
    func remove(_ name: String) throws(SystemError)
    /// Makes creations, renames and removals in a directory (empty: the journal's own) durable.
    func synchronizeDirectory(_ subdirectory: String) throws(SystemError)

    /// Wall clock, Unix nanoseconds: the time of blocks and the names of what is moved aside.
    func wallNanoseconds() -> Int64
    /// What a new journal is called.
    func newIdentity() -> JournalIdentity
    /// Under what the transaction ids of an index are hashed.
    func newHash() -> TransactionHash
}

extension JournalStorage {
    func wallNanoseconds() -> Int64 { Clock.wallNanoseconds() }

    func newIdentity() -> JournalIdentity { .random() }

    func newHash() -> TransactionHash { .random() }

    func synchronizeDirectory() throws(SystemError) { try synchronizeDirectory("") }

    func read(_ name: String) throws(SystemError) -> [UInt8] {
        let file = try openForReading(name)
        return try file.bytes(at: 0, count: file.byteCount())
    }

    /// Replaces a file as a whole and durably: whatever happens meanwhile, it is the old one or the new one.
    func replace(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
        let directory = try prepareDirectory(of: name)
        // One server writes a journal, so one name will do; what a crash leaves is overwritten by the next.
        let temporary = "\(name).tmp"
        let file = try open(temporary, create: true)
        try file.write(at: 0, bytes)
        try file.synchronize()
        try rename(temporary, name)
        try synchronizeDirectory(directory)
    }

    /// Moves a file durably; where it goes to is durable first.
    func move(_ from: String, _ to: String) throws(SystemError) {
        let directory = try prepareDirectory(of: to)
        try rename(from, to)
        try synchronizeDirectory(directory)
        try synchronizeDirectory(Self.directory(of: from))
    }

    /// Makes the directory that `name` is in, durably: a synced file is lost when the way to it isn't synced.
    private func prepareDirectory(of name: String) throws(SystemError) -> String {
        let directory = Self.directory(of: name)
        if !directory.isEmpty {
            try createDirectory(directory)
            try synchronizeDirectory()
        }
        return directory
    }

    private static func directory(of name: String) -> String {
        name.lastIndex(of: "/").map { String(name[..<$0]) } ?? ""
    }
}

/// One open file of a `JournalStorage`.
protocol JournalFile: Sendable {
    func byteCount() throws(SystemError) -> Int
    /// Fills as much of `buffer` as the file has from `offset` on; returns how much.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int
    /// Writes all bytes at `offset`, or throws with some of them written.
    func write(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(SystemError)
    func truncate(to byteCount: Int) throws(SystemError)
    /// Makes data and length durable.
    func synchronize() throws(SystemError)
}

extension JournalFile {
    /// Up to `count` bytes from `offset` on; fewer where the file ends.
    func bytes(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try readInto(&bytes, at: offset)
        bytes.removeLast(count - got)
        return bytes
    }

    /// Writes all of `bytes` at `offset`, or throws with some of them written.
    func write(at offset: Int, _ bytes: [UInt8]) throws(SystemError) {
        var failure: SystemError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(SystemError) { try unsafe write(at: offset, buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Fills `bytes` from `offset` on; returns how many there were.
    func readInto(_ bytes: inout [UInt8], at offset: Int) throws(SystemError) -> Int {
        var result: Result<Int, SystemError> = .success(0)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            do throws(SystemError) { result = .success(try unsafe read(at: offset, into: buffer)) } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }
}

/// The journal's directory on a disk.
struct DiskStorage: JournalStorage {
    let directory: String

    func open(_ name: String, create: Bool) throws(SystemError) -> any JournalFile {
        try DiskFile(path(name), create ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR)
    }

    func openForReading(_ name: String) throws(SystemError) -> any JournalFile { try DiskFile(path(name), O_RDONLY) }

    func list(_ subdirectory: String) throws(SystemError) -> [String] { try File.list(path(subdirectory)) }

    func exists(_ name: String) -> Bool { File.exists(path(name)) }

    func createDirectory(_ name: String) throws(SystemError) { try File.createDirectory(path(name)) }

    func rename(_ from: String, _ to: String) throws(SystemError) { try File.rename(path(from), path(to)) }

    func remove(_ name: String) throws(SystemError) { try File.remove(path(name)) }

    func synchronizeDirectory(_ subdirectory: String) throws(SystemError) {
        try File.synchronizeDirectory(subdirectory.isEmpty ? directory : path(subdirectory))
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }
}

/// An open file on a disk.
final class DiskFile: JournalFile {
    private let descriptor: FileDescriptor
    private let path: String

    init(_ path: String, _ flags: Int32) throws(SystemError) {
        self.path = path
        // What customers did is in there: not for everybody on the machine.
        descriptor = try File.open(path, flags, mode: 0o640)
    }

    func byteCount() throws(SystemError) -> Int {
        var information = stat()
        guard unsafe fstat(descriptor.rawValue, &information) == 0 else { throw failure("fstat") }
        return Int(information.st_size)
    }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        var filled = 0
        while filled < buffer.count {
            // Safety: filled < count keeps the rest inside the buffer.
            let got = unsafe pread(
                descriptor.rawValue, buffer.baseAddress! + filled, buffer.count - filled, off_t(offset + filled))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("pread") }
            if got == 0 { break }
            filled += got
        }
        return filled
    }

    func write(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            // Safety: written < count keeps the rest inside the buffer.
            let count = unsafe pwrite(
                descriptor.rawValue, bytes.baseAddress! + written, bytes.count - written, off_t(offset + written))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("pwrite") }
            written += count
        }
    }

    func truncate(to byteCount: Int) throws(SystemError) {
        guard ftruncate(descriptor.rawValue, off_t(byteCount)) == 0 else { throw failure("ftruncate") }
    }

    func synchronize() throws(SystemError) {
        guard fdatasync(descriptor.rawValue) == 0 else { throw failure("fdatasync") }
    }

    private func failure(_ operation: String) -> SystemError { SystemError(operation: operation, path: path, code: errno) }
}
