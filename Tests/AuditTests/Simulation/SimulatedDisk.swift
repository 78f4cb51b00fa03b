import Glibc
import Platform

@testable import Audit

/// A disk in memory that forgets what was not synced, reorders what lies between two syncs, tears writes, and fails when told to.
/// One thread uses it; everything that happens by chance comes from its seed.
final class SimulatedDisk: JournalStorage, @unchecked Sendable {
    /// What a process asked of the disk, for faults and defects that concern one kind.
    enum Operation: Int, CaseIterable {
        case create, open, read, write, truncate, synchronize, list, makeDirectory, rename, remove, synchronizeDirectory

        var changes: Bool { self != .open && self != .read && self != .list }
    }

    /// How often operations fail that can fail at any time, in 1/1000.
    struct FaultRates {
        var write = 0
        var synchronize = 0
        var read = 0
        var descriptor = 0
    }

    var generator: SeededGenerator
    var rates = FaultRates()
    /// Bytes that can still be written; nil: any number.
    var room: Int?
    var defect: Defect?
    /// The ring's hand for defects that free it too early.
    var onWrite: (() -> Void)?
    /// What other threads do while a file of so many bytes is being synced.
    var duringSync: ((Int) -> Void)?
    /// Whether the journal thread's or the opening's code is running (for defects that concern one of them).
    var phase = Phase.opening
    var trace: ((String) -> Void)?
    private(set) var names = SimulatedNamespace()
    private(set) var operationCount = 0
    /// The process is killed at the operation with this number; its half may have happened.
    private(set) var killedAt: Int?
    private(set) var isDead = false
    private var onKill: () -> Void = {}
    /// A failed write of metadata ends a file system: it can be read, and after a reboot written again.
    private(set) var isReadOnly = false
    /// The medium has all that processes see.
    private(set) var isSettled = true
    private var operationLimit = Int.max
    /// More operations than any recovery needs.
    private(set) var hasRunAway = false
    private var time: Int64 = 1_700_000_000_000_000_000
    private var lateDirectories: [String] = []
    /// Since the last time that a directory was to be synced.
    private var hasRemoved = false
    /// What hashes begin with decides nothing else.
    private var hashes: SeededGenerator

    enum Phase { case opening, looking, synchronizing, keeping, indexing, closing }

    init(seed: UInt64, defect: Defect?) {
        generator = SeededGenerator(seed: seed)
        hashes = SeededGenerator(seed: ~seed)
        self.defect = defect
    }

    /// Kills the process `count` operations from now; `onKill` is called at that moment.
    func kill(after count: Int, _ onKill: @escaping () -> Void) {
        killedAt = operationCount + count
        self.onKill = onKill
    }

    /// A new process on the same machine: all that was written is seen.
    func restartProcess() {
        isDead = false
        calmDown()
    }

    /// The machine loses power and starts again.
    func cutPower() {
        let luck = PowerCutLuck.allCases.randomElement(using: &generator)!
        names.cutPower(luck, &generator)
        // The same chance may take names and bytes, or not.
        let other = PowerCutLuck.allCases.randomElement(using: &generator)!
        for name in names.files.keys.sorted() { names.files[name]!.cutPower(other, &generator) }
        isReadOnly = false
        isSettled = true
        lateDirectories = []
        trace?("power cut: names \(luck), bytes \(other)")
        restartProcess()
    }

    /// Whether something can fail that does not end the process.
    var isSound: Bool { rates.write + rates.synchronize + rates.read + rates.descriptor == 0 && room == nil && !isReadOnly }

    /// No more faults; the disk has room.
    func calmDown(keepingKill: Bool = false) {
        rates = FaultRates()
        room = nil
        if keepingKill { return }
        killedAt = nil
        onKill = {}
        operationLimit = .max
    }

    /// Whatever is run now ends after this many operations, or has run away.
    func limitOperations() { operationLimit = operationCount + 20_000 }

    /// Segments and what is in quarantine, as processes see them.
    var lasting: [String: [UInt8]] {
        names.files.filter { $0.key.hasSuffix(JournalDirectory.segmentSuffix) || $0.key.hasPrefix("quarantine/") }
            .mapValues(\.cache)
    }

    func bytes(_ name: String) -> [UInt8]? { names.files[name]?.cache }

    /// Begins an operation: throws when the process is dead or dies here, or when the operation fails.
    func begin(_ operation: Operation, _ name: String) throws(SystemError) {
        operationCount += 1
        if operationCount > operationLimit { hasRunAway = true }
        if hasRunAway { throw SystemError(operation: "\(operation)", path: name, code: ESHUTDOWN) }
        if operation.changes { isSettled = false }
        if !isDead, let killedAt, operationCount > killedAt {
            isDead = true
            trace?("killed at \(operation) \(name)")
            onKill()
        }
        if isDead { throw SystemError(operation: "\(operation)", path: name, code: ESHUTDOWN) }
        try fail(operation, name)
        trace?("\(operation) \(name)")
    }

