import Glibc
import Platform
import Synchronization

/// The mapped ring file: the control page and the rings, shared by the workers, the journal thread and the next process.
@safe final class RingMemory: @unchecked Sendable {
    // Safety: the mapping lives as long as this object. The words at fixed offsets are only touched as atomics after `initialize`; ring bytes
    // are written by their one producer before the release-store of its tail and read by the journal after the acquiring load.
    private let mapping: MappedMemory
    let path: String
    let workerCount: Int
    let ringByteCount: Int
    let stamp: RingStamp
    let firstSequence: UInt64

    private init(mapping: MappedMemory, path: String, header: Header) {
        self.mapping = mapping
        self.path = path
        workerCount = header.workerCount
        ringByteCount = header.ringByteCount
        stamp = header.stamp
        firstSequence = header.firstSequence
    }

    /// Makes a fresh ring file in place of whatever is at `path`; the header's checksum is stored last.
    static func create(
        path: String, stamp: RingStamp, workerCount: Int, ringByteCount: Int, firstSequence: UInt64
    ) throws(SystemError) -> RingMemory {
        let temporary = "\(path).\(getpid()).tmp"
        if File.exists(temporary) { try File.remove(temporary) }
        let byteCount = RingLayout.fileByteCount(workerCount: workerCount, ringByteCount: ringByteCount)
        do throws(SystemError) {
            let mapping = try MappedMemory.shared(path: temporary, byteCount: byteCount)
            let header = Header(
                workerCount: workerCount, ringByteCount: ringByteCount, stamp: stamp, firstSequence: firstSequence)
            header.store(in: mapping)
            let memory = RingMemory(mapping: mapping, path: path, header: header)
            memory.nextSequence.storeReleasing(firstSequence)
            memory.writtenSequence.storeReleasing(firstSequence)
            try File.rename(temporary, path)
            return memory
        } catch {
            try? File.remove(temporary)
            throw error
        }
    }

    /// Maps an existing ring file; nil when what is there isn't a whole ring file of a known version.
    static func map(path: String) throws(SystemError) -> RingMemory? {
        let byteCount = try File.byteCount(path)
        guard byteCount >= RingLayout.dataOffset(workerCount: 1), byteCount % RingLayout.pageByteCount == 0 else { return nil }
        let mapping = try MappedMemory.shared(path: path, byteCount: byteCount)
        guard let header = Header(mapping) else { return nil }
        return RingMemory(mapping: mapping, path: path, header: header)
    }

    // MARK: Words of the control page

    @inline(__always)
    private func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        // Safety: offsets are multiples of 8 inside the file, whose size was checked against the header.
        unsafe (mapping.base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// The next number to be given; workers add to it, the journal reads it when no worker runs any more.
    @inline(__always)
    var nextSequence: SharedWord { unsafe SharedWord(word(RingLayout.nextSequenceOffset)) }

    @inline(__always)
    var state: SharedWord { unsafe SharedWord(word(RingLayout.stateOffset)) }

    /// The journal holds all numbers below this one; stored before their room is freed. A number below it that recovery misses was lost
    /// by the disk.
    @inline(__always)
    var writtenSequence: SharedWord { unsafe SharedWord(word(RingLayout.writtenOffset)) }

    @inline(__always)
    func head(_ worker: Int) -> SharedWord {
        unsafe SharedWord(word(RingLayout.controlOffset + worker * RingLayout.controlByteCount))
    }

    @inline(__always)
    func tail(_ worker: Int) -> SharedWord {
        unsafe SharedWord(word(RingLayout.controlOffset + worker * RingLayout.controlByteCount + RingLayout.tailOffset))
    }

    /// First byte of a worker's ring.
    @inline(__always)
    func ring(_ worker: Int) -> UnsafeMutableRawPointer {
        unsafe mapping.base + RingLayout.dataOffset(workerCount: workerCount) + worker * ringByteCount
    }

    /// Bytes committed and not yet freed, over all rings.
    var byteCountUsed: Int {
        (0..<workerCount).reduce(0) { sum, worker in
            let head = head(worker).loadRelaxed()
            return sum + Int(clamping: max(tail(worker).loadRelaxed(), head) - head)
        }
    }

    /// The file's bytes as they are now, for quarantine and crash images.
    var image: UnsafeRawBufferPointer { unsafe mapping.bytes }
}

/// One 64-bit word in shared memory.
@safe struct SharedWord {
    // Safety: made by RingMemory only, which outlives it.
    private let pointer: UnsafeMutablePointer<Atomic<UInt64>>

    @inline(__always)
    init(_ pointer: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.pointer = pointer }

    @inline(__always)
    func loadRelaxed() -> UInt64 { unsafe pointer.pointee.load(ordering: .relaxed) }

    @inline(__always)
    func loadAcquiring() -> UInt64 { unsafe pointer.pointee.load(ordering: .acquiring) }

    @inline(__always)
    func storeReleasing(_ value: UInt64) { unsafe pointer.pointee.store(value, ordering: .releasing) }

    /// Adds and returns the value before.
    @inline(__always)
    func take(_ count: UInt64) -> UInt64 {
        unsafe pointer.pointee.wrappingAdd(count, ordering: .relaxed).oldValue
    }
}

extension RingMemory {
    /// The fixed part of the control page.
    private struct Header {
        let workerCount: Int
        let ringByteCount: Int
        let stamp: RingStamp
        let firstSequence: UInt64

        init(workerCount: Int, ringByteCount: Int, stamp: RingStamp, firstSequence: UInt64) {
            self.workerCount = workerCount
            self.ringByteCount = ringByteCount
            self.stamp = stamp
            self.firstSequence = firstSequence
        }

        /// nil when magic, version, checksum or sizes don't fit the file.
        init?(_ mapping: MappedMemory) {
            let bytes = unsafe ByteReader(mapping.bytes)
            guard bytes.uint64(at: 0) == RingLayout.magic, bytes.uint32(at: 8) == RingLayout.version,
                bytes.uint32(at: 64) == bytes.checksum(0..<RingLayout.headerByteCount)
            else { return nil }
            workerCount = Int(bytes.uint32(at: 12))
            ringByteCount = Int(clamping: bytes.uint64(at: 16))
            guard (1...AuditLimits.workerCountMax).contains(workerCount), AuditLimits.ringByteCountRange.contains(ringByteCount),
                ringByteCount.nonzeroBitCount == 1,
                mapping.byteCount == RingLayout.fileByteCount(workerCount: workerCount, ringByteCount: ringByteCount)
            else { return nil }
            stamp = RingStamp(identity: JournalIdentity(bytes: bytes.bytes(24..<40)), bootID: bytes.bytes(40..<56))
            firstSequence = bytes.uint64(at: 56)
        }

        func store(in mapping: MappedMemory) {
            var bytes: [UInt8] = []
            bytes.appendLittleEndian(RingLayout.magic)
            bytes.appendLittleEndian(RingLayout.version)
            bytes.appendLittleEndian(UInt32(workerCount))
            bytes.appendLittleEndian(UInt64(ringByteCount))
            bytes.append(contentsOf: stamp.identity.bytes)
            bytes.append(contentsOf: stamp.bootID)
            bytes.appendLittleEndian(firstSequence)
            bytes.appendLittleEndian(unsafe bytes.withUnsafeBytes { unsafe crc32c($0) })
            // Safety: the mapping has at least a page.
            unsafe bytes.withUnsafeBytes { unsafe mapping.base.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        }
    }
}
