import Platform

/// What stands for a subject in records and in the key store: HMAC-SHA-256 under the store's secret.
public typealias SubjectReference = SHA256Digest

/// What a slot of a key file holds.
///
///          0      4  state: 0 free, 1 key, 2 erased
///          4      4  CRC-32C of bytes 8-127
///          8      8  when the key was made, Unix nanoseconds
///         16      8  when it was erased; 0: it was not
///         24      8  number of the key: 8192 times the file's number, plus the slot's
///         32     32  subject_ref
///         64     32  the key; zeros when erased
///         96     32  zero
struct KeySlot: Equatable, Sendable {
    static let byteCount = 128

    enum State: UInt32 {
        case free = 0
        case key = 1
        case erased = 2
    }

    var createdNanoseconds: Int64
    var erasedNanoseconds: Int64 = 0
    var number: UInt64
    var reference: SubjectReference
    /// 32 bytes.
    var key: [UInt8]

    /// Everything but the state, checksum first: bytes 4-127.
    var body: [UInt8] {
        var rest: [UInt8] = []
        LittleEndian.append(createdNanoseconds, to: &rest)
        LittleEndian.append(erasedNanoseconds, to: &rest)
        LittleEndian.append(number, to: &rest)
        rest += reference.bytes
        rest += key
        rest += [UInt8](repeating: 0, count: 32)
        var bytes: [UInt8] = []
        LittleEndian.append(LittleEndian.checksum(rest[...]), to: &bytes)
        return bytes + rest
    }

    /// `bytes`: the whole slot, 128 bytes. nil: its checksum is wrong.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount, LittleEndian.uint32(bytes, at: 4) == LittleEndian.checksum(bytes[8...]),
            let reference = SubjectReference(bytes: bytes[32..<64])
        else { return nil }
        createdNanoseconds = Int64(bitPattern: LittleEndian.uint64(bytes, at: 8))
        erasedNanoseconds = Int64(bitPattern: LittleEndian.uint64(bytes, at: 16))
        number = LittleEndian.uint64(bytes, at: 24)
        self.reference = reference
        key = Array(bytes[64..<96])
    }

    init(createdNanoseconds: Int64, number: UInt64, reference: SubjectReference, key: [UInt8]) {
        precondition(key.count == 32, "a key of \(key.count) bytes")
        self.createdNanoseconds = createdNanoseconds
        self.number = number
        self.reference = reference
        self.key = key
    }
}
