import Glibc
import Platform

/// Names and small files of a journal's directory.
///
///     identity                          who the journal is: magic "ASJI", format version, 16 random bytes, CRC-32C
///     lock                              locked (OFD write lock) while a server has the journal open
///     clean                             there only after a clean close: next number, hash of the last block, CRC-32C
///     00000000000000000001.journal      a segment, named after its first number
///     proof                             signed checkpoints, and what was retired and repaired; only where there is something to say
///     quarantine/                       bytes that were cut off or can't be read; never deleted by Assay
enum JournalDirectory {
    static let identityName = "identity"
    static let lockName = "lock"
    static let cleanName = "clean"
    static let segmentSuffix = ".journal"
    static let proofName = "proof"
    static let quarantineName = "quarantine"
    static let formatVersion: UInt32 = 1
    private static let identityMagic: UInt32 = 0x494a_5341  // "ASJI"
    private static let cleanMagic: UInt32 = 0x434a_5341  // "ASJC"

    static func segmentName(_ firstSequence: UInt64) -> String {
        let digits = String(firstSequence)
        return String(repeating: "0", count: 20 - digits.count) + digits + segmentSuffix
    }

    /// First numbers of the segments, ascending.
    static func segments(_ storage: any JournalStorage) throws(SystemError) -> [UInt64] {
        try storage.list("").compactMap { name -> UInt64? in
            guard name.hasSuffix(segmentSuffix), name.utf8.count == 20 + segmentSuffix.utf8.count else { return nil }
            return UInt64(name.dropLast(segmentSuffix.count))
        }.sorted()
    }

    /// The identity; nil when the directory holds none.
    static func identity(_ storage: any JournalStorage, path: String) throws(AuditError) -> JournalIdentity? {
        guard storage.exists(identityName) else { return nil }
        let bytes: [UInt8]
        do { bytes = try storage.read(identityName) } catch { throw .system(error) }
        guard bytes.count == 28, bytes.isWhole(magic: identityMagic) else {
            throw .identityDamaged(path: "\(path)/\(identityName)")
        }
        let version = unsafe bytes.withUnsafeBytes { unsafe ByteReader($0).uint32(at: 4) }
        guard version == formatVersion else { throw .formatUnknown(version: version, path: "\(path)/\(identityName)") }
        return JournalIdentity(bytes: Array(bytes[8..<24]))
    }

    static func writeIdentity(_ identity: JournalIdentity, _ storage: any JournalStorage) throws(SystemError) {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(identityMagic)
        bytes.appendLittleEndian(formatVersion)
        bytes.append(contentsOf: identity.bytes)
        try storage.replace(identityName, bytes.withChecksum)
    }

    /// The state at a clean close; nil when there was none, or when its marker is damaged.
    static func cleanMarker(_ storage: any JournalStorage) throws(SystemError) -> CleanMarker? {
        guard storage.exists(cleanName) else { return nil }
        let bytes = try storage.read(cleanName)
        guard bytes.count == 52, bytes.isWhole(magic: cleanMagic),
            let hash = SHA256Digest(bytes: bytes[16..<48])
        else { return nil }
        return CleanMarker(nextSequence: unsafe bytes.withUnsafeBytes { unsafe ByteReader($0).uint64(at: 8) }, hash: hash)
    }

    static func writeCleanMarker(_ marker: CleanMarker, _ storage: any JournalStorage) throws(SystemError) {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(cleanMagic)
        bytes.appendLittleEndian(formatVersion)
        bytes.appendLittleEndian(marker.nextSequence)
        bytes.append(contentsOf: marker.hash.bytes)
        try storage.replace(cleanName, bytes.withChecksum)
    }

    static func removeCleanMarker(_ storage: any JournalStorage) throws(SystemError) {
        guard storage.exists(cleanName) else { return }
        try storage.remove(cleanName)
        try storage.synchronizeDirectory()
    }
}

/// Where the journal ended when it was closed.
struct CleanMarker: Equatable, Sendable {
    let nextSequence: UInt64
    let hash: SHA256Digest
}

extension [UInt8] {
    fileprivate var withChecksum: [UInt8] {
        var bytes = self
        bytes.appendLittleEndian(unsafe withUnsafeBytes { unsafe crc32c($0) })
        return bytes
    }

    /// Whether the first four bytes are `magic` and the last four the checksum of the others.
    fileprivate func isWhole(magic: UInt32) -> Bool {
        unsafe withUnsafeBytes { buffer in
            let bytes = unsafe ByteReader(buffer)
            return bytes.uint32(at: 0) == magic && bytes.uint32(at: count - 4) == bytes.checksum(0..<count - 4)
        }
    }
}

/// The right to write a journal, held by one server.
final class JournalLock: Sendable {
    // An open-file-description lock goes with the descriptor, so it ends with the process however that dies.
    private static let getLock: Int32 = 36  // F_OFD_GETLK
    private static let setLock: Int32 = 37  // F_OFD_SETLK
    private let descriptor: FileDescriptor
    private let path: String

    /// nil: somebody else holds it.
    init?(path: String) throws(SystemError) {
        self.path = path
        while true {
            let descriptor = try File.open(path, O_RDWR | O_CREAT)
            var lock = Self.wholeFile
            guard unsafe fcntl(descriptor.rawValue, Self.setLock, &lock) == 0 else {
                if errno == EAGAIN || errno == EACCES { return nil }
                throw SystemError(operation: "lock", path: path, code: errno)
            }
            // The holder before may have removed the file between our opening and locking it: then the lock is on a file that nobody
            // else will find. Each round needs such a removal, so there are few.
            var opened = stat()
            var named = stat()
            guard unsafe fstat(descriptor.rawValue, &opened) == 0 else {
                throw SystemError(operation: "fstat", path: path, code: errno)
            }
            if unsafe stat(path, &named) == 0, named.st_ino == opened.st_ino, named.st_dev == opened.st_dev {
                self.descriptor = descriptor
                return
            }
        }
    }

    deinit {
        // Closing would do, but for a child process that another thread is just starting: until it execs it has the descriptor, too.
        var lock = Self.wholeFile
        lock.l_type = Int16(F_UNLCK)
        unsafe _ = fcntl(descriptor.rawValue, Self.setLock, &lock)
    }

    /// Takes the file away; the lock is held until this object goes.
    func removeFile() throws(SystemError) { try File.remove(path) }

    /// Whether a server holds the lock now; asks without taking it.
    static func isHeld(path: String) -> Bool {
        guard let descriptor = try? File.open(path, O_RDONLY) else { return false }
        var lock = wholeFile
        guard unsafe fcntl(descriptor.rawValue, getLock, &lock) == 0 else { return false }
        return lock.l_type != Int16(F_UNLCK)
    }

    private static var wholeFile: flock {
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        return lock
    }
}
