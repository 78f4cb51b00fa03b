import Glibc

/// Whole-file operations and the few directory operations that Assay needs, with errors that name the path.
public enum File {
    /// Opens `path` with the flags of open(2); `O_CLOEXEC` is added.
    public static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o644) throws(SystemError) -> FileDescriptor {
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .last("open", path: path) }
        return FileDescriptor(owning: descriptor)
    }

    /// Reads a whole file of at most `byteCountMax` bytes (longer: EFBIG).
    public static func read(_ path: String, byteCountMax: Int = 1 << 31) throws(SystemError) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY)
        let expected = try byteCount(of: descriptor, path: path)
        guard expected <= byteCountMax else { throw SystemError(operation: "read", path: path, code: EFBIG) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(expected)
        var failure: SystemError?
        // Files that grow meanwhile, or that have no size (/proc), are read to their end in pieces.
        while failure == nil, bytes.count <= byteCountMax {
            let piece = max(4096, expected - bytes.count + 1)
            let before = bytes.count
            var got = 0
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: piece) { buffer, count in
                repeat {
                    got = unsafe Glibc.read(descriptor.rawValue, buffer.baseAddress!, piece)
                } while got < 0 && errno == EINTR
                if got < 0 { failure = .last("read", path: path) }
                count = max(0, got)
            }
            bytes.append(contentsOf: chunk)
            if bytes.count == before { break }
        }
        if let failure { throw failure }
        guard bytes.count <= byteCountMax else { throw SystemError(operation: "read", path: path, code: EFBIG) }
        return bytes
    }

    /// Replaces `path` as a whole: readers see the old or the new bytes, and after the return the new ones survive a power cut.
    public static func writeAtomically(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws(SystemError) {
        let temporary = "\(path).\(getpid()).\(Clock.monotonicNanoseconds()).tmp"
        do throws(SystemError) {
            let descriptor = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            try write(descriptor, bytes)
            guard fsync(descriptor.rawValue) == 0 else { throw .last("fsync", path: temporary) }
            try rename(temporary, path)
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
        try synchronizeDirectory(directory(of: path))
    }

    /// Writes all of `bytes` at the descriptor's position.
    public static func write(_ descriptor: borrowing FileDescriptor, _ bytes: [UInt8]) throws(SystemError) {
        var failure: SystemError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(SystemError) { try unsafe write(descriptor, buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Writes all of `bytes` at the descriptor's position.
    public static func write(_ descriptor: borrowing FileDescriptor, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var offset = 0
        while offset < bytes.count {
            // Safety: offset < count, so the rebased range lies inside the caller's buffer.
            let written = unsafe Glibc.write(descriptor.rawValue, bytes.baseAddress! + offset, bytes.count - offset)
            if written < 0 {
                if errno == EINTR { continue }
                throw .last("write")
            }
            offset += written
        }
    }

    /// Creates `path` and what is missing above it; an existing directory is fine.
    public static func createDirectory(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        if isDirectory(path) { return }
        let parent = directory(of: path)
        if parent != path, !isDirectory(parent) { try createDirectory(parent, mode: mode) }
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else { throw .last("mkdir", path: path) }
        guard isDirectory(path) else { throw SystemError(operation: "mkdir", path: path, code: ENOTDIR) }
    }

    /// Names in a directory, sorted bytewise, without `.` and `..`.
    public static func list(_ path: String) throws(SystemError) -> [String] {
        guard let stream = unsafe opendir(path) else { throw .last("opendir", path: path) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            // Safety: d_name is a NUL-terminated array inside the entry, which lives until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .last("readdir", path: path) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    public static func exists(_ path: String) -> Bool {
        var information = stat()
        return unsafe stat(path, &information) == 0
    }

    public static func isDirectory(_ path: String) -> Bool {
        var information = stat()
        return unsafe stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    public static func byteCount(_ path: String) throws(SystemError) -> Int {
        var information = stat()
        guard unsafe stat(path, &information) == 0 else { throw .last("stat", path: path) }
        return Int(information.st_size)
    }

    /// The permission bits.
    public static func mode(_ path: String) throws(SystemError) -> UInt32 {
        var information = stat()
        guard unsafe stat(path, &information) == 0 else { throw .last("stat", path: path) }
        return information.st_mode & 0o7777
    }

    /// Makes a new file of these bytes, which survives a power cut; an existing one is an error (EEXIST).
    public static func create(_ bytes: [UInt8], at path: String, mode: UInt32 = 0o644) throws(SystemError) {
        let descriptor = try open(path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        try write(descriptor, bytes)
        guard fsync(descriptor.rawValue) == 0 else { throw .last("fsync", path: path) }
        try synchronizeDirectory(directory(of: path))
    }

    static func byteCount(of descriptor: borrowing FileDescriptor, path: String) throws(SystemError) -> Int {
        var information = stat()
        guard unsafe fstat(descriptor.rawValue, &information) == 0 else { throw .last("fstat", path: path) }
        guard information.st_mode & S_IFMT != S_IFDIR else { throw SystemError(operation: "read", path: path, code: EISDIR) }
        return Int(information.st_size)
    }

    public static func rename(_ from: String, _ to: String) throws(SystemError) {
        guard unsafe Glibc.rename(from, to) == 0 else { throw .last("rename", path: from) }
    }

    /// Removes a file or an empty directory.
    public static func remove(_ path: String) throws(SystemError) {
        guard unsafe Glibc.remove(path) == 0 else { throw .last("remove", path: path) }
    }

    /// Removes a file, or a directory with all below it; a missing one is fine. A symbolic link is removed, never followed.
    public static func removeTree(_ path: String) throws(SystemError) {
        var information = stat()
        guard unsafe lstat(path, &information) == 0 else {
            if errno == ENOENT { return }
            throw .last("stat", path: path)
        }
        if information.st_mode & S_IFMT == S_IFDIR {
            for name in try list(path) { try removeTree("\(path)/\(name)") }
        }
        try remove(path)
    }

    /// Makes renames and creations in a directory survive a power cut.
    public static func synchronizeDirectory(_ path: String) throws(SystemError) {
        let descriptor = try open(path, O_RDONLY | O_DIRECTORY)
        guard fsync(descriptor.rawValue) == 0 else { throw .last("fsync", path: path) }
    }

    /// The path without its last component; `.` for a bare name.
    public static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last component of a path.
    public static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
