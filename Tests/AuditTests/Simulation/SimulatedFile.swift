import Glibc
import Platform

@testable import Audit

/// An open file of a `SimulatedDisk`.
final class SimulatedFile: JournalFile, @unchecked Sendable {
    private let inode: SimulatedInode
    private let name: String
    private let disk: SimulatedDisk

    init(_ inode: SimulatedInode, _ name: String, _ disk: SimulatedDisk) {
        self.inode = inode
        self.name = name
        self.disk = disk
    }

    private var isSegment: Bool { name.hasSuffix(JournalDirectory.segmentSuffix) }

    func byteCount() throws(SystemError) -> Int { inode.cache.count }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try disk.begin(.read, name)
        let count = max(0, min(buffer.count, inode.cache.count - offset))
        inode.cache.withUnsafeBytes { bytes in
            if count > 0 { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])) }
        }
        return count
    }

    func write(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        disk.onWrite?()
        // A kill or an error in the middle leaves the first bytes.
        if disk.diesNow { inode.write(at: offset, part(of: bytes)) }
        try disk.begin(.write, name)
        if disk.chance(disk.rates.write) { return try fail(offset, part(of: bytes), EIO) }
        if let room = disk.room {
            let growth = max(0, offset + bytes.count - inode.cache.count)
            if growth > room {
                disk.room = 0
                return try fail(offset, Array(bytes.prefix(max(0, bytes.count - growth + room))), ENOSPC)
            }
            disk.room = room - growth
        }
        inode.write(at: offset, written(Array(bytes), at: offset))
    }

    /// What a write really writes: all, unless a defect says otherwise.
    private func written(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        switch disk.defect {
        case .loseTheEndOfWrites where isSegment && bytes.count > 1500: Array(bytes.dropLast(3))
        case .trustsThePageCache where disk.phase == .opening && isSegment: inode.cache.count >= offset + bytes.count ? [] : bytes
        default: bytes
        }
    }

    private func part(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
        Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &disk.generator)))
    }

    private func fail(_ offset: Int, _ part: [UInt8], _ code: Int32) throws(SystemError) {
        inode.write(at: offset, part)
        disk.trace?("write \(name) fails after \(part.count) bytes with errno \(code)")
        if disk.defect == .swallowsWriteErrors { return }
        throw SystemError(operation: "write", path: name, code: code)
    }

    func truncate(to byteCount: Int) throws(SystemError) {
        try disk.begin(.truncate, name)
        if disk.defect == .leavesTornTails { return }
        inode.truncate(to: byteCount)
    }

    func synchronize() throws(SystemError) {
        try disk.begin(.synchronize, name)
        switch disk.defect {
        case .skipsSync where disk.phase == .synchronizing: return
        case .skipsSyncBeforeRotation where disk.phase == .looking && inode.cache.count > SegmentHeader.byteCount: return
        case .skipsSyncInRecovery where disk.phase == .opening && isSegment: return
        case .skipsSyncOfProof where name == JournalDirectory.proofName && disk.phase == .keeping: return
        case .skipsSyncOfReplacedFiles where name.hasSuffix(".tmp"): return
        default: break
        }
        // What other threads write meanwhile is not covered.
        let covered = inode.pending.count
        disk.duringSync?(inode.cache.count)
        if disk.isDead { throw SystemError(operation: "fdatasync", path: name, code: ESHUTDOWN) }
        if disk.chance(disk.rates.synchronize) {
            inode.failSynchronizing(&disk.generator)
            disk.trace?("synchronize \(name) fails")
            // Tried again, it finds no dirty page, and says "done".
            if disk.defect == .retriesFailedSync { return }
            throw SystemError(operation: "fdatasync", path: name, code: Bool.random(using: &disk.generator) ? EIO : ENOSPC)
        }
        inode.synchronize(first: covered)
    }
}
