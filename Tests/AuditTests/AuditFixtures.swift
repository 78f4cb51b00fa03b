import Glibc
import Logging
import Platform
import Synchronization
import Testing
import Wire

@testable import Audit

/// A directory of its own for one test, removed at the end. On tmpfs, where syncing costs nothing.
final class TemporaryDirectory: Sendable {
    private static let counter = Atomic<Int>(0)
    let path: String

    init() {
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        let root = File.isDirectory("/dev/shm") ? "/dev/shm" : "/tmp"
        path = "\(root)/assay-audit-test-\(getpid())-\(number)"
        try? File.removeTree(path)
        try? File.createDirectory(path)
    }

    deinit { try? File.removeTree(path) }

    var journal: String { "\(path)/journal" }
    var ring: String { "\(path)/ring" }

    func configuration(workerCount: Int = 1) -> AuditConfiguration {
        var configuration = AuditConfiguration(journalDirectory: journal, workerCount: workerCount)
        configuration.ringDirectory = ring
        configuration.ringByteCount = 64 << 10
        configuration.segmentByteCount = 64 << 10
        configuration.blockByteCount = 4 << 10
        return configuration
    }

    /// The journal's and the ring's files as they are now, in a directory of their own.
    func crashImage() throws -> TemporaryDirectory {
        let image = TemporaryDirectory()
        try Self.copy(journal, image.journal)
        if File.isDirectory(ring) { try Self.copy(ring, image.ring) }
        return image
    }

    private static func copy(_ from: String, _ to: String) throws {
        try File.createDirectory(to)
        for name in try File.list(from) {
            if File.isDirectory("\(from)/\(name)") {
                try copy("\(from)/\(name)", "\(to)/\(name)")
            } else {
                let descriptor = try File.open("\(to)/\(name)", O_WRONLY | O_CREAT)
                try File.write(descriptor, File.read("\(from)/\(name)"))
            }
        }
    }
}

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A decision's record as the server writes it; its bytes depend on the number alone.
func makeRecord(_ sequence: UInt64, bundle: String = "cards", transactionID: String? = nil) -> [UInt8] {
    var generator = SeededGenerator(seed: sequence)
    var record = AuditRecord()
    record.sequence = sequence
    record.timeNanoseconds = 1_700_000_000_000_000_000 + Int64(truncatingIfNeeded: sequence) * 1000
    record.bundle = bundle
    record.version = 7
    record.digest = (0..<32).map { UInt8($0) }
    record.features32 = (0..<Int.random(in: 4...40, using: &generator) * 4).map { _ in
        UInt8.random(in: 0...255, using: &generator)
    }
    record.score = Double.random(in: 0...1, using: &generator)
    record.outcome = record.score > 0.5 ? .decline : .approve
    record.stage = .online
    record.transactionID = transactionID ?? "tx-\(sequence)"
    record.caller = "test"
    record.requestID = sequence &* 31
    record.serverNanoseconds = 900
    return record.encoded()
}

extension AuditProducer {
    /// Reserves, appends and commits one record; nil when there is no room.
    func put() -> UInt64? {
        guard let sequence = reserve(count: 1, byteCountMax: 512) else { return nil }
        append(sequence: sequence) { buffer in
            let bytes = makeRecord(sequence)
            buffer.copyBytes(from: bytes)
            return bytes.count
        }
        commit()
        return sequence
    }
}

/// Every record of a journal, in order.
func allRecords(_ directory: String, from: UInt64 = 1) throws -> [JournalRecord] {
    var reader = try JournalReader(directory: directory, from: from)
    var records: [JournalRecord] = []
    while let record = try reader.next() { records.append(record) }
    return records
}

/// A disk that fails when told to.
final class FaultStorage: JournalStorage {
    struct Plan {
        var operationCount = 0
        /// The operation with this number (from 0) and all later ones fail: the process died there.
        var diesAt: Int?
        var bytesUntilFull: Int?
        var syncFails = false
        var syncCount = 0
        /// Called with half of a block written.
        var onTornWrite: (@Sendable () -> Void)?
    }

    let disk: DiskStorage
    let plan = Mutex(Plan())

    init(_ directory: String) { disk = DiskStorage(directory: directory) }

    func step(_ operation: String) throws(SystemError) {
        let isDead = plan.withLock { plan in
            defer { plan.operationCount += 1 }
            return plan.diesAt.map { plan.operationCount >= $0 } ?? false
        }
        if isDead { throw SystemError(operation: operation, code: EIO) }
    }

    func open(_ name: String, create: Bool) throws(SystemError) -> any JournalFile {
        try step("open")
        let file = try disk.open(name, create: create)
        // Faults concern segments; a file that is replaced as a whole fails at its steps.
        return name.hasSuffix(".tmp") ? file : FaultFile(file, self)
    }

    func openForReading(_ name: String) throws(SystemError) -> any JournalFile { try disk.openForReading(name) }
    func list(_ subdirectory: String) throws(SystemError) -> [String] { try disk.list(subdirectory) }
    func exists(_ name: String) -> Bool { disk.exists(name) }
    func createDirectory(_ name: String) throws(SystemError) { try disk.createDirectory(name) }

    func rename(_ from: String, _ to: String) throws(SystemError) {
        try step("rename")
        try disk.rename(from, to)
    }

    func remove(_ name: String) throws(SystemError) {
        try step("remove")
        try disk.remove(name)
    }

    func synchronizeDirectory(_ subdirectory: String) throws(SystemError) { try step("fsync") }
}

final class FaultFile: JournalFile {
    private let file: any JournalFile
    private let storage: FaultStorage

    init(_ file: any JournalFile, _ storage: FaultStorage) {
        self.file = file
        self.storage = storage
    }

    func byteCount() throws(SystemError) -> Int { try file.byteCount() }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try file.read(at: offset, into: buffer)
    }

    func write(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        try storage.step("write")
        let (room, torn) = storage.plan.withLock { plan in
            let room = plan.bytesUntilFull
            if let room, room < bytes.count {
                plan.bytesUntilFull = 0
            } else {
                plan.bytesUntilFull = room.map { $0 - bytes.count }
            }
            return (room, plan.onTornWrite)
        }
        if let room, room < bytes.count {
            try file.write(at: offset, UnsafeRawBufferPointer(rebasing: bytes[..<room]))
            throw SystemError(operation: "pwrite", code: ENOSPC)
        }
        if let torn {
            try file.write(at: offset, UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]))
            torn()
        }
        try file.write(at: offset, bytes)
    }

    func truncate(to byteCount: Int) throws(SystemError) {
        try storage.step("truncate")
        try file.truncate(to: byteCount)
    }

    func synchronize() throws(SystemError) {
        try storage.step("fdatasync")
        let fails = storage.plan.withLock { plan in
            plan.syncCount += 1
            return plan.syncFails
        }
        if fails { throw SystemError(operation: "fdatasync", code: EIO) }
        try file.synchronize()
    }
}

/// Waits for the work of another thread or process, up to three minutes: on a machine that is busy with other things it may take long.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Clock.monotonicNanoseconds() + 180_000_000_000
    while Clock.monotonicNanoseconds() < deadline {
        if try condition() { return true }
        usleep(2000)
    }
    return false
}
