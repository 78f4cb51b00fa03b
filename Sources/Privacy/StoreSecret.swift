import Crypto
import Glibc
import Platform

/// The file `secret`: who the store is, and the key under which subjects are hashed. Without it nobody can tell whom a record is about.
///
///          0      4  magic "ASPS"
///          4      4  format version, 1
///          8     16  the store's identity, random
///         24     32  secret, random
///         56      4  zero
///         60      4  CRC-32C of bytes 0-59
struct StoreSecret: Sendable {
    static let name = "secret"
    static let byteCount = 64
    private static let magic: UInt32 = 0x5350_5341  // "ASPS"
    static let version: UInt32 = 1

    let storeIdentity: [UInt8]
    private let key: SymmetricKey

    /// What stands for a subject in records: HMAC-SHA-256 of its bytes.
    func reference(of subject: UnsafeRawBufferPointer) -> SubjectReference {
        var code = HMAC<SHA256>(key: key)
        code.update(data: unsafe Array(subject))
        return SubjectReference(bytes: Array(code.finalize()))!
    }

    static func read(_ directory: String) throws(PrivacyError) -> StoreSecret {
        let path = "\(directory)/\(name)"
        guard File.exists(path) else { throw .noStore(path: directory) }
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try File.read(path, byteCountMax: 4096) } catch { throw .system(error) }
        guard bytes.count == byteCount, LittleEndian.uint32(bytes, at: 0) == magic, LittleEndian.uint32(bytes, at: 4) == version,
            LittleEndian.uint32(bytes, at: 60) == LittleEndian.checksum(bytes[..<60])
        else { throw .damaged(path: path) }
        return StoreSecret(storeIdentity: Array(bytes[8..<24]), key: SymmetricKey(data: bytes[24..<56]))
    }

    /// Makes a new store's secret; fails when there is one.
    static func make(_ directory: String) throws(PrivacyError) {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        LittleEndian.append(magic, to: &bytes)
        LittleEndian.append(version, to: &bytes)
        for _ in 0..<48 { bytes.append(.random(in: 0...255, using: &generator)) }
        LittleEndian.append(UInt32(0), to: &bytes)
        LittleEndian.append(LittleEndian.checksum(bytes[...]), to: &bytes)
        do throws(SystemError) { try File.writeAtomically(bytes, to: "\(directory)/\(name)", mode: 0o600) } catch {
            throw .system(error)
        }
    }
}

/// Numbers in the store's files.
enum LittleEndian {
    static func uint32(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }

    static func uint64(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 { unsafe bytes.withUnsafeBytes { unsafe crc32c($0) } }
}
