import CLinux
import Glibc
import Platform

extension Listener {
    /// Listens on a Unix socket with the mode 0660.
    ///
    /// The socket file of a dead server is replaced, that of a living one refused. The new file appears by a rename, with its
    /// mode set and already listening, so that no client meets a half-made one. Two servers that start at the same moment on
    /// one path are not told apart: the later one gets it.
    public static func unix(path: String, backlog: Int = 4_096) throws(ReactorError) -> Listener {
        let temporary = "\(path).\(getpid())"
        guard temporary.utf8.count <= assay_unix_path_max() else {
            throw .unixPathTooLong(byteCount: temporary.utf8.count, limit: assay_unix_path_max())
        }
        try refuseOccupied(path)
        unsafe _ = unlink(temporary)
        let descriptor = unsafe assay_listen_unix(temporary, Int32(clamping: backlog))
        guard descriptor >= 0 else { throw .negative(descriptor, "bind", path: path) }
        guard unsafe rename(temporary, path) == 0 else {
            let code = errno
            close(descriptor)
            unsafe _ = unlink(temporary)
            throw .negative(-code, "rename", path: path)
        }
        return Listener(descriptor: descriptor, port: nil, unixFile: UnixSocketFile(path: path))
    }

    /// Throws unless the path is free or holds the socket of a dead server.
    private static func refuseOccupied(_ path: String) throws(ReactorError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .unixPathOccupied }
        let probe = unsafe assay_connect_unix(path)
        if probe >= 0 { close(probe) }
        // A full backlog (EAGAIN) or a forbidden file are signs of life, too.
        guard probe == -ECONNREFUSED || probe == -ENOENT else { throw .unixSocketInUse }
    }
}

/// The file of a Unix socket that we listen on, removed only as long as it is still ours.
struct UnixSocketFile: Sendable {
    private let path: String
    private let device: UInt64
    private let inode: UInt64

    init(path: String) {
        self.path = path
        (device, inode) = Self.identity(path) ?? (0, 0)
    }

    func remove() {
        guard let (device, inode) = Self.identity(path), device == self.device, inode == self.inode else { return }
        unsafe _ = unlink(path)
    }

    private static func identity(_ path: String) -> (device: UInt64, inode: UInt64)? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
