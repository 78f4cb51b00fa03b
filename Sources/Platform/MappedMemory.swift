import CLinux
import Glibc

/// A mapping of memory that several threads may read, unmapped when its last owner goes.
@safe public final class MappedMemory: @unchecked Sendable {
    // Safety: `base` addresses `byteCount` bytes that stay mapped for the life of this object. Sealed copies are read-only for
    // everyone; whoever makes a shared mapping answers for the order of accesses to it.
    public let base: UnsafeMutableRawPointer
    public let byteCount: Int

    public var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: byteCount) }

    private init(descriptor: borrowing FileDescriptor, byteCount: Int, protection: Int32, flags: Int32, path: String?)
        throws(SystemError)
    {
        let address = unsafe mmap(nil, byteCount, protection, flags, descriptor.rawValue, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { throw .last("mmap", path: path) }
        unsafe base = address
        self.byteCount = byteCount
    }

    deinit {
        unsafe munmap(base, byteCount)
    }

    /// A private copy of a file of 1 to `byteCountMax` bytes that nobody can change or truncate any more, mapped read-only and prefaulted.
    /// (A mapped file that another process truncates raises SIGBUS at the next access.)
    public static func sealedCopy(ofFile path: String, byteCountMax: Int) throws(SystemError) -> MappedMemory {
        let source = try File.open(path, O_RDONLY)
        let expected = try File.byteCount(of: source, path: path)
        guard expected > 0 else { throw SystemError(operation: "map", path: path, code: ENODATA) }
        guard expected <= byteCountMax else { throw SystemError(operation: "map", path: path, code: EFBIG) }
        return try sealed(byteCount: expected, path: path) { destination throws(SystemError) in
            var remaining = expected
            while remaining > 0 {
                let sent = sendfile(destination, source.rawValue, nil, remaining)
                if sent < 0, errno == EINTR { continue }
                guard sent >= 0 else { throw SystemError.last("sendfile", path: path) }
                // The file shrank under us.
                guard sent > 0 else { throw SystemError(operation: "map", path: path, code: ENODATA) }
                remaining -= sent
            }
        }
    }

    /// The same for bytes at hand.
    public static func sealedCopy(of bytes: UnsafeRawBufferPointer) throws(SystemError) -> MappedMemory {
        guard unsafe !bytes.isEmpty else { throw SystemError(operation: "map", code: ENODATA) }
        return try sealed(byteCount: bytes.count, path: nil) { destination throws(SystemError) in
            var offset = 0
            while offset < bytes.count {
                // Safety: offset < count.
                let written = unsafe write(destination, bytes.baseAddress! + offset, bytes.count - offset)
                if written < 0, errno == EINTR { continue }
                guard written >= 0 else { throw SystemError.last("write") }
                offset += written
            }
        }
    }

    private static func sealed(
        byteCount: Int, path: String?, fill: (Int32) throws(SystemError) -> Void
    ) throws(SystemError) -> MappedMemory {
        let memory = unsafe assay_memfd_create("assay")
        guard memory >= 0 else { throw .last("memfd_create", path: path) }
        let descriptor = FileDescriptor(owning: memory)
        try fill(descriptor.rawValue)
        guard assay_memfd_seal(descriptor.rawValue) == 0 else { throw .last("seal", path: path) }
        return try MappedMemory(
            descriptor: descriptor, byteCount: byteCount, protection: PROT_READ, flags: MAP_SHARED | Int32(MAP_POPULATE),
            path: path)
    }

    /// Makes what was stored into a shared mapping of a file survive a power cut.
    public func synchronize() throws(SystemError) {
        guard unsafe msync(base, byteCount, MS_SYNC) == 0 else { throw .last("msync") }
    }

    /// A read-write mapping of a file that other processes may map, too; the file is created and brought to `byteCount` bytes (new bytes are 0).
    public static func shared(path: String, byteCount: Int, mode: UInt32 = 0o600) throws(SystemError) -> MappedMemory {
        let descriptor = try File.open(path, O_RDWR | O_CREAT, mode: mode)
        guard ftruncate(descriptor.rawValue, byteCount) == 0 else { throw .last("ftruncate", path: path) }
        // Room is taken now: a full tmpfs is an error here, not a SIGBUS later.
        let code = posix_fallocate(descriptor.rawValue, 0, byteCount)
        guard code == 0 else { throw SystemError(operation: "fallocate", path: path, code: code) }
        return try MappedMemory(
            descriptor: descriptor, byteCount: byteCount, protection: PROT_READ | PROT_WRITE,
            flags: MAP_SHARED | Int32(MAP_POPULATE), path: path)
    }
}
