import CLZ4
import Platform

/// One thread's memory for the blocks it reads, used again and again.
///
/// Safety: both pieces of memory are owned by this object and freed by deinit; what is given out is valid until the next call.
@safe
public final class JournalBlockMemory {
    private var stored = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 19, alignment: 64)
    private var raw = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    /// Blocks whose bytes are not what was written: the checksum or the hash does not fit, or they do not decompress.
    public private(set) var damageCount = 0
    private let checksHash: Bool

    /// - Parameter checksHash: whether each block's SHA-256 is computed anew; the checksum (CRC-32C) always is.
    public init(checksHash: Bool) {
        self.checksHash = checksHash
    }

    deinit {
        unsafe stored.deallocate()
        unsafe raw.deallocate()
    }

    /// Calls `body` with the records of the run's blocks, those of several small blocks at once.
    public func forEachGathering(of run: JournalRun, _ body: (JournalRecords) -> Void) throws(AuditError) {
        do throws(SystemError) {
            var filled = 0
            for place in run.places {
                if filled > 0, filled + place.header.rawByteCount > AuditLimits.gatheringByteCount {
                    unsafe body(JournalRecords(UnsafeRawBufferPointer(rebasing: raw[..<filled])))
                    filled = 0
                }
                if try load(place, run.file, at: filled) { filled += place.header.rawByteCount } else { damageCount += 1 }
            }
            if filled > 0 { unsafe body(JournalRecords(UnsafeRawBufferPointer(rebasing: raw[..<filled]))) }
        } catch {
            throw .system(error)
        }
    }

    /// Reads, checks and decompresses one block to `offset` of the raw memory.
    private func load(_ place: JournalRun.Place, _ file: any JournalFile, at offset: Int) throws(SystemError) -> Bool {
        let header = place.header
        if header.storedByteCount > (unsafe stored.count) { unsafe Self.replace(&stored, header.storedByteCount, keeping: 0) }
        if offset + header.rawByteCount > (unsafe raw.count) {
            unsafe Self.replace(&raw, offset + header.rawByteCount, keeping: offset)
        }
        // Safety: both are at least as long as the header says, which has a limit.
        let source = unsafe UnsafeMutableRawBufferPointer(rebasing: stored[..<header.storedByteCount])
        let destination = unsafe UnsafeMutableRawBufferPointer(rebasing: raw[offset..<offset + header.rawByteCount])
        guard try unsafe file.read(at: place.offset + BlockHeader.byteCount, into: source) == source.count else { return false }
        let payload = UnsafeRawBufferPointer(source)
        guard unsafe crc32c(payload) == header.payloadChecksum else { return false }
        if checksHash, unsafe header.computedHash(payload) != header.hash { return false }
        guard header.codec == .lz4 else {
            unsafe destination.copyMemory(from: payload)
            return true
        }
        // Safety: LZ4 reads at most the payload and writes at most the raw bytes.
        return unsafe LZ4_decompress_safe(
            payload.baseAddress!.assumingMemoryBound(to: CChar.self),
            destination.baseAddress!.assumingMemoryBound(to: CChar.self), Int32(payload.count), Int32(destination.count))
            == Int32(destination.count)
    }

    private static func replace(_ memory: inout UnsafeMutableRawBufferPointer, _ byteCount: Int, keeping kept: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
        unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<kept]))
        unsafe memory.deallocate()
        unsafe memory = unsafe larger
    }
}

/// Records one after another, each with its length before it.
///
/// Safety: a view of memory that outlives it; every length is checked against what is left.
@safe
public struct JournalRecords {
    private var rest: UnsafeRawBufferPointer
    /// The bytes ended inside a record.
    public private(set) var isBroken = false

    public init(_ bytes: UnsafeRawBufferPointer) {
        unsafe rest = unsafe bytes
    }

    /// The next record's bytes; nil at the end.
    public mutating func next() -> UnsafeRawBufferPointer? {
        guard unsafe rest.count >= 4 else {
            isBroken = unsafe !rest.isEmpty
            return nil
        }
        let length = unsafe Int(UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self)))
        guard unsafe length <= rest.count - 4 else {
            isBroken = true
            return nil
        }
        let record = unsafe UnsafeRawBufferPointer(rebasing: rest[4..<4 + length])
        unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[(4 + length)...])
        return unsafe record
    }
}
