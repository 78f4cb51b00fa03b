import Glibc
import Platform
import Synchronization

/// One file of key slots, mapped: what is stored survives the process without a system call, and another process sees it at once. The first
/// slot is the header: magic "ASPK", format version, the store's identity, the file's number, CRC-32C of these 28 bytes.
///
/// One server makes keys, and any process may erase them. A slot's state is the last thing written when a key is made and the first when
/// it is erased; whoever copies a key looks at the state again afterwards.
@safe final class KeyFile: Sendable {
    static let byteCount = PrivacyLimits.slotCountPerFile * KeySlot.byteCount
    private static let magic: UInt32 = 0x4b50_5341  // "ASPK"
    private static let version: UInt32 = 1

    let number: Int
    let path: String
    // Safety: `memory` stays mapped as long as this object lives and has room for all slots; every index is checked. The directory belongs to
    // the server's user alone, so nobody truncates the file under the mapping. States are accessed atomically; other bytes of a slot are
    // written before its state says "key" and read after.
    private let memory: MappedMemory

    static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 5 - digits.count) + digits + ".keys"
    }

    /// Maps the file with a number; `create`: it is to be made when it is missing.
    init(_ directory: String, number: Int, storeIdentity: [UInt8], create: Bool) throws(PrivacyError) {
        self.number = number
        path = "\(directory)/\(Self.name(number))"
        do throws(SystemError) {
            if File.exists(path) {
                // A crash may have come between making the file and giving it its length; then nothing was in it.
                guard try File.byteCount(path) == Self.byteCount || create else {
                    throw SystemError(operation: "map", path: path, code: ENODATA)
                }
            } else if !create {
                throw SystemError(operation: "open", path: path, code: ENOENT)
            }
            memory = try MappedMemory.shared(path: path, byteCount: Self.byteCount)
            if create, unsafe memory.bytes[..<KeySlot.byteCount].allSatisfy({ $0 == 0 }) {
                try writeHeader(storeIdentity)
                try File.synchronizeDirectory(directory)
            }
        } catch {
            throw .system(error)
        }
        guard unsafe Array(memory.bytes[..<32]) == header(storeIdentity) else { throw .damaged(path: path) }
    }

    private func header(_ storeIdentity: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        LittleEndian.append(Self.magic, to: &bytes)
        LittleEndian.append(Self.version, to: &bytes)
        bytes += storeIdentity
        LittleEndian.append(UInt32(number), to: &bytes)
        LittleEndian.append(LittleEndian.checksum(bytes[...]), to: &bytes)
        return bytes
    }

    private func writeHeader(_ storeIdentity: [UInt8]) throws(SystemError) {
        store(header(storeIdentity), at: 0)
        try memory.synchronize()
    }

    func state(_ index: Int) -> KeySlot.State? { KeySlot.State(rawValue: self[stateOf: index].load(ordering: .acquiring)) }

    /// A copy of the slot's bytes, taken while its state stayed the same; nil: another process is erasing it at this moment.
    func bytes(_ index: Int) -> [UInt8]? {
        let before = self[stateOf: index].load(ordering: .acquiring)
        let bytes = unsafe Array(memory.bytes[offset(index)..<offset(index) + KeySlot.byteCount])
        // Partner: the eraser's releasing store of the state, which comes before it touches the key.
        atomicMemoryFence(ordering: .acquiring)
        return self[stateOf: index].load(ordering: .relaxed) == before ? bytes : nil
    }

    /// Puts a key into a free slot.
    func put(_ slot: KeySlot, at index: Int) {
        precondition(state(index) == .free, "slot \(index) of \(path) is taken")
        store(slot.body, at: offset(index) + 4)
        self[stateOf: index].store(KeySlot.State.key.rawValue, ordering: .releasing)
    }

    /// Destroys the key in a slot; what else it holds stays. Also finishes what a killed eraser began.
    func erase(_ index: Int, unixNanoseconds: Int64) {
        self[stateOf: index].store(KeySlot.State.erased.rawValue, ordering: .sequentiallyConsistent)
        var slot = KeySlot(createdNanoseconds: 0, number: 0, reference: .zero, key: [UInt8](repeating: 0, count: 32))
        let bytes = unsafe Array(memory.bytes[offset(index)..<offset(index) + KeySlot.byteCount])
        store(slot.key, at: offset(index) + 64)
        slot.createdNanoseconds = Int64(bitPattern: LittleEndian.uint64(bytes, at: 8))
        let erased = Int64(bitPattern: LittleEndian.uint64(bytes, at: 16))
        slot.erasedNanoseconds = erased == 0 ? unixNanoseconds : erased
        slot.number = LittleEndian.uint64(bytes, at: 24)
        slot.reference = SubjectReference(bytes: bytes[32..<64])!
        store(slot.body, at: offset(index) + 4)
    }

    /// Makes everything in the file durable.
    func synchronize() throws(SystemError) { try memory.synchronize() }

    private func offset(_ index: Int) -> Int {
        precondition(index > 0 && index < PrivacyLimits.slotCountPerFile, "slot \(index)")
        return index * KeySlot.byteCount
    }

    private func store(_ bytes: [UInt8], at offset: Int) {
        precondition(offset >= 0 && offset + bytes.count <= memory.byteCount, "bytes \(offset)... of a key file")
        // Safety: just checked.
        unsafe (memory.base + offset).copyMemory(from: bytes, byteCount: bytes.count)
    }

    /// The states, by slot.
    private subscript(stateOf index: Int) -> Atomic<UInt32> {
        unsafeAddress {
            // Safety: aligned to 128 bytes inside the mapping; an Atomic<UInt32> has the layout of the number.
            unsafe UnsafePointer((memory.base + offset(index)).assumingMemoryBound(to: Atomic<UInt32>.self))
        }
    }
}