    /// Whether this very operation kills the process, so that a part of it may happen.
    var diesNow: Bool { !isDead && killedAt.map { operationCount + 1 > $0 } ?? false }

    private func fail(_ operation: Operation, _ name: String) throws(SystemError) {
        let code: Int32? =
            switch operation {
            case .create, .makeDirectory, .rename, .remove, .synchronizeDirectory, .truncate, .write:
                if isReadOnly {
                    EROFS
                } else if operation == .synchronizeDirectory, chance(rates.synchronize) {
                    endFileSystem()
                } else if operation == .create, chance(rates.descriptor) {
                    Bool.random(using: &generator) ? EMFILE : ENOSPC
                } else if operation == .makeDirectory, room == 0 {
                    ENOSPC
                } else if operation == .rename || operation == .remove || operation == .truncate, chance(rates.write) {
                    EIO
                } else {
                    nil
                }
            case .open, .list: chance(rates.descriptor) ? EMFILE : nil
            case .read: chance(rates.read) ? EIO : nil
            case .synchronize: isReadOnly ? EIO : nil
            }
        guard let code else { return }
        trace?("\(operation) \(name) fails with errno \(code)")
        throw SystemError(operation: "\(operation)", path: name, code: code)
    }

    private func endFileSystem() -> Int32 {
        isReadOnly = true
        return EIO
    }

    func chance(_ perMille: Int) -> Bool { perMille > 0 && Int.random(in: 0..<1000, using: &generator) < perMille }

    // MARK: JournalStorage

    func wallNanoseconds() -> Int64 {
        time += 1000
        return time
    }

    func newIdentity() -> JournalIdentity {
        JournalIdentity(bytes: (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    func newHash() -> TransactionHash { TransactionHash(seed: hashes.next()) }

    func open(_ name: String, create: Bool) throws(SystemError) -> any JournalFile {
        try begin(create ? .create : .open, name)
        guard names.directories.contains(SimulatedNamespace.directory(of: name)) else { throw missing("open", name) }
        if let inode = names.files[name] {
            if create, !inode.cache.isEmpty { inode.truncate(to: 0) }
            return SimulatedFile(inode, name, self)
        }
        guard create else { throw missing("open", name) }
        let inode = SimulatedInode()
        names.link(name, inode)
        return SimulatedFile(inode, name, self)
    }

    func openForReading(_ name: String) throws(SystemError) -> any JournalFile { try open(name, create: false) }

    func list(_ subdirectory: String) throws(SystemError) -> [String] {
        try begin(.list, subdirectory)
        guard names.directories.contains(subdirectory) else { throw missing("list", subdirectory) }
        return names.list(subdirectory)
    }

    func exists(_ name: String) -> Bool { names.files[name] != nil || names.directories.contains(name) }

    func createDirectory(_ name: String) throws(SystemError) {
        try begin(.makeDirectory, name)
        names.makeDirectory(name)
    }

    func rename(_ from: String, _ to: String) throws(SystemError) {
        try begin(.rename, from)
        guard names.files[from] != nil else { throw missing("rename", from) }
        if defect == .throwsDamagedFilesAway, to.hasPrefix("quarantine/") { return names.unlink(from) }
        names.rename(from, to)
    }

    func remove(_ name: String) throws(SystemError) {
        try begin(.remove, name)
        guard names.files[name] != nil else { throw missing("remove", name) }
        if defect == .keepsTheCloseMarker, name == JournalDirectory.cleanName { return }
        names.unlink(name)
        hasRemoved = true
    }

    func synchronizeDirectory(_ subdirectory: String) throws(SystemError) {
        try begin(.synchronizeDirectory, subdirectory)
        defer { hasRemoved = false }
        switch defect {
        case .skipsDirectorySync: return
        case .syncsDirectoriesLate:
            // At the next call, when the process has gone on long since.
            lateDirectories.append(subdirectory)
            if lateDirectories.count > 1 { names.synchronize(lateDirectories.removeFirst()) }
        case .skipsDirectorySyncAtRotation where phase == .looking: return
        case .skipsDirectorySyncOfProof where phase == .keeping && !hasRemoved: return
        case .skipsDirectorySyncInRetention where phase == .keeping && hasRemoved: return
        default: names.synchronize(subdirectory)
        }
    }

    private func missing(_ operation: String, _ name: String) -> SystemError {
        SystemError(operation: operation, path: name, code: ENOENT)
    }
}
